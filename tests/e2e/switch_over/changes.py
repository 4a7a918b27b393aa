"""What people changed and were told is done, held against what is there: what a change brought, and what it took."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.sandbox.certificate.books import Line


@dataclass(frozen=True, slots=True)
class Effect:
    """What the bot says when it has done a command, and the keys that are there, or are gone, from then on."""

    success: str
    brings: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Command:
    """A command that somebody gave."""

    message_id: int
    text: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class Promised:
    """What must be there and what must be gone; what a command without a reply was about is in neither.

    `refused` are the commands that should have been carried out, and were not.
    """

    here: frozenset[str]
    gone: frozenset[str]
    acknowledged: int
    refused: tuple[str, ...]

    def broken(self, kept: frozenset[str]) -> list[str]:
        """A sentence for each promise that was not kept."""
        missing = [f"{key} was acknowledged and is missing" for key in sorted(self.here - kept)]
        revived = [f"{key} was taken back and is there" for key in sorted(self.gone & kept)]
        return [*missing, *revived, *self.refused]


def promised(commands: Sequence[Command], lines: Iterable[Line]) -> Promised:
    """What the replies to the commands promise; the last command about a key counts."""
    replies = {line.reply_to_id: line.text for line in lines}
    here: set[str] = set()
    gone: set[str] = set()
    refused: list[str] = []
    acknowledged = 0
    for command in sorted(commands, key=lambda each: each.message_id):
        effect = command.effect
        here -= effect.brings | effect.takes
        gone -= effect.brings | effect.takes
        reply = replies.get(command.message_id)
        if reply is not None and effect.success in reply:
            here |= effect.brings
            gone |= effect.takes
            acknowledged += 1
        elif reply is not None:
            refused.append(f"{command.text} was refused: {reply}")
    return Promised(frozenset(here), frozenset(gone), acknowledged, tuple(refused))
