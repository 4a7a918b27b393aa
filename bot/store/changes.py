"""The table `changes`: who changed what and when, with the state before, written in the change's own batch."""

# ruff: noqa: S608 - every piece of SQL put together here is a constant of this module

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.model import EVERY_PERSONALITY, EVERYWHERE
from bot.rules.undo import RECORDS_ONLY, Action, Change, Kind, State
from bot.store.columns import from_json, to_text, to_time
from bot.store.statement import Query, Row, Statement, Value

__all__ = ["Action", "Change", "Edit", "Kind"]

COLUMNS = {
    Kind.PERSONALITY: (
        *("id", "full_name", "display_name", "avatar_url", "added_by", "added_at", "updated_at", "is_active"),
        *("error_message", "prompt", "model", "profile_fetched_at", "metadata", "extra"),
    ),
    Kind.ALIAS: ("alias", "personality_name", "added_by", "created_at", "extra"),
    Kind.ACTIVATION: ("channel_id", "personality_name", "activated_by", "activated_at", "extra"),
    Kind.LOGIN: ("user_id", "personality_name", "token", "created_at", "expires_at", "last_used", "extra"),
    Kind.VERIFICATION: ("user_id", "is_verified", "verified_at", "verified_by", "recorded_at", "extra"),
    Kind.BAN: ("user_id", "guild_id", "reason", "blacklisted_by", "blacklisted_at", "expires_at", "extra"),
    Kind.MESSAGE: (
        *("message_id", "user_id", "channel_id", "personality_id", "is_dm", "is_mention_only", "sent_at", "extra"),
    ),
}
"""What is kept of a row: all of it, but for what follows from the rest."""

TABLES = {
    Kind.PERSONALITY: "personalities",
    Kind.ALIAS: "personality_aliases",
    Kind.ACTIVATION: "channel_activations",
    Kind.LOGIN: "auth_tokens",
    Kind.VERIFICATION: "nsfw_verifications",
    Kind.BAN: "blacklist",
    Kind.MESSAGE: "message_mappings",
}

WHERE = {
    Kind.PERSONALITY: "full_name = :subject",
    Kind.ALIAS: "alias = :subject",
    Kind.ACTIVATION: "channel_id = :id",
    Kind.LOGIN: "user_id = :id AND personality_name = :name",
    Kind.VERIFICATION: "user_id = :id",
    Kind.BAN: "user_id = :id AND guild_id = :guild_id",
    Kind.MESSAGE: "message_id = :id",
}
"""Where a subject's row is, with the parameters of `keys`."""

_AS_JSON = {
    kind: "json_object(" + ", ".join(f"'{column}', {column}" for column in columns) + ")"
    for kind, columns in COLUMNS.items()
}
_STATES = {kind: f"SELECT {_AS_JSON[kind]} AS state FROM {TABLES[kind]} WHERE {WHERE[kind]}" for kind in Kind}

_HEAD = "INSERT INTO changes (changed_at, changed_by, kind, action, subject, before, batch, is_undo)"

_RECORDS = {
    kind: f"{_HEAD} VALUES (:changed_at, :changed_by, :kind, :action, :subject, ({state}), :batch, :is_undo)"
    for kind, state in _STATES.items()
}

_BELONGINGS = {Kind.ALIAS: "alias", Kind.ACTIVATION: "channel_id"}
"""What is a personality's own, and goes with it."""

_REMOVALS = {
    kind: f"{_HEAD} SELECT :changed_at, :changed_by, '{kind}', 'delete', CAST({subject} AS TEXT), {_AS_JSON[kind]},"
    f" :batch, :is_undo FROM {TABLES[kind]} WHERE personality_name = :full_name"
    for kind, subject in _BELONGINGS.items()
}

OWNED = "(:member_id = :owner_id OR (added_by = :member_id AND :is_for_creator)) AND :member_id <> 0 AND is_active = 1"
"""Whether a personality is the member's to change, with the parameters of `owned_by`; part of what changes the row."""

OF_OWNED = f"EXISTS (SELECT 1 FROM personalities WHERE full_name = :full_name AND {OWNED})"
"""The same in statements that change what belongs to the personality."""

