"""What is wrong with the settings and can be said before anything is touched."""

from pathlib import Path

from bot.durability.environment import litestream_environment, litestream_program
from bot.durability.volume import require_mounted
from bot.errors import ConfigurationError
from bot.settings import Settings
from bot.store.cipher import cipher_from
from bot.store.engine import require_engine


def require_settings(settings: Settings) -> None:
    """Raise ConfigurationError for what would make a start fail later, ProtectedError for an old SQLite."""
    require_engine()
    if settings.discord_token is None:
        raise ConfigurationError(
            "DISCORD_TOKEN is not set.",
            remedy="Copy it from the Bot page of your application at https://discord.com/developers/applications.",
        )
    cipher_from(settings)
    require_mounted(settings)
    if settings.is_replicated:
        _require_litestream(settings)


def _require_litestream(settings: Settings) -> None:
    litestream_program()
    litestream_environment(settings, settings.replica_prefix or "", settings.litestream_socket or Path("socket"))
    if not settings.litestream_config.is_file():
        raise ConfigurationError(
            f"There is no file {settings.litestream_config}.",
            remedy="Set LITESTREAM_CONFIG to the litestream.yml of this project.",
        )
