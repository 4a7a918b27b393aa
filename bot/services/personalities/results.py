"""What is asked for of personalities, and what became of it."""

from dataclasses import dataclass

from bot.model import Personality


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a user wants added; `avatar_url` and `prompt` are for where no profile endpoint is configured."""

    full_name: str
    alias: str | None = None
    avatar_url: str | None = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """A personality that is new, or back after it had been removed, with the aliases it got."""

    personality: Personality
    aliases: tuple[str, ...]
    is_revived: bool = False


@dataclass(frozen=True, slots=True)
class Removed:
    """A personality that is gone, with the aliases and the channels' activations that went with it."""

    personality: Personality
    aliases: tuple[str, ...]
    channel_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Details:
    """A personality with its aliases and the channels it is active in."""

    personality: Personality
    aliases: tuple[str, ...]
    channel_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Aliased:
    """An alias that now belongs to a personality."""

    personality: Personality
    alias: str