_OWNED_RECORD = (
    f"{_HEAD} SELECT :changed_at, :changed_by, 'personality', :action, full_name, {_AS_JSON[Kind.PERSONALITY]}, :batch,"
    f" :is_undo FROM personalities WHERE full_name = :full_name AND {OWNED}"
)

_OWNED_REMOVALS = [f"{sql} AND {OF_OWNED}" for sql in _REMOVALS.values()]

_LOGINS_OF = (
    f"{_HEAD} SELECT :changed_at, :changed_by, '{Kind.LOGIN}', '{Action.DELETE}',"
    f" user_id || ' ' || personality_name, {_AS_JSON[Kind.LOGIN]}, :batch, :is_undo FROM auth_tokens"
    " WHERE user_id = :changed_by ORDER BY personality_name"
)

_EXPIRIES = (
    f"{_HEAD} SELECT :changed_at, :changed_by, '{Kind.LOGIN}', '{Action.DELETE}',"
    f" user_id || ' ' || personality_name, {_AS_JSON[Kind.LOGIN]}, :batch, :is_undo FROM auth_tokens"
    " WHERE user_id IN (SELECT value FROM json_each(:user_ids)) AND expires_at <= :changed_at"
)

COUNTING = "is_undo = 0 AND undone_by IS NULL AND kind NOT IN ({})".format(
    ", ".join(f"'{kind}'" for kind in sorted(RECORDS_ONLY))
)
"""Changes that count: what was taken back does not, nor does the taking back, nor what is only a record."""


def _new_batch() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be so for something to be changed, as SQL that is asked in the statements that change it."""

    sql: str
    parameters: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edit:
    """What one person changes at once; its records share a `batch`, None for records that stand each for itself."""

    changed_by: int
    now: datetime
    batch: str | None = field(default_factory=_new_batch)
    is_undo: bool = False

    def record(self, kind: Kind, action: Action, subject: str | int) -> Statement:
        """Keep the subject's state as it is now: put this before the statement that changes it."""
        about: dict[str, Value] = {"kind": kind, "action": action, "subject": str(subject)}
        return Statement(_RECORDS[kind], {**self._head(), **about, **keys(kind, str(subject))})

    def record_present(
        self, kind: Kind, action: Action, subject: str | int, condition: "Condition | None" = None
    ) -> Statement:
        """The same, only where there is such a row, and for which the condition holds; its outcome counts 1 or 0."""
        condition = condition or Condition("TRUE")
        about: dict[str, Value] = {"kind": kind, "action": action, "subject": str(subject)}
        return Statement(
            f"{_HEAD} SELECT :changed_at, :changed_by, :kind, :action, :subject, {_AS_JSON[kind]}, :batch, :is_undo"
            f" FROM {TABLES[kind]} WHERE {WHERE[kind]} AND ({condition.sql})",
            {**self._head(), **about, **keys(kind, str(subject)), **condition.parameters},
        )

    def record_if(self, kind: Kind, action: Action, subject: str | int, condition: "Condition") -> Statement:
        """The same where the condition holds, which is about no row in particular; its outcome counts 1 or 0."""
        about: dict[str, Value] = {"kind": kind, "action": action, "subject": str(subject)}
        return Statement(
            f"{_HEAD} SELECT :changed_at, :changed_by, :kind, :action, :subject, ({_STATES[kind]}), :batch, :is_undo"
            f" WHERE {condition.sql}",
            {**self._head(), **about, **keys(kind, str(subject)), **condition.parameters},
        )

    def record_removal(self, full_name: str, owned: Mapping[str, Value]) -> list[Statement]:
        """Keep a personality, its aliases and its activations as they are now, if it is the member's, `owned_by`."""
        parameters = {**self._head(), "full_name": full_name, **owned}
        return [
            Statement(_OWNED_RECORD, {**parameters, "action": Action.DELETE}),
            *(Statement(sql, parameters) for sql in _OWNED_REMOVALS),
        ]

    def record_logins(self) -> Statement:
        """Keep all logins of whoever changes them, as they are now."""
        return Statement(_LOGINS_OF, self._head())

    def record_belongings(self, full_name: str) -> list[Statement]:
        """Keep a personality's aliases and activations as they are now."""
        parameters = {**self._head(), "full_name": full_name}
        return [Statement(_REMOVALS[kind], parameters) for kind in _BELONGINGS]

    def record_owned(self, full_name: str, owned: Mapping[str, Value]) -> Statement:
        """Keep a personality as it is now if it is the member's, `owned_by`: what follows changes nothing otherwise."""
        return Statement(_OWNED_RECORD, {**self._head(), "full_name": full_name, "action": Action.PUT, **owned})

    def record_expired(self, user_ids: Sequence[int]) -> Statement:
        """Keep those logins of these users that have run out, as they are now."""
        return Statement(_EXPIRIES, {**self._head(), "user_ids": json.dumps([*user_ids])})

    def _head(self) -> dict[str, Value]:
        return {
            "changed_by": self.changed_by,
            "changed_at": to_text(self.now),
            "batch": self.batch,
            "is_undo": int(self.is_undo),
        }


