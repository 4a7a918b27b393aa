"""Any history of modes, crashes, exports, imports, edits by the original and restores: what serves is never stale."""

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TypeVar

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from bot.errors import ProtectedError
from bot.rules.operation.storage_mode import FOLLOWED, Mode
from bot.settings import Settings, load_settings
from bot.store import storage
from bot.store.engine import RawConnection, connect, opened, transaction
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import MODE_FILE, FolderState
from bot.store.files.modes import switch as switching
from bot.store.files.modes.switch import Switch, begin, leave_database, require_switch
from bot.store.files.plan import Format
from bot.store.migrate import create_database
from bot.store.statement import Statement

T = TypeVar("T")
EXAMPLES, STEPS = 12, 20
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
FILE = "blacklist.json"
ADD = "INSERT OR IGNORE INTO blacklist (user_id, blacklisted_at) VALUES (:id, '2026-11-23T19:00:00.000Z')"
NOTE = "INSERT INTO imports (imported_at, folder, manifest) VALUES ('2026-11-23T19:00:00.000Z', :folder, :manifest)"


class History(RuleBasedStateMachine):
    """A change is one blacklisted user, so that what a side has is a set of numbers."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="switch-"))
        self.database = self.root / "tzurot.db"
        self.folder = JsonFolder(self.root / "files")
        self.backups: list[Path] = []
        self.given_up: set[int] = set()
        self.newest = 0

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    @initialize()
    def live(self) -> None:
        self.serve(Mode.DUAL, 1, 2)
        self.back_up()

    @rule(writes=st.integers(0, 2))
    def serve_files(self, writes: int) -> None:
        self.serve(Mode.JSON, writes, 0)

    @rule(writes=st.integers(0, 2), lag=st.integers(0, 1))
    def serve_both(self, writes: int, lag: int) -> None:
        self.serve(Mode.DUAL, writes, writes + 1 - lag)

    @rule(writes=st.integers(0, 2))
    def serve_database(self, writes: int) -> None:
        self.serve(Mode.DATABASE, writes, 0)

    @rule(mode=st.sampled_from(Mode), writes=st.integers(0, 2))
    def accept(self, mode: Mode, writes: int) -> None:
        self.serve(mode, writes, writes, accept_older=True)

    def serve(self, mode: Mode, writes: int, followed: int, *, accept_older: bool = False) -> None:
        known = self.known()
        switch = self.start(mode, accept_older=accept_older)
        if switch is None:
            return
        begin(self.settings(mode), switch, NOW)
        if mode is Mode.JSON:
            leave_database(self.settings(mode), switch, NOW)
        served = self.in_folder() if mode is Mode.JSON else self.in_database()
        if switch.verdict.warning:
            self.given_up |= known - served
        assert known - served <= self.given_up
        if mode is Mode.JSON:
            self.write_files(switch, writes)
        else:
            self.write_database(switch, writes, followed)

    @rule(mode=st.sampled_from(Mode))
    def die_while_beginning(self, mode: Mode) -> None:
        if switch := self.start(mode, accept_older=mode is Mode.SHADOW):
            switching._begin_in_folder(switch, NOW)

    @rule()
    def run_the_original(self) -> None:
        self.folder.path.mkdir(exist_ok=True)
        (self.folder.path / FILE).write_bytes(content(self.in_folder() | {self.change()}))

    @precondition(lambda self: self.database.exists())
    @rule(is_final=st.booleans())
    def export(self, *, is_final: bool) -> None:
        if is_final:
            self.run(Statement(storage.COUNT))
        self.given_up |= self.in_folder() - self.in_database()
        self.commit(self.in_database(), self.row().lineage, self.row().counter, is_final=is_final)

    @precondition(lambda self: (self.folder.path / FILE).exists())
    @rule()
    def import_files(self) -> None:
        if not self.database.exists():
            self.make_database()
        state, name = self.folder.read(), str(self.folder.path)
        added = [Statement(ADD, {"id": change}) for change in self.in_folder()]
        if state and not self.folder.changed(state) and self.is_behind(state):
            assert self.in_database() - self.in_folder() <= self.given_up
            taken = [Statement("DELETE FROM blacklist"), *added, storage.take_over(state.lineage, state.counter)]
        else:
            taken = [*added, storage.take_in(name)]
        files = {file: {"sha256": digest.sha256} for file, digest in self.folder.data_files().items()}
        self.run(*taken, Statement(NOTE, {"folder": name, "manifest": orjson.dumps({"files": files}).decode()}))

    @precondition(lambda self: self.database.exists())
    @rule()
    def back_up(self) -> None:
        self.backups.append(self.root / f"backup{len(self.backups)}")
        shutil.copyfile(self.database, self.backups[-1])

    @rule(newest=st.booleans())
    def restore(self, *, newest: bool) -> None:
        shutil.copyfile(self.backups[-1 if newest else 0], self.database)

    @rule(what=st.sampled_from(["database", "mode file", "folder"]))
    def lose(self, what: str) -> None:
        if what == "database":
            self.database.unlink(missing_ok=True)
        elif what == "mode file":
            (self.folder.path / MODE_FILE).unlink(missing_ok=True)
        else:
            shutil.rmtree(self.folder.path, ignore_errors=True)

    def start(self, mode: Mode, *, accept_older: bool) -> Switch | None:
        """What the boot does before it starts the bot; None where it refuses."""
        asked = self.settings(mode)
        try:
            switch = require_switch(asked, accept_older=accept_older)
            if mode is not Mode.JSON and not self.database.exists():
                self.make_database()
                if switch.facts.is_importing:
                    self.import_files()
                switch = require_switch(asked, accept_older=accept_older)
        except ProtectedError:
            return None
        return switch

    def write_database(self, switch: Switch, writes: int, followed: int) -> None:
        """Files follow up to a point: a crash cuts them short."""
        counted = [Statement(storage.COUNT)] if switch.mode in FOLLOWED else []
        for number in range(writes + 1):
            if number:
                self.run(Statement(ADD, {"id": self.change()}), *counted)
            if switch.mode in FOLLOWED and number < followed:
                self.commit(self.in_database(), switch.lineage, self.row().counter)

    def write_files(self, switch: Switch, writes: int) -> None:
        served = self.in_folder()
        for number in range(1, writes + 1):
            served.add(self.change())
            self.commit(served, switch.lineage, switch.counter + number)

    def commit(self, changes: set[int], lineage: str, counter: int, *, is_final: bool = True) -> None:
        state = FolderState(lineage, "any", counter, Format.GEN2, is_final, written_at=NOW)
        self.folder.commit([(FILE, [content(changes)])], state)

    def make_database(self) -> None:
        shutil.copyfile(self.template, self.database)
        self.run(Statement("UPDATE storage SET lineage = :lineage", {"lineage": token_hex(16)}))

    def is_behind(self, state: FolderState) -> bool:
        """Whether the database becomes what the folder is, and does not only take in what that has."""
        row = self.row()
        is_new = row.mode is None and not self.in_database()
        return is_new or (state.lineage == row.lineage and state.counter >= row.counter and state.is_final)

    def settings(self, mode: Mode) -> Settings:
        return load_settings(
            {
                "database_path": self.database,
                "json_dir": self.folder.path,
                "storage_mode": mode.value,
                "allow_init": "local",
            },
            env_file=None,
        )

    def change(self) -> int:
        self.newest += 1
        return self.newest

    def known(self) -> set[int]:
        """All that was acknowledged, is somewhere, and was not given up by an order."""
        return (self.in_database() | self.in_folder()) - self.given_up

    def in_folder(self) -> set[int]:
        path = self.folder.locate(FILE)
        return {int(user) for user in orjson.loads(path.read_bytes())} if path.exists() else set()

    def in_database(self) -> set[int]:
        if not self.database.exists():
            return set()
        return self.read(lambda connection: {row[0] for row in connection.execute("SELECT user_id FROM blacklist")})

    def row(self) -> storage.Storage:
        return self.read(storage.read_from)

    def read(self, ask: Callable[[RawConnection], T]) -> T:
        with opened(connect(self.database, "ro", 1)) as connection:
            return ask(connection)

    def run(self, *statements: Statement) -> None:
        with opened(connect(self.database, "rw", 1)) as connection, transaction(connection):
            for statement in statements:
                connection.execute(statement.sql, statement.parameters)


def content(changes: set[int]) -> bytes:
    return orjson.dumps({str(change): {} for change in sorted(changes)})


def test_no_history_ends_in_serving_less_than_was_acknowledged(tmp_path: Path) -> None:
    History.template = tmp_path / "template.db"
    create_database(History.template)
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
