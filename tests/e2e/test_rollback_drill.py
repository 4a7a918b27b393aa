"""The rollback drill as it stands in the README, command by command."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from bot.sandbox.sample import write_sample_folder
from tests.e2e.conftest import ROOT

ORIGINAL = ROOT.parent / "shared" / "legacy-data" / "gen2-v2.2.10"
"""A folder that the original itself has written, where it is at hand."""


def drill() -> str:
    """What an operator would copy."""
    found = re.search(r"<!-- command: rollback drill -->\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    if ORIGINAL.is_dir():
        return ORIGINAL
    write_sample_folder(tmp_path / "sample")
    return tmp_path / "sample"


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_the_rollback_drill_of_the_readme_works_as_it_stands_there(data: Path, tmp_path: Path) -> None:
    before = contents(data)
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", drill()),
        env={"PATH": programs, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "DATA": str(data)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert output.decode().count("It has stopped") == 2
    assert contents(data) == before
