"""One file of the rest, read back: what it says of its table, and the rows in batches."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import orjson

from bot.errors import UnreadableError
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import REST_FOLDER, FolderState
from bot.store.files.rest.tables import REST_TABLES, RestTable

BATCH_ROWS = 5_000
HEAD_END, END = b',"rows":[\n', b"]}\n"


@dataclass(frozen=True, slots=True)
class RestFile:
    """The part of a table that lies in `path`; `total` is how many rows the table had altogether.

    `added` are the values of the last columns in every row, where the file is older than these columns.
    """

    table: RestTable
    path: Path
    columns: tuple[str, ...]
    total: int
    sequence: int | None
    added: tuple[Any, ...] = ()

    @classmethod
    def open(cls, table: RestTable, path: Path) -> "RestFile":
        """Read the file's head; raises UnreadableError."""
        try:
            with path.open("rb") as file:
                line = file.readline()
            head = orjson.loads(line.removesuffix(HEAD_END) + b"}")
            written = tuple(head["columns"])
            added = {name: value for name, value in table.added.items() if name not in written}
            return cls(table, path, (*written, *added), int(head["total"]), head.get("sequence"), tuple(added.values()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            _refuse(path, error)

    def batches(self) -> Iterator[list[list[Any]]]:
        """The rows; raises UnreadableError for a file that does not go to its end."""
        ended = False
        try:
            with self.path.open("rb") as file:
                file.readline()
                while lines := list(islice(file, BATCH_ROWS)):
                    ended = lines[-1] == END
                    rows = _parse(lines[:-1] if ended else lines)
                    yield [[*row, *self.added] for row in rows] if self.added else rows
        except (OSError, ValueError) as error:
            _refuse(self.path, error)
        if not ended:
            _refuse(self.path, ValueError("it ends too early"))

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row after the other, by column name."""
        for batch in self.batches():
            yield from (dict(zip(self.columns, row, strict=True)) for row in batch)


def open_rest(folder: JsonFolder, state: FolderState, changed: Collection[str]) -> dict[str, RestFile]:
    """Every file of the rest by its table, in the tables' order; raises UnreadableError if one is not as written."""
    names = {name for name in state.files if name.startswith(f"{REST_FOLDER}/")}
    for name in sorted(names.intersection(changed)):
        path = folder.locate(name)
        what = "is not what this program has written" if path.exists() else "is missing"
        raise UnreadableError(f"{path} {what}.", remedy="Put back the file that belongs there.")
    if unknown := sorted(names - {table.file for table in REST_TABLES}):
        raise UnreadableError(
            f"{folder.locate(unknown[0])} was written by a newer version of the program.", remedy="Start that version."
        )
    return {table.name: RestFile.open(table, folder.locate(table.file)) for table in REST_TABLES if table.file in names}


def _parse(lines: list[bytes]) -> list[list[Any]]:
    rows: list[list[Any]] = orjson.loads(b"[" + b"".join(lines).rstrip(b",\n") + b"]")
    return rows


def _refuse(path: Path, error: Exception) -> NoReturn:
    reason = error.strerror if isinstance(error, OSError) else error
    raise UnreadableError(
        f"{path} can't be read: {reason}.", remedy="Put back the file that this program has written."
    ) from None
