"""What recovery has to do in a channel, what it finds there, and what became of all that."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.model import Heard, Recovered, Spoken, Turn, TurnState, snowflake_time
from bot.rules.dialogue.adoption import said_anew
from bot.services.ports import Told, Written


@dataclass(slots=True)
class Tally:
    """What became of all that was left or missed."""

    answered: int = 0
    adopted: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    unfinished: set[int] = field(default_factory=set)
    """The channels that could not be read or written in, which is tried again."""

    def count(self, failure: str | None) -> None:
        """One message more: answered, or the reason why not."""
        if failure is None:
            self.answered += 1
        else:
            self.skipped[failure] += 1

    def total(self) -> Recovered:
        """The same as it is handed on."""
        return Recovered(self.answered, dict(self.skipped), self.adopted)


@dataclass(slots=True, eq=False)
class Errand:
    """A channel with what an earlier time left in it, and our place in its line.

    `since` is the message after which messages may have been missed (None: nobody can tell), `mark` the last one that
    was surely seen.
    """

    channel_id: int
    is_first: asyncio.Event
    line: ExitStack
    since: int | None
    mark: int | None
    turns: list[Turn] = field(default_factory=list)

    @property
    def after_message_id(self) -> int | None:
        """The message after which there is something to read."""
        since = [] if self.since is None else [self.since]
        return min([*since, *(turn.message_id - 1 for turn in self.turns)], default=None)


def seen_again(entry: Written, after: int, since: datetime, edit_limit: timedelta) -> Written | None:
    """What an entry of the channel matters for: itself, its change if that may have been missed, or nothing."""
    if entry.message_id > after or isinstance(entry, Told):
        return entry
    if not isinstance(entry, Heard) or entry.edited_at is None or entry.edited_at < since:
        return None
    is_in_time = entry.edited_at - snowflake_time(entry.message_id) < edit_limit
    return replace(entry, is_edit=True) if is_in_time else None


@dataclass(slots=True)
class Findings:
    """A channel's messages since then, and which of them the rows know."""

    written: list[Written]
    turns: dict[int, Turn]
    known: set[int]
    said: dict[int, list[int]] = field(default_factory=dict)
    adopted: set[int] = field(default_factory=set)
    told: set[int] = field(init=False)

    def __post_init__(self) -> None:
        """Note which messages the bot has replied to in its own name."""
        self.told = {entry.replied_to_id for entry in self.written if isinstance(entry, Told)}

    @property
    def heard(self) -> list[Heard]:
        """What people wrote."""
        return [entry for entry in self.written if isinstance(entry, Heard)]

    @property
    def unknown(self) -> list[Spoken]:
        """What personalities said that no row knows."""
        return [entry for entry in self.written if isinstance(entry, Spoken) and entry.message_id not in self.known]

    def said_anew(self, turn_id: int, noted: Sequence[int], name: str) -> list[int]:
        """The messages of an answer that was changed since its row was written; none where it was not."""
        spoken = [entry for entry in self.written if isinstance(entry, Spoken) and entry.message_id > turn_id]
        return said_anew(noted, spoken, self.known, name)

    def note_adopted(self, message_id: int, said: Collection[int]) -> None:
        """The message was answered by these."""
        self.adopted.add(message_id)
        self.known.update(said)

    def is_settled(self, message_id: int) -> bool:
        """Whether the message has had its answer, or a word from the bot why there is none."""
        turn = self.turns.get(message_id)
        is_answered = turn is not None and turn.state is not TurnState.PENDING
        return is_answered or message_id in self.adopted or message_id in self.told
