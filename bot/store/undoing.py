"""Taking changes back: rows as they were, in one batch that fails whole if anything was changed meanwhile."""

# ruff: noqa: S608 - every piece of SQL put together here is a constant of this module

from collections.abc import Iterator
from dataclasses import replace

from bot.model import NOBODY
from bot.rules.undo import RECORDS_ONLY, Action, Kind, Preview, State, Step
from bot.store.changes import COLUMNS, TABLES, WHERE, Edit, keys
from bot.store.columns import to_text
from bot.store.statement import Statement, Value

STALE = "changes.changed_at"
"""The constraint that a ConflictError names where something was changed since the reversal was read."""

CLAIM = (
    "UPDATE changes SET undone_by = :batch,"
    # NULL where a record is newer than the last one that was seen, or is not the user's who takes it back; the column
    # refuses it, and with it the batch.
    " changed_at = CASE WHEN (SELECT max(id) FROM changes) = :seen AND :by IN (0, changed_by) THEN changed_at END"
    " WHERE id = :id"
)

KEYS = {
    Kind.PERSONALITY: ("full_name",),
    Kind.ALIAS: ("alias",),
    Kind.ACTIVATION: ("channel_id",),
    Kind.LOGIN: ("user_id", "personality_name"),
    Kind.VERIFICATION: ("user_id",),
    Kind.BAN: ("user_id", "guild_id"),
}


def _put(kind: Kind, columns: tuple[str, ...]) -> str:
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in KEYS[kind])
    return (
        f"INSERT INTO {TABLES[kind]} ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"
        f" ON CONFLICT ({', '.join(KEYS[kind])}) DO UPDATE SET {changed}"
    )


# A personality's row is there, with its id, whatever became of it.
_PUTS = {
    kind: _put(kind, (*(name for name in columns if name != "id"), "name_lower"))
    if kind is Kind.PERSONALITY
    else _put(kind, columns)
    for kind, columns in COLUMNS.items()
    if kind not in RECORDS_ONLY
}


def take_back(preview: Preview, edit: Edit, seen: int) -> list[Statement]:
    """One batch that does what the preview shows, and records that; `seen` is the newest record's id.

    It raises ConflictError with the constraint `STALE`, and does nothing, if there are newer records by now, or if one
    of these is not of whoever takes it back; the operator, `NOBODY`, takes back everybody's.
    """
    ids = sorted(preview.reversal.ids)
    shared: dict[str, Value] = {"batch": edit.batch, "seen": seen, "by": edit.changed_by}
    claims = [Statement(CLAIM, {**shared, "id": change_id}) for change_id in ids]
    return [*claims, *(statement for step in preview.steps for statement in _restore(step, edit))]


def _restore(step: Step, edit: Edit) -> Iterator[Statement]:
    kind, subject = step.kind, step.subject
    yield edit.record(kind, Action.PUT if step.will_be_present else Action.DELETE, subject)
    if kind is Kind.PERSONALITY and not step.will_be_present:
        yield from _sweep(subject, edit)
    if step.then is not None:
        yield Statement(_PUTS[kind], _parameters(kind, step.then))
    elif kind is Kind.PERSONALITY:
        yield Statement(
            "UPDATE personalities SET is_active = 0, updated_at = :now WHERE full_name = :subject",
            {"subject": subject, "now": to_text(edit.now)},
        )
    else:
        yield Statement(f"DELETE FROM {TABLES[kind]} WHERE {WHERE[kind]}", {"subject": subject, **keys(kind, subject)})


def _sweep(full_name: str, edit: Edit) -> Iterator[Statement]:
    """What others made of the personality goes with it; nobody took that back, so these records count."""
    yield from replace(edit, changed_by=NOBODY, is_undo=False).record_belongings(full_name)
    for table in (TABLES[Kind.ALIAS], TABLES[Kind.ACTIVATION]):
        yield Statement(f"DELETE FROM {table} WHERE personality_name = :full_name", {"full_name": full_name})


def _parameters(kind: Kind, state: State) -> dict[str, Value]:
    if kind is Kind.PERSONALITY:
        return {**state, "name_lower": state["full_name"].lower()}
    return state
