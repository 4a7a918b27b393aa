"""What a change is, what taking it back means, and what stands in its way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.errors import ConflictError, NotAllowedError, NotFoundError
from bot.model import EVERYBODY, EVERYWHERE, NOBODY, Member, Place
from bot.rules.commands.permissions import is_owner, require_activation, require_deactivation


class Kind(StrEnum):
    """What was changed; `subject` is a full name, an alias, an id, `login_subject(…)` or `ban_subject(…)`."""

    PERSONALITY = "personality"
    ALIAS = "alias"
    ACTIVATION = "activation"
    LOGIN = "login"
    VERIFICATION = "verification"
    BAN = "ban"
    MESSAGE = "message"


class Action(StrEnum):
    """Whether the row was written or taken away; removing a personality is a delete."""

    PUT = "put"
    DELETE = "delete"


RECORDS_ONLY = frozenset({Kind.MESSAGE})
"""What can't be taken back: an answer that was deleted is gone from Discord, and only who did it is known."""

State = dict[str, Any]
"""A row as JSON has it, by column name; tokens in it stay ciphertext."""


@dataclass(frozen=True, slots=True)
class Change:
    """One record; `before` is None where there was no row.

    Records of one `batch` were made together, and are taken back together; those that a taking back made are
    marked `is_undo`, and those that were taken back name its batch in `undone_by`.
    """

    id: int
    changed_at: datetime
    changed_by: int
    kind: Kind
    action: Action
    subject: str
    before: State | None
    batch: str | None = None
    undone_by: str | None = None
    is_undo: bool = False

    @property
    def counts(self) -> bool:
        """Whether it can be taken back: neither it was, nor is it a taking back, nor only a record."""
        return not self.is_undo and self.undone_by is None and self.kind not in RECORDS_ONLY

    @property
    def is_refresh(self) -> bool:
        """Whether the program did what it would do again: took over a personality's profile, or let a ban end."""
        if self.changed_by != NOBODY or self.batch is None:
            return False
        if self.kind is Kind.BAN:
            return self.action is Action.DELETE
        return self.kind is Kind.PERSONALITY and self.action is Action.PUT and _is_active(self.before)


@dataclass(frozen=True, slots=True)
class Step:
    """One subject: how it is now, and how it is when the change has been taken back."""

    kind: Kind
    subject: str
    now: State | None
    then: State | None

    @property
    def is_present(self) -> bool:
        """Whether there is something now that people can use."""
        return _is_active(self.now)

    @property
    def will_be_present(self) -> bool:
        """Whether there will be."""
        return _is_active(self.then)

    @property
    def owner(self) -> int:
        """Who added the personality; of one that is removed, who had added it."""
        state = self.now if self.is_present else self.then
        return int((state or {}).get("added_by", NOBODY))


@dataclass(frozen=True, slots=True)
class Reversal:
    """Changes to take back together, oldest first; `main` is the one that a person asked for."""

    main: Change
    changes: tuple[Change, ...]

    @property
    def ids(self) -> frozenset[int]:
        """Which records it takes back."""
        return frozenset(change.id for change in self.changes)

    @property
    def earliest(self) -> tuple[Change, ...]:
        """The first record of each subject, which holds the state to come back; personalities come last.

        What belongs to a personality is so taken back before the personality sweeps away what is left of it.
        """
        first: dict[tuple[Kind, str], Change] = {}
        for change in self.changes:
            first.setdefault((change.kind, change.subject), change)
        return tuple(sorted(first.values(), key=lambda change: change.kind is Kind.PERSONALITY))


@dataclass(frozen=True, slots=True)
class Preview:
    """What taking back would do: a step for each subject; `swept` are the names and channels that go along."""

    reversal: Reversal
    steps: tuple[Step, ...]
    swept: tuple[Step, ...] = ()

    @property
    def key(self) -> tuple[frozenset[int], frozenset[tuple[Kind, str]]]:
        """The same for two looks between which nothing changed that matters."""
        return self.reversal.ids, frozenset((step.kind, step.subject) for step in self.swept)

    @property
    def main(self) -> Step:
        """The step that a person asked for."""
        wanted = (self.reversal.main.kind, self.reversal.main.subject)
        return next(step for step in self.steps if (step.kind, step.subject) == wanted)

    def of(self, kind: Kind) -> list[Step]:
        """The steps of one kind, with what goes along."""
        return [step for step in (*self.steps, *self.swept) if step.kind is kind]


