"""Adding, removing and finding personalities and their aliases."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.model import Clock, Member, Personality, utc_now
from bot.services.policy import Policy
from bot.services.ports import ProfileSource
from bot.store.statement import Store

PAGE_LENGTH = 10


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
class Page:
    """Up to ten of a user's own personalities; `number` counts from 1, `pages` is at least 1."""

    personalities: tuple[Personality, ...]
    number: int
    pages: int
    total: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Personalities:
    """`profiles` is None where no profile endpoint is configured; `letters` gives six random lower-case letters."""

    store: Store
    policy: Policy
    profiles: ProfileSource | None = None
    clock: Clock = utc_now
    letters: Callable[[], str] = lambda: "xxxxxx"

    async def add(self, member: Member, wish: Wish) -> Added:
        """Add a personality for the member, or bring a removed one back.

        Takes as long as the profile endpoint does: defer the interaction. Raises InvalidInputError for a bad name,
        alias or URL, ConflictError for one that is there, NotFoundError or UnavailableError for its profile.
        """
        raise NotImplementedError

    async def remove(self, member: Member, name: str) -> Removed:
        """Remove a personality by name or alias; its messages still know who spoke.

        Raises NotFoundError, or NotAllowedError for anyone but who added it and the bot's owner.
        """
        raise NotImplementedError

    async def list(self, member: Member, page: int = 1) -> Page:
        """The member's own personalities, ten a page; raises NotFoundError for a page that does not exist."""
        raise NotImplementedError

    async def info(self, name: str) -> Details:
        """Everything about a personality, by name or alias; raises NotFoundError."""
        raise NotImplementedError

    async def alias(self, member: Member, name: str, alias: str) -> Aliased:
        """Give a personality another name; raises NotFoundError, InvalidInputError or ConflictError."""
        raise NotImplementedError

    async def seed(self) -> int:
        """Add the owner's personalities of the settings, without network; returns how many were new."""
        raise NotImplementedError
