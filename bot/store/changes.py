"""The table `changes`: who changed what and when, with the state before, written in the change's own batch."""

# ruff: noqa: S608 - every piece of SQL put together here is a constant of this module

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.model import EVERY_PERSONALITY
from bot.store.columns import from_json, to_text, to_time
from bot.store.statement import Query, Row, Statement, Value


class Kind(StrEnum):
    """What was changed; `subject` is a full name, an alias, a channel id, `login_subject(…)` or a user id."""

    PERSONALITY = "personality"
    ALIAS = "alias"
    ACTIVATION = "activation"
    LOGIN = "login"
    VERIFICATION = "verification"


class Action(StrEnum):
    """Whether the row was written or taken away; removing a personality is a delete."""

    PUT = "put"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One record; `before` is None where there was no row, and tokens in it stay ciphertext."""

    id: int
    changed_at: datetime
    changed_by: int
    kind: Kind
    action: Action
    subject: str
    before: dict[str, Any] | None


def _as_json(*columns: str) -> str:
    return "json_object(" + ", ".join(f"'{column}', {column}" for column in columns) + ")"


_PERSONALITY = _as_json(
    "id", "full_name", "display_name", "avatar_url", "added_by", "added_at", "updated_at", "is_active",
    "error_message", "prompt", "model", "profile_fetched_at", "metadata", "extra",
)  # fmt: skip
_ALIAS = _as_json("alias", "personality_name", "added_by", "created_at", "extra")
_ACTIVATION = _as_json("channel_id", "personality_name", "activated_by", "activated_at", "extra")
_LOGIN = _as_json("user_id", "personality_name", "token", "created_at", "expires_at", "last_used", "extra")
_VERIFICATION = _as_json("user_id", "is_verified", "verified_at", "verified_by", "recorded_at", "extra")

_BEFORE = {
    Kind.PERSONALITY: f"SELECT {_PERSONALITY} FROM personalities WHERE full_name = :subject",
    Kind.ALIAS: f"SELECT {_ALIAS} FROM personality_aliases WHERE alias = :subject",
    Kind.ACTIVATION: f"SELECT {_ACTIVATION} FROM channel_activations WHERE channel_id = :id",
    Kind.LOGIN: f"SELECT {_LOGIN} FROM auth_tokens WHERE user_id = :id AND personality_name = :name",
    Kind.VERIFICATION: f"SELECT {_VERIFICATION} FROM nsfw_verifications WHERE user_id = :id",
}

_HEAD = "INSERT INTO changes (changed_at, changed_by, kind, action, subject, before)"

_RECORDS = {
    kind: f"{_HEAD} VALUES (:changed_at, :changed_by, :kind, :action, :subject, ({before}))"
    for kind, before in _BEFORE.items()
}

_REMOVALS = tuple(
    f"{_HEAD} SELECT :changed_at, :changed_by, '{kind}', 'delete', CAST({subject} AS TEXT), {before}"
    f" FROM {table} WHERE {name} = :full_name"
    for kind, subject, before, table, name in (
        (Kind.PERSONALITY, "full_name", _PERSONALITY, "personalities", "full_name"),
        (Kind.ALIAS, "alias", _ALIAS, "personality_aliases", "personality_name"),
        (Kind.ACTIVATION, "channel_id", _ACTIVATION, "channel_activations", "personality_name"),
    )
)


def login_subject(user_id: int, personality_name: str = EVERY_PERSONALITY) -> str:
    """How a login is named as a subject."""
    return f"{user_id} {personality_name}"


def record(kind: Kind, action: Action, subject: str | int, changed_by: int, now: datetime) -> Statement:
    """Keep the subject's state as it is now: put this into the batch before the statement that changes it."""
    parameters: dict[str, Value] = {
        "kind": kind,
        "action": action,
        "subject": str(subject),
        "changed_by": changed_by,
        "changed_at": to_text(now),
    }
    return Statement(_RECORDS[kind], {**parameters, **_keys(kind, str(subject))})


def record_removal(full_name: str, changed_by: int, now: datetime) -> list[Statement]:
    """Keep a personality, its aliases and its activations as they are now."""
    parameters: dict[str, Value] = {"full_name": full_name, "changed_by": changed_by, "changed_at": to_text(now)}
    return [Statement(sql, parameters) for sql in _REMOVALS]


def find_by_subject(kind: Kind, subject: str | int) -> Query[Change]:
    """Every change of one subject that is still kept, the latest first."""
    return Query(
        "SELECT * FROM changes WHERE kind = :kind AND subject = :subject ORDER BY id DESC",
        read,
        {"kind": kind, "subject": str(subject)},
    )


def latest(limit: int) -> Query[Change]:
    """The latest changes, the very last first."""
    return Query("SELECT * FROM changes ORDER BY id DESC LIMIT :limit", read, {"limit": limit})


def delete_before(time: datetime, limit: int = 200) -> Statement:
    """Forget some of the changes made before that time; repeat until the count is 0."""
    return Statement(
        "DELETE FROM changes WHERE id IN"
        " (SELECT id FROM changes WHERE changed_at < :time ORDER BY changed_at LIMIT :limit)",
        {"time": to_text(time), "limit": limit},
    )


def read(row: Row) -> Change:
    """The change in a row of the table."""
    return Change(
        id=row["id"],
        changed_at=to_time(row["changed_at"]),
        changed_by=row["changed_by"],
        kind=Kind(row["kind"]),
        action=Action(row["action"]),
        subject=row["subject"],
        before=from_json(row["before"]),
    )


def _keys(kind: Kind, subject: str) -> dict[str, Value]:
    if kind is Kind.LOGIN:
        user_id, _, name = subject.partition(" ")
        return {"id": int(user_id), "name": name}
    return {"id": int(subject)} if kind in (Kind.ACTIVATION, Kind.VERIFICATION) else {}
