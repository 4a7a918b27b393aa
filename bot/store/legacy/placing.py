"""Putting rows beside those that the database has already: newer ones stay, and nothing is written twice.

What happens where the database has the row: for personalities, logins, verifications, conversations,
activations, the blacklist, notification preferences and avatars the one with the later time of its own stays
(so whoever logged in again since, keeps that login); aliases, auto-responses and message mappings have no time
of their own, so what the database has stays. What the running bot deleted after a record was made stays deleted.
"""

# ruff: noqa: S608 - the SQL is put together from the constants below and from column names of this package

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.model import Secret
from bot.store import changes
from bot.store.changes import Action, Edit, Kind
from bot.store.cipher import Cipher
from bot.store.engine import RawConnection, run
from bot.store.legacy.record import SEALED_KEY, Columns, Row, to_json
from bot.store.statement import Value

BY_IMPORT = 0
"""Who changes rows where it was no user."""

UNCOMPARED = {"token", "extra"}
"""Encrypted anew each time, so that equal ones look different."""


@dataclass(frozen=True, slots=True)
class Table:
    """How a table tells rows apart, and which of two is the newer one: by the first column of `newer` with a value."""

    name: str
    keys: tuple[str, ...]
    newer: tuple[str, ...] = ()
    kind: Kind | None = None

    def age(self, columns: Any) -> str:
        """The time that counts, or an empty text."""
        return next((columns[name] for name in self.newer if columns[name] is not None), "")

    def subject(self, columns: Columns) -> str:
        """How the table of changes names the row."""
        if self.kind is Kind.LOGIN:
            return changes.login_subject(columns["user_id"], columns["personality_name"])
        if self.kind is Kind.BAN:
            return changes.ban_subject(columns["user_id"], columns["guild_id"])
        return str(columns[self.keys[0]])


TABLES = {
    table.name: table
    for table in (
        Table("personalities", ("full_name",), ("updated_at", "added_at"), Kind.PERSONALITY),
        Table("personality_aliases", ("alias",), kind=Kind.ALIAS),
        Table("auth_tokens", ("user_id", "personality_name"), ("created_at",), Kind.LOGIN),
        Table("nsfw_verifications", ("user_id",), ("recorded_at",), Kind.VERIFICATION),
        Table("channel_activations", ("channel_id",), ("activated_at",), Kind.ACTIVATION),
        Table("conversations", ("channel_id", "user_id"), ("last_message_at",)),
        Table("message_mappings", ("message_id",)),
        Table("auto_responses", ("user_id",)),
        Table("blacklist", ("user_id", "guild_id"), ("blacklisted_at",), Kind.BAN),
        Table("notification_preferences", ("user_id",), ("updated_at", "created_at")),
        Table("notified_version", ("id",), ("notified_at",)),
        Table("avatars", ("personality_id",), ("downloaded_at", "last_checked")),
    )
}
"""Every imported table, in the order in which they refer to each other."""


@dataclass(slots=True)
class Placer:
    """Writes rows into the transaction that is open on the connection; `is_recorded` where each is a change."""

    connection: RawConnection
    cipher: Cipher
    now: datetime
    deleted: dict[tuple[str, str], str]
    is_recorded: bool = True
    kept: int = 0

    @classmethod
    def on(cls, connection: RawConnection, cipher: Cipher, now: datetime) -> "Placer":
        """Look up what the running bot has deleted."""
        rows = connection.execute(
            "SELECT kind, subject, max(changed_at) AS at FROM changes WHERE action = 'delete' GROUP BY kind, subject"
        )
        return cls(connection, cipher, now, {(row["kind"], row["subject"]): row["at"] for row in rows})

    def place(self, table: Table, row: Row) -> bool:
        """Insert the row, or let it replace an older one; False if the database's own state stays."""
        found = self._find(table, row.columns)
        if found is None:
            if self._is_deleted(table, row.columns):
                self.kept += 1
                return False
        elif table.age(row.columns) <= table.age(found):
            self.kept += _differs(row.columns, found)
            return False
        self._record(table, row.columns)
        self._write(table, row, is_new=found is None)
        return True

    def place_many(self, table: Table, rows: list[dict[str, Value]]) -> int:
        """Insert those rows whose key is free; how many that were."""
        names = rows[0].keys()
        sql = f"{_insert(table, names)} ON CONFLICT DO NOTHING"
        return int(self.connection.executemany(sql, rows).rowcount)

    def stored(self, table: Table, row: Row) -> dict[str, Value]:
        """The columns as the database holds them: JSON as text, secrets encrypted."""
        columns = dict(row.columns)
        row_id = columns[table.keys[0]]
        if isinstance(columns.get("token"), Secret):
            columns["token"] = self.cipher.encrypt(columns["token"], table.name, "token", row_id)
        extra = columns.get("extra")
        if row.sealed is not None:
            sealed = self.cipher.encrypt(row.sealed, table.name, "extra", row_id)
            extra = {**(extra or {}), SEALED_KEY: sealed}
        columns["extra"] = None if extra is None else to_json(extra)
        return columns

    def _find(self, table: Table, columns: Columns) -> Any:
        sql = f"SELECT * FROM {table.name} WHERE {_by_key(table)}"
        return self.connection.execute(sql, {key: columns[key] for key in table.keys}).fetchone()

    def _is_deleted(self, table: Table, columns: Columns) -> bool:
        if table.kind is None:
            return False
        deleted_at = self.deleted.get((table.kind, table.subject(columns)), "")
        return deleted_at > (table.age(columns) or columns.get("created_at", ""))

    def _record(self, table: Table, columns: Columns) -> None:
        if table.kind is not None and self.is_recorded:
            edit = Edit(BY_IMPORT, self.now, batch=None)
            run(self.connection, edit.record(table.kind, Action.PUT, table.subject(columns)))

    def _write(self, table: Table, row: Row, *, is_new: bool) -> None:
        columns = self.stored(table, row)
        if is_new:
            sql = _insert(table, columns)
        else:
            changed = ", ".join(f"{name} = :{name}" for name in columns if name not in table.keys)
            sql = f"UPDATE {table.name} SET {changed} WHERE {_by_key(table)}"
        self.connection.execute(sql, columns)


def _by_key(table: Table) -> str:
    return " AND ".join(f"{key} = :{key}" for key in table.keys)


def _insert(table: Table, names: Any) -> str:
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)})"


def _differs(columns: Columns, found: Any) -> bool:
    return any(found[name] != value for name, value in columns.items() if name not in UNCOMPARED)
