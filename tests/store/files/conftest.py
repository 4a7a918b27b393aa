"""A JSON folder with a first state, and how a process dies in the middle of changing it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import FolderState
from bot.store.files.plan import FileContent, Format
from tests.store.legacy.conftest import Legacy, write_flat, write_nested

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
EMPTY = FolderState("lineage", "json", 0, Format.GEN2, is_final=True, written_at=NOW)


def contents(**files: Any) -> Iterator[FileContent]:
    """Files as a plan gives them: `a__b` stands for `a/b.json`, each in two pieces."""
    for name, value in files.items():
        data = json.dumps(value).encode()
        yield name.replace("__", "/") + ".json", (data[:3], data[3:])


@pytest.fixture
def folder(tmp_path: Path) -> JsonFolder:
    return JsonFolder(tmp_path / "data")


@pytest.fixture
def written(folder: JsonFolder) -> FolderState:
    first = contents(aliases={"a": "b"}, conversations={"1-2": {}}, avatars__metadata={}, blacklist={"old": True})
    return folder.commit(first, replace(EMPTY, counter=1))


@pytest.fixture
def make_legacy(tmp_path: Path) -> Callable[[str], Legacy]:
    """A data folder of the original, and the database that it becomes."""
    return lambda name: Legacy.within(tmp_path / name)


@pytest.fixture(params=[write_flat, write_nested], ids=["flat", "nested"])
def legacy(request: pytest.FixtureRequest, make_legacy: Callable[[str], Legacy]) -> Legacy:
    """A small folder of each generation."""
    made = make_legacy("one")
    request.param(made)
    return made


@pytest.fixture
def flat(make_legacy: Callable[[str], Legacy]) -> Legacy:
    """A small folder of the flat generation alone, where it does not matter which."""
    made = make_legacy("one")
    write_flat(made)
    return made
