"""The settings that decide what the use cases do, as one small frozen object."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from bot.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator decided; `command_prefix` and `mention_char` also stand in the sentences that users read."""

    owner_id: int = 0
    owner_personalities: tuple[str, ...] = ()
    command_prefix: str = "!tz"
    mention_char: str = "@"
    has_login_service: bool = True
    token_lifetime: timedelta = timedelta(days=30)
    changes_lifetime: timedelta = timedelta(days=30)
    refusal_interval: timedelta = timedelta(minutes=10)
    recovery_limit: timedelta = timedelta(minutes=15)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The part of the settings that use cases need."""
        return cls(
            owner_id=settings.bot_owner_id,
            owner_personalities=settings.bot_owner_personalities,
            command_prefix=settings.bot_prefix,
            mention_char=settings.bot_mention_char,
            has_login_service=settings.has_login_service,
            token_lifetime=timedelta(seconds=settings.token_lifetime_seconds),
            changes_lifetime=timedelta(seconds=settings.changes_lifetime_seconds),
            refusal_interval=timedelta(seconds=settings.refusal_interval_seconds),
            recovery_limit=timedelta(seconds=settings.recovery_limit_seconds),
        )

    def command(self, name: str) -> str:
        """How a user types a command, for sentences: `!tz auth start`."""
        return f"`{self.command_prefix} {name}`"
