"""What the project as a whole promises: its visible files, and that none of them refers to what is not there."""

import os
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
VISIBLE = {
    *("pyproject.toml", "README.md", "bot", "schema", "tests", "litestream.yml", "Dockerfile", "entrypoint.sh"),
    *("uv.lock", "LICENSE"),
}


def ignored() -> set[str]:
    """The names that git ignores; a line that is a pattern stands for itself."""
    return {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()} | {".git"}


def project_files() -> list[str]:
    """What belongs to the project, also where it was unpacked and not cloned."""
    left_out = ignored()
    files = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in left_out and not name.startswith(".bench-")]
        files += [str((Path(folder) / name).relative_to(ROOT)) for name in names if name not in left_out]
    return files


def test_the_top_level_is_as_the_design_fixes_it() -> None:
    tops = {name.split("/")[0] for name in project_files()}
    assert {top for top in tops if not top.startswith(".")} <= VISIBLE


def test_secrets_and_data_stay_out_of_the_project() -> None:
    assert {".env", "data"} <= ignored()
    assert not [name for name in project_files() if re.search(r"(^|/)\.env$|\.db(-wal|-shm)?$", name)]


def test_every_python_file_is_within_the_budget_of_lines() -> None:
    long = {
        name: lines
        for name in project_files()
        if name.endswith(".py") and name.startswith(("bot/", "schema/"))
        if (path := ROOT / name).exists() and (lines := len(path.read_text().splitlines())) > 400
    }
    assert not long


def test_module_names_say_what_is_in_them() -> None:
    banned = {"utils", "helpers", "common", "core", "manager"}
    assert not [name for name in project_files() if Path(name).stem in banned]


def test_the_lock_file_belongs_to_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    names = {package["name"] for package in locked}
    wanted = {re.split(r"[<>=;\[ ]", each)[0].lower() for each in project["dependencies"]}
    assert {re.sub("[_.]", "-", name) for name in wanted} <= names
