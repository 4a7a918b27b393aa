"""What a command says where its work has no place in json mode."""

from bot.errors import ConfigurationError
from bot.settings import Settings


def refuse_in_json_mode(settings: Settings, reason: str, remedy: str) -> None:
    """Raise ConfigurationError if the state is kept in JSON files."""
    if settings.mode == "json":
        raise ConfigurationError(
            f"The state is kept in the JSON files of {settings.json_folder}: {reason}", remedy=remedy
        )
