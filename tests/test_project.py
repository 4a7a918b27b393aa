"""What the project as a whole promises: its visible files, and that none of them refers to what is not there."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VISIBLE = {
    *("pyproject.toml", "README.md", "bot", "schema", "tests", "litestream.yml", "Dockerfile", "entrypoint.sh"),
    *("uv.lock", "LICENSE"),
}


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout")
    return listed.stdout.splitlines()


def test_the_top_level_is_as_the_design_fixes_it() -> None:
    tops = {name.split("/")[0] for name in tracked()}
    assert {top for top in tops if not top.startswith(".")} <= VISIBLE


def test_no_file_of_secrets_or_data_is_tracked() -> None:
    assert not [name for name in tracked() if re.search(r"(^|/)\.env$|\.db(-wal|-shm)?$|(^|/)data/", name)]


def test_every_python_file_is_within_the_budget_of_lines() -> None:
    long = {
        name: lines
        for name in tracked()
        if name.endswith(".py") and name.startswith(("bot/", "schema/"))
        if (path := ROOT / name).exists() and (lines := len(path.read_text().splitlines())) > 400
    }
    assert not long


def test_module_names_say_what_is_in_them() -> None:
    banned = {"utils", "helpers", "common", "core", "manager"}
    assert not [name for name in tracked() if Path(name).stem in banned]


def test_the_lock_file_belongs_to_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    names = {package["name"] for package in locked}
    wanted = {re.split(r"[<>=;\[ ]", each)[0].lower() for each in project["dependencies"]}
    assert {re.sub("[_.]", "-", name) for name in wanted} <= names
