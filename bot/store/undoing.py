"""Taking changes back: rows as they were, in one batch that fails whole if anything was changed meanwhile."""

# ruff: noqa: S608 - every piece of SQL put together here is a constant of this module

from collections.abc import Iterator
from dataclasses import replace

from bot.model import NOBODY
from bot.rules.undo import Action, Change, Kind, Reversal, State
from bot.store.changes import COLUMNS, TABLES, WHERE, Edit, keys
from bot.store.columns import to_text
from bot.store.statement import Statement, Value

STALE = "changes.changed_at"
"""The constraint that a ConflictError names where something was changed since the reversal was read."""

CLAIM = (
    "UPDATE changes SET undone_by = :batch,"
    # NULL where a record is newer than the last one that was seen; the column refuses it, and with it the batch.
    " changed_at = CASE WHEN (SELECT max(id) FROM changes) = :seen THEN changed_at END WHERE id = :id"
)

KEYS = {
    Kind.PERSONALITY: ("full_name",),
    Kind.ALIAS: ("alias",),
    Kind.ACTIVATION: ("channel_id",),
    Kind.LOGIN: ("user_id", "personality_name"),
    Kind.VERIFICATION: ("user_id",),
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
}


def take_back(reversal: Reversal, edit: Edit, seen: int) -> list[Statement]:
    """One batch that brings every subject's state back, and records that; `seen` is the newest record's id.

    It raises ConflictError with the constraint `STALE`, and does nothing, if there are newer records by now.
    """
    claims = [Statement(CLAIM, {"batch": edit.batch, "seen": seen, "id": change.id}) for change in reversal.changes]
    return [*claims, *(statement for change in reversal.earliest for statement in _restore(change, edit))]


def _restore(change: Change, edit: Edit) -> Iterator[Statement]:
    kind, subject, before = change.kind, change.subject, change.before
    is_removal = before is None or not before.get("is_active", True)
    yield edit.record(kind, Action.DELETE if is_removal else Action.PUT, subject)
    if kind is Kind.PERSONALITY and is_removal:
        yield from _sweep(subject, edit)
    if before is not None:
        yield Statement(_PUTS[kind], _parameters(kind, before))
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


def _parameters(kind: Kind, before: State) -> dict[str, Value]:
    if kind is Kind.PERSONALITY:
        return {**before, "name_lower": before["full_name"].lower()}
    return before