def owned_by(member_id: int, owner_id: int, *, is_for_creator: bool = True) -> dict[str, Value]:
    """The parameters of `OWNED`; without `is_for_creator` only the bot's owner may."""
    return {"member_id": member_id, "owner_id": owner_id, "is_for_creator": int(is_for_creator)}


def login_subject(user_id: int, personality_name: str = EVERY_PERSONALITY) -> str:
    """How a login is named as a subject."""
    return f"{user_id} {personality_name}"


def ban_subject(user_id: int, guild_id: int = EVERYWHERE) -> str:
    """How a ban is named as a subject."""
    return f"{user_id} {guild_id}"


def state(kind: Kind, subject: str) -> Query[State]:
    """The subject as it is now, as a change would record it."""
    return Query(_STATES[kind], lambda row: from_json(row["state"]) or {}, {"subject": subject, **keys(kind, subject)})


def find_belongings(kind: Kind, full_name: str) -> Query[State]:
    """The aliases or the activations of a personality, as a change would record them."""
    return Query(
        f"SELECT {_AS_JSON[kind]} AS state FROM {TABLES[kind]} WHERE personality_name = :name ORDER BY 1",
        lambda row: from_json(row["state"]) or {},
        {"name": full_name},
    )


def find_by_subject(kind: Kind, subject: str | int) -> Query[Change]:
    """Every change of one subject that is still kept, the latest first."""
    return Query(
        "SELECT * FROM changes WHERE kind = :kind AND subject = :subject ORDER BY id DESC",
        read,
        {"kind": kind, "subject": str(subject)},
    )


def find_later(change: Change) -> Query[Change]:
    """Changes of the same subject that came after it and still count, the latest first."""
    return Query(
        f"SELECT * FROM changes WHERE kind = :kind AND subject = :subject AND id > :id AND {COUNTING} ORDER BY id DESC",
        read,
        {"kind": change.kind, "subject": change.subject, "id": change.id},
    )


def find_last_by(user_id: int) -> Query[Change]:
    """The user's last change that still counts; what they have done to others' logins is nothing to take back."""
    return Query(
        f"SELECT * FROM changes WHERE changed_by = :user_id AND {COUNTING}"
        " AND (kind <> 'login' OR subject LIKE :own) ORDER BY id DESC LIMIT 1",
        read,
        {"user_id": user_id, "own": f"{user_id} %"},
    )


def find_together(change: Change) -> Query[Change]:
    """Everything that was changed together with it, oldest first."""
    return Query(
        "SELECT * FROM changes WHERE id = :id OR batch = :batch ORDER BY id",
        read,
        {"id": change.id, "batch": change.batch},
    )


def newest_id() -> Query[int]:
    """The id of the newest record, 0 if there is none: while it stays the same, nothing recorded has changed."""
    return Query("SELECT coalesce(max(id), 0) AS id FROM changes", lambda row: int(row["id"]))


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
        batch=row["batch"],
        undone_by=row["undone_by"],
        is_undo=bool(row["is_undo"]),
    )


def keys(kind: Kind, subject: str) -> dict[str, Value]:
    """The parameters of `WHERE`, beside `subject` itself."""
    if kind is Kind.LOGIN:
        user_id, _, name = subject.partition(" ")
        return {"id": int(user_id), "name": name}
    if kind is Kind.BAN:
        user_id, _, guild_id = subject.partition(" ")
        return {"id": int(user_id), "guild_id": int(guild_id)}
    return {} if kind in (Kind.PERSONALITY, Kind.ALIAS) else {"id": int(subject)}
