"""Two tables as files of the simplest kind, to see when which of them is written."""

from collections.abc import Iterator

import orjson

from bot.store.cipher import Cipher
from bot.store.engine import RawConnection
from bot.store.files.plan import FileContent, Plan
from bot.store.statement import Query, Statement

COUNTER = Query("SELECT counter FROM storage", lambda row: int(row["counter"]))
RESPONSES = Query("SELECT user_id FROM auto_responses ORDER BY 1", lambda row: int(row["user_id"]))


class Table:
    """A plan of one table, each row in a file of its own if it is small enough, and how often it was written."""

    def __init__(self, name: str, key: str) -> None:
        self.plan = Plan(name, frozenset({name}), self.write)
        self.name, self.key, self.times = name, key, 0
        self.error: Exception | None = None

    def write(self, connection: RawConnection, _: Cipher) -> Iterator[FileContent]:
        self.times += 1
        if self.error:
            raise self.error
        rows = connection.execute(f"SELECT {self.key} FROM {self.name} ORDER BY 1").fetchall()  # noqa: S608
        yield f"{self.name}.json", [orjson.dumps([row[0] for row in rows])]
        for (number,) in rows:
            if number < 100:
                yield f"{self.name}-{number}.json", [orjson.dumps(number)]


def blacklist(user_id: int) -> Statement:
    return Statement("INSERT INTO blacklist (user_id, blacklisted_at) VALUES (:id, '')", {"id": user_id})


def respond(user_id: int) -> Statement:
    return Statement("INSERT INTO auto_responses (user_id) VALUES (:id)", {"id": user_id})
