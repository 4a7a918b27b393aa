import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

import schema
from bot.errors import ProtectedError, StorageError
from bot.settings import Settings
from bot.store import engine, migrate
from bot.store.driver import inspect_file, open_store
from bot.store.inspection import FileKind
from bot.store.migrate import create_database, is_current
from bot.store.statement import Query, Statement

from .conftest import file_size_limit

GOOD = '"""Good."""\n\n\ndef migrate(db):\n    """Run."""\n    db.execute("CREATE TABLE {name} (id INTEGER) STRICT")\n'
BAD = GOOD + '    db.execute("INSERT INTO {name} VALUES (1)")\n    db.execute("INSERT INTO nowhere VALUES (1)")\n'  # noqa: S608 - a migration written by the test
STORAGE = GOOD + '    db.execute("CREATE TABLE storage (mode TEXT) STRICT")\n'
LATER = shutil.ignore_patterns("__pycache__", "000[2-9]_*", "00[1-9][0-9]_*")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the schema's folder with its first migration, to which a test adds others."""
    copied = tmp_path / "schema"
    shutil.copytree(Path(schema.__file__).parent, copied, ignore=LATER)
    monkeypatch.setattr(schema, "__file__", str(copied / "__init__.py"))
    monkeypatch.setattr(schema, "__path__", [str(copied)])
    sys.modules.pop("schema.migrations", None)
    yield copied
    sys.modules.pop("schema.migrations", None)


def add(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text.format(name=f"t{name}"))
    sys.modules.pop("schema.migrations", None)


def tables(path: Path) -> set[str]:
    with closing(engine.connect_reader(path, 1)) as connection:
        return {row["name"] for row in connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE 't000%'")}


@pytest.fixture
def path(tmp_path: Path, folder: Path) -> Path:
    made = tmp_path / "volume" / "tzurot.db"
    create_database(made)
    return made


def test_a_new_database_is_current_in_wal_and_alone_in_its_folder(path: Path) -> None:
    assert list(path.parent.iterdir()) == [path]
    assert is_current(path)
    assert migrate.migrate(path) == []
    with closing(engine.connect_reader(path, 1)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_only_what_is_pending_is_applied_in_order(path: Path, folder: Path) -> None:
    add(folder, "0003_c", GOOD)
    add(folder, "0002_b", GOOD)
    assert not is_current(path)
    assert migrate.migrate(path) == ["0002_b", "0003_c"]
    assert is_current(path)
    assert tables(path) == {"t0002_b", "t0003_c"}


def test_a_failed_migration_leaves_the_file_as_the_last_good_one_did(path: Path, folder: Path) -> None:
    add(folder, "0002_b", GOOD)
    add(folder, "0003_c", BAD)
    add(folder, "0004_d", GOOD)
    for _ in range(2):
        with pytest.raises(ProtectedError, match="Migration 0003_c failed: no such table: nowhere") as caught:
            migrate.migrate(path)
        assert caught.value.exit_code == 3
        assert tables(path) == {"t0002_b"}
        assert migrate.applied_migrations(path) == ["0001_initial", "0002_b"]
    assert inspect_file(path, full=True).kind is FileKind.OK
    add(folder, "0003_c", GOOD)
    assert migrate.migrate(path) == ["0003_c", "0004_d"]


def test_a_new_database_whose_migration_fails_is_not_there_afterwards(tmp_path: Path, folder: Path) -> None:
    add(folder, "0002_b", BAD)
    with pytest.raises(ProtectedError, match="0002_b"):
        create_database(tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


@pytest.mark.usefixtures("folder")
def test_a_full_disk_is_not_blamed_on_the_migration_and_nothing_is_left(tmp_path: Path) -> None:
    with file_size_limit(50_000), pytest.raises(StorageError, match="Check the volume and its free space"):
        create_database(tmp_path / "volume" / "tzurot.db")
    assert not list((tmp_path / "volume").iterdir())


def test_a_database_from_a_newer_version_is_refused_and_not_touched(path: Path, folder: Path) -> None:
    add(folder, "0002_b", GOOD)
    migrate.migrate(path)
    (folder / "0002_b.py").unlink()
    before = path.read_bytes()
    for call in (is_current, migrate.migrate):
        with pytest.raises(ProtectedError, match="newer version of the program, which added 0002_b") as caught:
            call(path)
        assert caught.value.exit_code == 3
    assert path.read_bytes() == before


async def test_the_store_opens_only_its_own_schema(path: Path, folder: Path) -> None:
    settings = Settings(_env_file=None)
    add(folder, "0002_b", STORAGE)
    with pytest.raises(ProtectedError, match="older schema"):
        await open_store(path, settings=settings)
    migrate.migrate(path)
    store = await open_store(path, settings=settings)
    await store.write(Statement("INSERT INTO t0002_b VALUES (1)"))
    assert await store.fetch(Query("SELECT id FROM t0002_b", tuple)) == [(1,)]
    await store.close()


def test_every_table_is_strict_and_every_index_of_a_foreign_key_is_there(path: Path) -> None:
    with closing(engine.connect_reader(path, 1)) as connection:
        loose = connection.execute(
            "SELECT name FROM pragma_table_list"
            " WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite|_%' ESCAPE '|'"
        ).fetchall()
        assert [row["name"] for row in loose] == ["_sqlite_migrations"]
        for view in ("personality_overview", "channel_overview", "login_overview", "daily_activity"):
            assert connection.execute(f"SELECT * FROM {view}").fetchall() == []  # noqa: S608
        assert "token" not in {d[0] for d in connection.execute("SELECT * FROM login_overview").description}


def test_changes_made_before_there_were_batches_are_taken_back_by_their_person_and_time(tmp_path: Path) -> None:
    from schema.migrations import migrations  # noqa: PLC0415 - other tests of this file replace the module

    change = (
        "INSERT INTO changes (changed_at, changed_by, kind, action, subject) VALUES (:at, :by, 'alias', 'put', :name)"
    )
    with closing(engine.connect(tmp_path / "old.db", "rwc", 1)) as connection:
        database = Database(connection)
        migrations.apply(database, stop_before="0006_undo")
        for at, by, name in (
            ("2026-01-01T", 7, "a"),
            ("2026-01-01T", 7, "b"),
            ("2026-01-02T", 7, "c"),
            ("2026-01-02T", 0, "d"),
        ):
            connection.execute(change, {"at": at, "by": by, "name": name})
        migrations.apply(database)
        rows = connection.execute("SELECT subject, batch, is_undo FROM changes ORDER BY id").fetchall()
    assert [tuple(row) for row in rows] == [
        ("a", "7 2026-01-01T", 0), ("b", "7 2026-01-01T", 0), ("c", "7 2026-01-02T", 0), ("d", None, 0)
    ]  # fmt: skip
