"""An answer on its way, how far it got, and what became of those that were cut off."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class TurnState(StrEnum):
    """How far an answer got: wanted, written by the AI, sent in full, or given up."""

    PENDING = "pending"
    ANSWERED = "answered"
    DONE = "done"
    FAILED = "failed"


class Cause(StrEnum):
    """Why a personality answers a message."""

    REPLY = "reply"
    MENTION = "mention"
    ACTIVATION = "activation"
    CONVERSATION = "conversation"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message that must be answered; `message_id` is the message of the user.

    `failure` is the name of an error kind or of a reason, never a text.
    """

    message_id: int
    channel_id: int
    user_id: int
    personality_id: int
    cause: Cause
    state: TurnState
    created_at: datetime
    updated_at: datetime
    guild_id: int | None = None
    parent_id: int | None = None
    answer: str | None = None
    chunk_count: int | None = None
    failure: str | None = None

    @property
    def is_unfinished(self) -> bool:
        """Whether it still waits for its answer, or for the end of it."""
        return self.state in (TurnState.PENDING, TurnState.ANSWERED)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What the messages of a turn's answer are to say instead; or that they go, whatever they were to say."""

    turn_id: int
    answer: str = field(repr=False)
    created_at: datetime
    is_removal: bool = False


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of the messages that came while nobody listened, and of answers that an end had cut off.

    `answered` counts those that got their answer now; `skipped` the others, by reason (an error kind's name, or
    `TooOld`, `Deleted`, `Unwanted`); `adopted` answers that had been said already and that no row knew.
    """

    answered: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    adopted: int = 0

    @property
    def missed(self) -> int:
        """How many messages came, or were left unfinished, while nobody listened."""
        return self.answered + sum(self.skipped.values()) + self.adopted
