from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.durability.bucket import Bucket
from bot.durability.environment import bot_environment, litestream_environment
from bot.durability.preflight import require_settings
from bot.durability.volume import require_mounted
from bot.errors import ConfigurationError
from bot.settings import load_settings
from tests.durability.conftest import Container


def test_the_very_first_start_is_told_of_everything_that_is_missing_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        require_settings(load_settings({"encryption_keys": ""}, env_file=None))
    first, token, keys, remedy = str(caught.value).splitlines()
    assert first == "2 things are missing:"
    assert "DISCORD_TOKEN" in token
    assert "base64.b64encode(os.urandom(32))" in keys
    assert ".env.example" in remedy


@pytest.mark.parametrize("value", ["a'b", "a\nb", "a$b", "a\\b"])
def test_a_value_that_could_change_litestreams_file_is_refused(container: Container, value: str) -> None:
    with pytest.raises(ConfigurationError, match="REPLICA_REGION"):
        require_settings(container.settings().model_copy(update={"replica_region": value}))


@pytest.mark.parametrize("key", ["abc\n", "a b", ""])
def test_a_key_with_a_pasted_line_end_is_named_and_not_shown(container: Container, key: str) -> None:
    settings = container.settings().model_copy(update={"litestream_secret_access_key": SecretStr(key)})
    with pytest.raises(ConfigurationError, match="LITESTREAM_SECRET_ACCESS_KEY") as caught:
        Bucket(settings)
    assert "abc" not in str(caught.value)


def test_railway_without_a_volume_is_refused(alone: Container) -> None:
    settings = alone.settings(RAILWAY_ENVIRONMENT_ID="invented")
    with pytest.raises(ConfigurationError, match="no volume"):
        require_mounted(settings)
    mounted = settings.model_copy(update={"railway_volume_mount_path": alone.volume})
    with pytest.raises(ConfigurationError, match="no volume"):
        require_mounted(mounted, lambda _: False)
    require_mounted(mounted, lambda path: path == alone.volume)


def test_railway_with_the_database_off_its_volume_is_refused(alone: Container) -> None:
    settings = alone.settings(RAILWAY_ENVIRONMENT_ID="invented", RAILWAY_VOLUME_MOUNT_PATH="/elsewhere")
    with pytest.raises(ConfigurationError, match="not on the volume"):
        require_mounted(settings, lambda _: True)


def test_railway_with_the_served_files_off_its_volume_is_refused(alone: Container) -> None:
    place = {"RAILWAY_ENVIRONMENT_ID": "invented", "RAILWAY_VOLUME_MOUNT_PATH": str(alone.volume)}
    with pytest.raises(ConfigurationError, match="JSON_DIR /elsewhere is not on the volume"):
        require_mounted(alone.settings(STORAGE_MODE="json", JSON_DIR="/elsewhere", **place), lambda _: True)
    require_mounted(alone.settings(STORAGE_MODE="dual", JSON_DIR="/elsewhere", **place), lambda _: True)


def test_litestream_gets_none_of_the_bots_secrets(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISCORD_TOKEN", "ENCRYPTION_KEYS", "AWS_CA_BUNDLE", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "invented")
    environment = litestream_environment(container.settings(), "bot/live/e000001", Path("/tmp/s"))  # noqa: S108
    assert "invented" not in environment.values()
    assert "AWS_CA_BUNDLE" not in bot_environment(container.settings(), None)


def test_the_longest_stop_fits_into_the_containers_time() -> None:
    settings = load_settings({}, env_file=None)
    longest = (
        settings.stop_timeout_seconds
        + settings.shutdown_sync_timeout_seconds
        + settings.litestream_stop_timeout_seconds
    )
    assert longest <= 24
