"""Taking back: a user's own last change, and for the operator the changes of anything."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bot.errors import BusyError, ConflictError, InvalidInputError, NotFoundError
from bot.model import EVERY_PERSONALITY, EVERYWHERE, NOBODY, Clock, Member, Place, utc_now
from bot.rules.commands.names import fold
from bot.rules.undo import (
    RECORDS_ONLY,
    Change,
    Kind,
    Preview,
    Reversal,
    Step,
    group,
    require_nothing_of_others,
    require_one,
    require_right,
    require_untouched,
    without_homeless,
)
from bot.services.personalities.finding import look_for
from bot.services.policy import Policy
from bot.store import changes, personalities
from bot.store.changes import Edit
from bot.store.statement import Store
from bot.store.undoing import STALE, take_back

ATTEMPTS = 20
"""How often to look again because someone changed something between looking and writing."""

Look = Callable[[], Awaitable[Preview]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Users take back their own last change; a second time takes back the one before it.

    What was taken back, and the taking back itself, no longer count as changes: nothing is taken back twice.
    """

    store: Store
    policy: Policy
    naming: asyncio.Lock
    clock: Clock = utc_now

    async def preview(self, member: Member, place: Place) -> Preview:
        """What `undo` would do now.

        Raises NotFoundError where there is nothing, or only what is too old, NotAllowedError for what the member
        could not do now, ConflictError for what others have changed since.
        """
        last = await self.store.first(changes.find_last_by(member.user_id))
        change = require_one(last, self.clock(), self.policy.undo_lifetime)
        preview = await look_at(self.store, await _together(self.store, change))
        require_right(member, place, preview, self.policy.owner_id)
        if preview.swept:
            how = self.policy.command(f"remove {preview.main.subject}")
            require_nothing_of_others(preview, member.user_id, how)
        return preview

    async def undo(self, member: Member, place: Place, shown: Preview) -> Preview:
        """Take back what was shown; ConflictError if that is no longer what there is to take back."""

        async def look() -> Preview:
            preview = await self.preview(member, place)
            if preview.key != shown.key:
                raise ConflictError(
                    "Something has changed since I showed you this.",
                    remedy=f"Look again with {self.policy.command('undo')}.",
                )
            return preview

        async with self.naming:
            return await _write(self.store, look, Edit(member.user_id, self.clock(), is_undo=True))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operator wants back: the last change of the subject taken back, or its state at a time."""

    kind: Kind
    subject: str
    at: datetime | None = None

    @property
    def name(self) -> str:
        """The subject as people write it."""
        return self.subject.removesuffix(f" {EVERYWHERE if self.kind is Kind.BAN else EVERY_PERSONALITY}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorUndo:
    """The operator takes back the last change of anything, or everything since a time."""

    store: Store
    policy: Policy
    clock: Clock = utc_now

    async def preview(self, wanted: Wanted) -> Preview:
        """What `undo` would do now.

        Raises NotFoundError where nothing was changed, ConflictError for what stands in the way, InvalidInputError
        for a time before the first change that is kept.
        """
        if wanted.kind in RECORDS_ONLY:
            raise InvalidInputError("What was deleted on Discord can't be brought back; only who did it is on record.")
        days = self.policy.changes_lifetime.days
        oldest = self.clock() - self.policy.changes_lifetime
        if wanted.at is not None and wanted.at < oldest:
            raise InvalidInputError(f"Changes are kept for {days} days, and {wanted.at:%Y-%m-%d} is before that.")
        found = await self.store.fetch(changes.find_by_subject(wanted.kind, wanted.subject))
        kept = [change for change in found if change.changed_at > oldest]
        if wanted.at is not None:
            return await look_at(self.store, await self._since(kept, wanted.at))
        counting = [change for change in kept if change.counts and not change.is_refresh]
        if not counting:
            raise NotFoundError(f"No change of the {wanted.kind} “{wanted.name}” in the last {days} days is left.")
        return await look_at(self.store, await _together(self.store, counting[0]))

    async def find_subject(self, kind: Kind, name: str) -> str:
        """How records name what a person means: a personality by full name or alias, an alias in any case."""
        if kind is Kind.ALIAS:
            return fold(name)
        if kind is not Kind.PERSONALITY:
            return name
        for query in (
            personalities.get(name),
            personalities.find_by_name(fold(name)),
            personalities.find_removed(name),
        ):
            if (found := await self.store.first(query)) is not None:
                return found.full_name
        raise NotFoundError(f"There is no personality “{name}”, and there was none.")

    async def _since(self, found: list[Change], at: datetime) -> Reversal:
        """Every record of the subject after that time, with what was changed together with it."""
        after = [change for change in reversed(found) if change.changed_at > at]
        if not after:
            raise NotFoundError(f"Nothing was changed about that since {at:%Y-%m-%d %H:%M:%S} UTC.")
        together: dict[int, Change] = {}
        for change in after:
            for other in await self.store.fetch(changes.find_together(change)):
                if other.kind not in RECORDS_ONLY:
                    together[other.id] = other
        return Reversal(after[0], tuple(together[change_id] for change_id in sorted(together)))

    async def undo(self, wanted: Wanted, shown: Preview) -> Preview:
        """Take back what was shown; ConflictError if that is no longer what there is to take back."""

        async def look() -> Preview:
            preview = await self.preview(wanted)
            if preview.key != shown.key:
                raise ConflictError("Something has changed since this was shown.", remedy="Run it again.")
            return preview

        return await _write(self.store, look, Edit(NOBODY, self.clock(), is_undo=True))


async def look_at(store: Store, reversal: Reversal) -> Preview:
    """What a reversal would do; raises ConflictError for what stands in its way, whoever asks."""
    for change in reversal.changes:
        require_untouched(reversal, await store.fetch(changes.find_later(change)))
    steps = without_homeless([await _step(store, change) for change in reversal.earliest])
    preview = Preview(reversal, steps, await _swept(store, steps))
    for step in steps:
        if step.will_be_present:
            await _require_free(store, step, preview)
    return preview


async def _step(store: Store, change: Change) -> Step:
    now = await store.first(changes.state(change.kind, change.subject))
    return Step(change.kind, change.subject, now, change.before)


async def _together(store: Store, change: Change) -> Reversal:
    """The change, with what was changed together with it and was not taken back alone."""
    found = await store.fetch(changes.find_together(change))
    return group([one for one in found if one.counts])


async def _swept(store: Store, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Names and channels of a personality that will be gone, beyond those that are steps themselves."""
    known = {(step.kind, step.subject) for step in steps}
    swept = []
    for step in steps:
        if step.kind is not Kind.PERSONALITY or step.will_be_present:
            continue
        for kind, key in ((Kind.ALIAS, "alias"), (Kind.ACTIVATION, "channel_id")):
            found = await store.fetch(changes.find_belongings(kind, step.subject))
            swept += [Step(kind, str(now[key]), now, None) for now in found]
    return tuple(step for step in swept if (step.kind, step.subject) not in known)


