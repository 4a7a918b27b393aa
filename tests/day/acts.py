"""What happens in the day, in names and numbers alone: nothing here knows Discord or the bot."""

from dataclasses import dataclass, field
from enum import Enum


class Trouble(Enum):
    """What goes wrong with the answer to one message."""

    DISCORD_429 = "Discord: 429"
    DISCORD_500 = "Discord: 500"
    DISCORD_LOST = "Discord: answer lost"
    DISCORD_CUT = "Discord: connection cut"
    AI_429 = "AI: 429"
    AI_500 = "AI: 500"


IS_FINAL = frozenset({Trouble.AI_429, Trouble.AI_500})
"""After these the author is told, and gets no answer."""


class Break(Enum):
    """How the bot is away for a while."""

    RESUME = "connection lost, resumed"
    INVALID = "session invalidated"
    CLEAN = "clean restart"
    KILLED = "killed, restarted"


@dataclass(frozen=True, slots=True)
class Say:
    """A message: `mention` is the name after the @, `persona` whose name it is; `replies_to` a message's number.

    A reply goes to the answer of that message, or with `to_person` to the message itself. `proxy` is the bot that says
    it again, which may delete what was written before it does, and which may take its time.
    """

    number: int
    user: int
    spot: int
    text: str
    mention: str | None = None
    persona: int | None = None
    replies_to: int | None = None
    to_person: bool = False
    proxy: str | None = None
    deletes_first: bool = False
    is_slow: bool = False
    has_picture: bool = False
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """The author of a message writes it anew, with a mention in it."""

    number: int
    text: str
    persona: int


@dataclass(frozen=True, slots=True)
class Delete:
    """The author deletes a message."""

    number: int


@dataclass(frozen=True, slots=True)
class Order:
    """A command that changes who answers: activate or deactivate by a moderator, autorespond on or off, reset."""

    number: int
    user: int
    spot: int
    word: str
    persona: int | None = None


Act = Say | Edit | Delete | Order


@dataclass(frozen=True, slots=True)
class Moment:
    """What happens at once, `at` seconds after the start; the bot comes to rest before the next moment.

    With `is_held` the AI service keeps its first answer back until the rest of it has happened. With a `gap` the bot is
    away while it happens, and comes back `lasts` seconds later.
    """

    at: float
    acts: tuple[Act, ...]
    is_held: bool = False
    gap: Break | None = None
    lasts: float = 0.0


class Outcome(Enum):
    """What must become of a message."""

    ANSWER = "answer"
    WORD = "a word from the bot"
    NOTHING = "nothing"


@dataclass(slots=True)
class Verdict:
    """What the model says of one message, and why; `persona` and `user` are who answers whom, at that time."""

    outcome: Outcome
    why: str
    persona: int | None = None
    user: int | None = None
    at: float = 0.0
    notes: list[str] = field(default_factory=list)