def require_one(change: Change | None, now: datetime, lifetime: timedelta) -> Change:
    """The user's last change; refuse where there is none, or where it was too long ago."""
    if change is None:
        raise NotFoundError("There is nothing of yours that I could take back.")
    if change.changed_at <= now - lifetime:
        hours = lifetime.total_seconds() / 3600
        raise NotFoundError(f"Your last change is more than {hours:g} hours old, so I don't take it back any more.")
    return change


def group(changes: Sequence[Change]) -> Reversal:
    """Changes of one batch; what was asked for is the personality among them, else the first."""
    main = next((change for change in changes if change.kind is Kind.PERSONALITY), changes[0])
    return Reversal(main, tuple(changes))


def without_homeless(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps; no name or channel comes back to a personality that one of them removes."""
    gone = {step.subject for step in steps if step.kind is Kind.PERSONALITY and not step.will_be_present}
    return tuple(
        replace(step, then=None)
        if step.kind in (Kind.ALIAS, Kind.ACTIVATION) and step.then and step.then["personality_name"] in gone
        else step
        for step in steps
    )


def require_untouched(reversal: Reversal, later: Iterable[Change]) -> None:
    """Refuse what was changed again since; a refreshed profile is no such change."""
    for change in later:
        if change.id not in reversal.ids and not change.is_refresh:
            who = f" by <@{change.changed_by}>" if change.changed_by else ""
            raise ConflictError(f"{_named(change)} was changed again since{who}, so I can't take this back.")


def require_right(member: Member, place: Place, preview: Preview, owner_id: int) -> None:
    """Refuse taking back what the member could not do now: their rights may have changed since."""
    main = preview.main
    if main.kind is Kind.PERSONALITY and member.user_id not in {main.owner, owner_id} - {NOBODY}:
        raise NotAllowedError(f"“{main.subject}” is no longer yours, so I can't take this back for you.")
    if main.kind is Kind.ACTIVATION:
        _require_channel(member, place, main)
    if main.kind is Kind.BAN:
        _require_moderator(member, place, main, owner_id)


def _require_channel(member: Member, place: Place, step: Step) -> None:
    if place.channel_id != int(step.subject):
        raise NotAllowedError(
            f"Your last change was who answers every message in <#{step.subject}>.", remedy="Take it back there."
        )
    (require_activation if step.will_be_present else require_deactivation)(member, place)


def _require_moderator(member: Member, place: Place, step: Step, owner_id: int) -> None:
    user_id, guild_id = map(int, step.subject.split(" "))
    if is_owner(member, owner_id):
        return
    if user_id == EVERYBODY or guild_id == EVERYWHERE:
        raise NotAllowedError("Only the bot's owner may take this back.")
    if place.guild_id != guild_id:
        raise NotAllowedError("Your last change was whom I ignore in another server.", remedy="Take it back there.")
    if not member.is_administrator:
        raise NotAllowedError("To take this back you need to be an administrator of this server.")


def require_nothing_of_others(preview: Preview, user_id: int, how: str) -> None:
    """Refuse removing what others have named or activated meanwhile; `how` is the command that does it anyway."""
    for step in preview.swept:
        by = int((step.now or {}).get("activated_by" if step.kind is Kind.ACTIVATION else "added_by", NOBODY))
        if by not in {user_id, NOBODY}:
            what = f"has made it active in <#{step.subject}>" if step.kind is Kind.ACTIVATION else "has named it too"
            raise ConflictError(f"Meanwhile <@{by}> {what}.", remedy=f"If it shall go with all of that, use {how}.")


def _is_active(state: State | None) -> bool:
    return state is not None and bool(state.get("is_active", True))


def _named(change: Change) -> str:
    if change.kind is Kind.ACTIVATION:
        return f"Who answers every message in <#{change.subject}>"
    if change.kind in (Kind.PERSONALITY, Kind.ALIAS):
        return f"The {change.kind} “{change.subject}”"
    return f"The {change.kind}"
