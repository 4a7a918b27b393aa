"""Rows of the rest back into their tables, inside the transaction that is open."""

# ruff: noqa: S608 - the SQL is put together from the names of the program's own tables and columns

from dataclasses import dataclass

from bot.errors import UnreadableError
from bot.store.engine import RawConnection
from bot.store.files.rest.reading import RestFile
from bot.store.files.rest.tables import REST_TABLES, columns_of
from bot.store.progress import Progress

PERSONALITIES = "personalities"
AVATARS = "avatars"

FOLLOWED = ", ".join(f"'{table.name}'" for table in REST_TABLES)
SILENCE = """
DELETE FROM {table} WHERE personality_name IN (SELECT full_name FROM personalities WHERE is_active = 0)
"""


def empty_tables(connection: RawConnection) -> None:
    """Take out everything that a folder holds, and which numbers were given away."""
    for table in reversed(REST_TABLES):
        connection.execute(f"DELETE FROM {table.name}")
    connection.execute(f"DELETE FROM sqlite_sequence WHERE name IN ({FOLLOWED})")


@dataclass(frozen=True, slots=True)
class Restorer:
    """Writes files of the rest into the tables; `progress` is told after each batch, and may raise."""

    connection: RawConnection
    progress: Progress

    def keep_sequence(self, file: RestFile) -> None:
        """Let no number be given away a second time, also none whose row is gone."""
        if file.sequence is not None:
            row = (file.table.name, file.sequence)
            self.connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", row[:1])
            self.connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", row)

    def restore(self, file: RestFile) -> None:
        """Write the file's rows as they are, over those that the original's file gave."""
        self._require_known(file)
        if file.table.name == AVATARS:
            self._restore_avatars(file)
            return
        sql = _insert("INSERT OR REPLACE", file)
        done = 0
        for batch in file.batches():
            self.connection.executemany(sql, batch)
            done += len(batch)
            self.progress(file.table.name, done)

    def restore_removed(self, people: RestFile) -> None:
        """Keep the personalities that another program has taken out of its file: they spoke, but speak no more."""
        self._require_known(people)
        sql = _insert("INSERT", people) + " ON CONFLICT DO NOTHING"
        active = people.columns.index("is_active")
        for batch in people.batches():
            self.connection.executemany(sql, ([*row[:active], 0, *row[active + 1 :]] for row in batch))

    def restore_beyond_words(self, file: RestFile) -> None:
        """Keep the rows that another program could not have said; what it says of the same key goes before."""
        self._require_known(file)
        rows = [[*row.values()] for row in file.rows() if file.table.is_beyond_words(row)]
        self.connection.executemany(f"{_insert('INSERT', file)} ON CONFLICT DO NOTHING", rows)

    def silence_removed(self) -> None:
        """Take away what lets a removed personality speak, as removing it does."""
        for table in ("personality_aliases", "channel_activations"):
            self.connection.execute(SILENCE.format(table=table))

    def require_total(self, file: RestFile) -> None:
        """Raise UnreadableError if the table has not as many rows as were written."""
        name = file.table.name
        (found,) = self.connection.execute(f"SELECT count(*) FROM {name}").fetchone()
        if found != file.total:
            raise UnreadableError(
                f"The files say {found:,} records of {name}, but {file.total:,} were written.",
                remedy="Put back the files from a copy; nothing was changed.",
            )

    def _restore_avatars(self, file: RestFile) -> None:
        others = [name for name in file.columns if name not in {"personality_id", "content"}]
        changed = ", ".join(f"{name} = :{name}" for name in others)
        update = f"UPDATE avatars SET {changed} WHERE personality_id = :personality_id"
        for row in file.rows():
            if row["content"] is None:
                self.connection.execute(update, {name: row[name] for name in ("personality_id", *others)})
            else:
                content = bytes.fromhex(row["content"])
                self.connection.execute(_insert("INSERT OR REPLACE", file), [*(row | {"content": content}).values()])

    def _require_known(self, file: RestFile) -> None:
        if set(file.columns) - set(columns_of(self.connection, file.table.name)):
            raise UnreadableError(
                f"{file.path} was written by a newer version of the program.", remedy="Start that version."
            )


def _insert(verb: str, file: RestFile) -> str:
    names = ", ".join(f'"{name}"' for name in file.columns)
    return f"{verb} INTO {file.table.name} ({names}) VALUES ({', '.join('?' * len(file.columns))})"
