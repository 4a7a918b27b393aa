"""Random histories of writes, cancelled and failing ones, reopened files and killed writers: all as in a dict."""

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.errors import ConflictError
from bot.model import Alias, Personality
from bot.store import aliases, personalities
from bot.store.driver import SQLiteStore, inspect_file
from bot.store.inspection import FileKind
from bot.store.statement import Query, Statement
from tests.store.modes import NOW, ModeBackend, settings_of
from tests.store.writing_process import HALF, write_until_killed

NAMES = st.sampled_from(["Lilith", "lilith", "Ünï", "Echo"])
ALIASES = st.sampled_from(["l", "LIL", "ünï", "ÜNÏ", "two words"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
FIRST_NUMBER = 1000
"""Where the killed writer's rows begin, beyond those of the rules."""
PUT = (
    "INSERT INTO blacklist (user_id, guild_id, reason, blacklisted_at)"
    " VALUES (:id, 4, :text, '2026-03-04T05:06:07.000Z')"
    " ON CONFLICT (user_id, guild_id) DO UPDATE SET reason = excluded.reason"
)
BATCHES = st.lists(st.tuples(st.integers(1, 8), TEXTS), min_size=1, max_size=4)
ROWS = Query("SELECT user_id, reason FROM blacklist", tuple)
NEVER = Statement("INSERT INTO personality_aliases VALUES ('x', 'nobody', 0, '', NULL)")


def put(row_id: int, text: str) -> Statement:
    return Statement(PUT, {"id": row_id, "text": text})


async def outcome(write: Coroutine[Any, Any, Any]) -> Any:
    """What the write returned, or the error it raised."""
    results = await asyncio.gather(write, return_exceptions=True)
    return results[0]


class StoreMachine(RuleBasedStateMachine):
    """Keeps one store and one plain model of what must be in it."""

    mode: str

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.backend = ModeBackend(settings_of(Path(self.folder.name), self.mode))
        self.rows: dict[int, str] = {}
        self.was_killed = False
        self.personalities: dict[str, Personality] = {}
        self.aliases: dict[str, str] = {}
        self.backend.create()
        self.open()

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def open(self) -> None:
        self.opened = self.run(self.backend.open())
        self.store: SQLiteStore = self.opened.store

    @rule(batch=BATCHES)
    def write(self, batch: list[tuple[int, str]]) -> None:
        self.run(self.store.write(*(put(*row) for row in batch)))
        self.rows.update(batch)

    @rule(batch=BATCHES)
    def write_and_fail(self, batch: list[tuple[int, str]]) -> None:
        result = self.run(outcome(self.store.write(*(put(*row) for row in batch), NEVER)))
        assert isinstance(result, ConflictError)

    @rule(batches=st.lists(st.tuples(BATCHES, st.booleans()), max_size=6))
    def write_together(self, batches: list[tuple[list[tuple[int, str]], bool]]) -> None:
        async def together() -> list[Any]:
            writes = [
                self.store.write(*(put(*row) for row in rows), *([NEVER] if bad else [])) for rows, bad in batches
            ]
            return await asyncio.gather(*writes, return_exceptions=True)

        for (rows, bad), result in zip(batches, self.run(together()), strict=True):
            assert isinstance(result, ConflictError if bad else list)
            if not bad:
                self.rows.update(rows)

    @rule(batch=BATCHES, rounds=st.integers(0, 6), pause=st.sampled_from([None, 0.0002, 0.001]))
    def write_cancelled(self, batch: list[tuple[int, str]], rounds: int, pause: float | None) -> None:
        """Cancelled after any number of the loop's rounds: the batch is there whole, or nothing of it is."""
        whole = {**self.rows, **dict(batch)}

        async def cancelled() -> bool:
            task = asyncio.create_task(self.store.write(*(put(*row) for row in batch)))
            for _ in range(rounds):
                await asyncio.sleep(0)
            if pause is not None:
                await asyncio.sleep(pause)
            task.cancel()
            await asyncio.wait([task])
            return not task.cancelled()

        was_told = self.run(cancelled())
        found = dict(self.run(self.after_all()))
        assert found == whole or (not was_told and found == self.rows)
        self.rows = found

    async def after_all(self) -> list[Any]:
        """What is there when everything accepted so far has been done."""
        await self.store.write()
        return await self.store.fetch(ROWS)

    @rule(name=NAMES, owner=st.integers(1, 3), text=TEXTS)
    def put_personality(self, name: str, owner: int, text: str) -> None:
        personality = Personality(name, text, owner, NOW)
        [outcome] = self.run(self.store.write(personalities.put(personality)))
        row_id = outcome.rows[0]["id"]
        assert self.personalities.get(name, replace(personality, id=row_id)).id == row_id
        self.personalities[name] = replace(personality, id=row_id)

    @rule(name=NAMES)
    def remove_personality(self, name: str) -> None:
        self.run(self.store.write(*personalities.remove(name, 1, NOW, 1)))
        if name in self.personalities:
            self.personalities[name] = replace(self.personalities[name], is_active=False, updated_at=NOW)
        self.aliases = {alias: owner for alias, owner in self.aliases.items() if owner != name}

    @rule(alias=ALIASES, name=NAMES)
    def add_alias(self, alias: str, name: str) -> None:
        result = self.run(outcome(self.store.write(aliases.add(Alias(alias, name, 1, NOW)))))
        if alias.lower() in self.aliases or name not in self.personalities:
            assert isinstance(result, ConflictError)
        else:
            assert isinstance(result, list)
            self.aliases[alias.lower()] = name

    @rule(alias=ALIASES)
    def find(self, alias: str) -> None:
        found = self.run(self.store.look_up(personalities.find_by_name(alias)))
        owner = self.personalities.get(self.aliases.get(alias.lower(), ""))
        if owner is not None and owner.is_active:
            assert found[0] == owner

    @rule()
    def reopen(self) -> None:
        self.run(self.opened.close())
        self.open()

    @precondition(lambda self: not self.was_killed)
    @rule(enough=st.integers(1, 200))
    def kill_a_writer(self, enough: int) -> None:
        """A process of its own goes on writing and is killed: what it was told is there, and nothing half."""
        self.was_killed = True
        self.run(self.opened.close())
        told = write_until_killed(Path(self.folder.name), self.mode, FIRST_NUMBER, enough)
        self.open()
        report = inspect_file(self.backend.path, full=True)
        assert (report.kind, report.problems) == (FileKind.OK, ())
        found = dict(self.run(self.store.fetch(ROWS)))
        firsts = {row_id for row_id in found if FIRST_NUMBER <= row_id < HALF}
        assert set(told) <= firsts
        assert firsts == {row_id - HALF for row_id in found if row_id >= HALF}
        self.rows |= {row_id: text for row_id, text in found.items() if row_id >= FIRST_NUMBER}

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def agrees(self) -> None:
        assert dict(self.run(self.store.fetch(ROWS))) == self.rows
        rows = self.run(self.store.fetch(Query("SELECT * FROM personalities", personalities.read)))
        assert {row.full_name: row for row in rows} == self.personalities
        rows = self.run(self.store.fetch(Query("SELECT * FROM personality_aliases", aliases.read)))
        assert {row.alias: row.personality_name for row in rows} == self.aliases

    def teardown(self) -> None:
        if hasattr(self, "store"):
            assert inspect_file(self.backend.path, full=True).kind is FileKind.OK
            self.run(self.opened.close())
            self.loop.close()
            self.folder.cleanup()


class DatabaseMachine(StoreMachine):
    mode = "database"


class DualMachine(StoreMachine):
    mode = "dual"


class ShadowMachine(StoreMachine):
    mode = "shadow"


class JsonMachine(StoreMachine):
    mode = "json"


TestDatabase, TestDual = DatabaseMachine.TestCase, DualMachine.TestCase
TestShadow, TestJson = ShadowMachine.TestCase, JsonMachine.TestCase
TestDatabase.settings = TestDual.settings = TestShadow.settings = TestJson.settings = settings(
    max_examples=10,
    stateful_step_count=20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
