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
    undo_lifetime: timedelta = timedelta(days=1)
    undo_question_timeout: timedelta = timedelta(minutes=2)
    refusal_interval: timedelta = timedelta(minutes=10)
    bystander_refusal_interval: timedelta = timedelta(days=1)
    turns_lifetime: timedelta = timedelta(days=30)
    turn_confirmation_timeout: timedelta = timedelta(seconds=2)
    send_attempts: int = 5
    send_retry: timedelta = timedelta(seconds=1)
    catch_up_limit: timedelta = timedelta(minutes=15)
    catch_up_overlap: timedelta = timedelta(seconds=5)
    catch_up_concurrency: int = 4
    conversation_lifetime: timedelta = timedelta(days=1)
    auto_response_lifetime: timedelta = timedelta(minutes=30)
    dm_conversation_lifetime: timedelta = timedelta(hours=2)
    edit_limit: timedelta = timedelta(minutes=1)
    proxy_wait: timedelta = timedelta(seconds=2.5)
    proxy_match: timedelta = timedelta(seconds=15)
    proxy_lifetime: timedelta = timedelta(days=30)
    user_rate_limit: int = 20
    channel_rate_limit: int = 30
    rate_interval: timedelta = timedelta(minutes=1)

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
            undo_lifetime=timedelta(seconds=settings.undo_lifetime_seconds),
            undo_question_timeout=timedelta(seconds=settings.undo_question_timeout_seconds),
            refusal_interval=timedelta(seconds=settings.refusal_interval_seconds),
            bystander_refusal_interval=timedelta(seconds=settings.bystander_refusal_interval_seconds),
            turns_lifetime=timedelta(seconds=settings.turns_lifetime_seconds),
            turn_confirmation_timeout=timedelta(seconds=settings.turn_confirmation_timeout_seconds),
            send_attempts=settings.send_attempts,
            send_retry=timedelta(seconds=settings.send_retry_seconds),
            catch_up_limit=timedelta(seconds=settings.catch_up_limit_seconds),
            catch_up_overlap=timedelta(seconds=settings.catch_up_overlap_seconds),
            catch_up_concurrency=settings.catch_up_concurrency,
            conversation_lifetime=timedelta(seconds=settings.conversation_lifetime_seconds),
            auto_response_lifetime=timedelta(seconds=settings.auto_response_lifetime_seconds),
            dm_conversation_lifetime=timedelta(seconds=settings.dm_conversation_lifetime_seconds),
            edit_limit=timedelta(seconds=settings.edit_limit_seconds),
            proxy_wait=timedelta(seconds=settings.proxy_wait_seconds),
            proxy_match=timedelta(seconds=settings.proxy_match_seconds),
            proxy_lifetime=timedelta(seconds=settings.proxy_lifetime_seconds),
            user_rate_limit=settings.user_rate_limit,
            channel_rate_limit=settings.channel_rate_limit,
            rate_interval=timedelta(seconds=settings.rate_interval_seconds),
        )

    def lifetime_of_conversation(self, *, is_dm: bool) -> timedelta:
        """How long after its last answer a personality goes on answering someone who does not call it."""
        return self.dm_conversation_lifetime if is_dm else self.auto_response_lifetime

    def command(self, name: str) -> str:
        """How a user types a command, for sentences: `!tz auth start`."""
        return f"`{self.command_prefix} {name}`"
