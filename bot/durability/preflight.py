"""What is wrong with the settings and can be said before anything is touched."""

import logging
from collections.abc import Callable
from pathlib import Path

from bot.durability.environment import litestream_environment, litestream_program
from bot.durability.volume import require_mounted
from bot.errors import ConfigurationError
from bot.settings import Settings
from bot.store.cipher import cipher_from
from bot.store.engine import require_engine
from bot.store.files.modes.facts import require_folder

log = logging.getLogger(__name__)


def require_settings(settings: Settings) -> None:
    """Raise ConfigurationError for all that would make a start fail later, ProtectedError for an old SQLite."""
    require_engine()
    if settings.service_api_base_url is None:
        log.warning("SERVICE_API_BASE_URL is not set: no personality can answer until it is")
    wrong = [error for check in CHECKS if (error := _failure(check, settings)) is not None]
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise ConfigurationError(
            "\n- ".join([f"{len(wrong)} things are missing:", *map(str, wrong)]) + "\n",
            remedy="Set them in the environment or in a file named .env; .env.example explains each, "
            "and `tzurot doctor` says what else to look at.",
        )


def _failure(check: Callable[[Settings], object], settings: Settings) -> ConfigurationError | None:
    try:
        check(settings)
    except ConfigurationError as error:
        return error
    return None


def _require_token(settings: Settings) -> None:
    if settings.discord_token is None:
        raise ConfigurationError(
            "DISCORD_TOKEN is not set.",
            remedy="Copy it from the Bot page of your application at https://discord.com/developers/applications.",
        )


def require_litestream(settings: Settings) -> None:
    """Raise ConfigurationError unless the copy can be made and restored with these settings."""
    if not settings.is_replicated:
        return
    litestream_program()
    litestream_environment(settings, settings.replica_prefix or "", settings.litestream_socket or Path("socket"))
    if not settings.litestream_config.is_file():
        raise ConfigurationError(
            f"There is no file {settings.litestream_config}.",
            remedy="Set LITESTREAM_CONFIG to the litestream.yml of this project.",
        )


CHECKS = (_require_token, cipher_from, require_mounted, require_folder, require_litestream)