async def _require_free(store: Store, step: Step, preview: Preview) -> None:
    """Refuse a name that stands for someone else by now, and names and channels of a personality that is gone."""
    then = step.then or {}
    if step.kind in (Kind.ALIAS, Kind.ACTIVATION):
        await _require_personality(store, then["personality_name"], preview)
    if step.kind not in (Kind.ALIAS, Kind.PERSONALITY):
        return
    owner = then.get("personality_name", step.subject)
    taken = await look_for(store, step.subject)
    changing = {s.subject for s in preview.of(Kind.ALIAS)}
    if taken is not None and taken.full_name != owner and step.subject not in changing:
        raise ConflictError(f"“{step.subject}” stands for “{taken.full_name}” by now, so I can't take this back.")


async def _require_personality(store: Store, full_name: str, preview: Preview) -> None:
    for step in preview.of(Kind.PERSONALITY):
        if step.subject == full_name and step.will_be_present:
            return
    found = await store.first(personalities.get(full_name))
    if found is None or not found.is_active:
        raise ConflictError(f"“{full_name}” was removed meanwhile, so I can't take this back.")


async def _write(store: Store, look: Look, edit: Edit) -> Preview:
    """Look, decide, and write only if nothing at all was changed in between; otherwise look again."""
    for _ in range(ATTEMPTS):
        seen = sum(await store.fetch(changes.newest_id()))
        preview = await look()
        try:
            await store.write(*take_back(preview, edit, seen))
        except ConflictError as error:
            if error.constraint != STALE:
                raise
        else:
            return preview
    raise BusyError("Too much is being changed at this moment.", remedy="Try again in a minute.")
