"""Every combination of what the two sides can say, as one table for each truth; `.` serves, `!` refuses, `X` always."""

from dataclasses import replace
from itertools import product

import pytest

from bot.errors import ExitCode, ProtectedError
from bot.rules.operation.storage_mode import DatabaseSide, Facts, FolderRecord, FolderSide, Mode
from bot.rules.operation.switching import Verdict, decide

OURS, THEIRS = "a" * 32, "b" * 32
AT_5 = FolderRecord(OURS, 5)

DATABASES = {
    "none": None,
    "blank": DatabaseSide(OURS),
    "unrecorded": DatabaseSide(OURS, is_unrecorded=True),
    "imported": DatabaseSide(OURS, has_import=True),
    "database": DatabaseSide(OURS, 5, Mode.DATABASE),
    "dual": DatabaseSide(OURS, 5, Mode.DUAL),
    "shadow": DatabaseSide(OURS, 5, Mode.SHADOW),
    "json": DatabaseSide(OURS, 5, Mode.JSON),
}
HELD = FolderSide("/data", has_data=True)
FOLDERS = {
    "none": FolderSide("/data"),
    "original's": HELD,
    "original's, imported": replace(HELD, is_imported=True),
    "at 0": replace(HELD, record=FolderRecord(OURS, 0)),
    "at 4": replace(HELD, record=FolderRecord(OURS, 4)),
    "at 5": replace(HELD, record=AT_5),
    "at 6": replace(HELD, record=FolderRecord(OURS, 6)),
    "at 5, left behind": replace(HELD, record=FolderRecord(OURS, 5, is_final=False)),
    "at 5, changed": replace(HELD, record=AT_5, changed=("a.json",)),
    "at 5, changed, imported": replace(HELD, record=AT_5, changed=("a.json",), is_imported=True),
    "at 6, imported": replace(HELD, record=FolderRecord(OURS, 6), is_imported=True),
    "at 5, one lost": replace(HELD, record=AT_5, lost=("a.json",)),
    "at 5, all lost": FolderSide("/data", record=AT_5, lost=("a.json",)),
    "at 5, empty": FolderSide("/data", record=AT_5),
    "another's": replace(HELD, record=FolderRecord(THEIRS, 5)),
    "another's, imported": replace(HELD, record=FolderRecord(THEIRS, 5), is_imported=True),
    "another's, gone": FolderSide("/data", record=FolderRecord(THEIRS, 5), lost=("a.json",)),
}

DATABASE_IS_TRUTH = """
                         none blank unrecorded imported database dual shadow json
none                     .    .     .          .        .        .    .      !
original's               X    !     .          !        !        !    !      !
original's, imported     X    .     .          .        .        .    .      !
at 0                     X    .     .          .        .        .    .      !
at 4                     X    !     !          !        .        .    .      !
at 5                     X    !     !          !        .        .    .      !
at 6                     X    !     !          !        !        !    !      !
at 5, left behind        X    !     !          !        .        .    .      !
at 5, changed            X    !     !          !        !        !    !      !
at 5, changed, imported  X    .     .          .        .        .    .      !
at 6, imported           X    !     !          !        !        !    !      !
at 5, one lost           X    !     !          !        .        .    .      !
at 5, all lost           X    !     !          !        .        .    .      !
at 5, empty              X    !     !          !        .        .    .      !
another's                X    !     !          !        !        !    !      !
another's, imported      X    .     .          .        .        .    .      !
another's, gone          X    !     !          !        !        !    !      !
"""
FILES_ARE_TRUTH = """
                         none blank unrecorded imported database dual shadow json
none                     X    X     X          X        X        X    X      X
original's               .    .     !          !        !        !    !      !
original's, imported     .    .     !          !        !        !    !      !
at 0                     .    .     .          .        !        !    !      !
at 4                     .    .     .          .        !        !    !      !
at 5                     .    .     .          .        .        .    .      .
at 6                     .    .     .          .        .        .    .      .
at 5, left behind        !    !     !          !        !        !    !      !
at 5, changed            .    .     .          .        .        .    .      .
at 5, changed, imported  .    .     .          .        .        .    .      .
at 6, imported           .    .     .          .        .        .    .      .
at 5, one lost           !    !     !          !        !        !    !      !
at 5, all lost           X    X     X          X        X        X    X      X
at 5, empty              .    .     .          .        .        .    .      .
another's                .    .     !          !        !        !    !      !
another's, imported      .    .     !          !        !        !    !      !
another's, gone          X    X     X          X        X        X    X      X
"""


def cells(table: str) -> dict[tuple[str, str], str]:
    head, *lines = table.strip("\n").splitlines()
    found: dict[tuple[str, str], str] = {}
    for line in lines:
        marks = line.split()[-len(DATABASES) :]
        folder = line[: head.index("none")].strip()
        found |= {(database, folder): mark for database, mark in zip(head.split(), marks, strict=True)}
    return found


EXPECTED = {mode: cells(FILES_ARE_TRUTH if mode is Mode.JSON else DATABASE_IS_TRUTH) for mode in Mode}
CASES = [
    (mode, database, folder, EXPECTED[mode][database, folder])
    for mode, database, folder in product(Mode, DATABASES, FOLDERS)
]


def facts(mode: Mode, database: str, folder: str, **changes: bool) -> Facts:
    return Facts(mode, DATABASES[database], FOLDERS[folder], **changes)


def refusal(found: Facts, *, accept_older: bool = False) -> ProtectedError:
    with pytest.raises(ProtectedError) as caught:
        decide(found, accept_older=accept_older)
    assert caught.value.exit_code == ExitCode.PROTECTED
    assert caught.value.remedy
    return caught.value


def verdict(mode: Mode, database: str, folder: str, *, accept_older: bool = False) -> Verdict:
    return decide(facts(mode, database, folder), accept_older=accept_older)


@pytest.mark.parametrize(("mode", "database", "folder", "mark"), CASES)
def test_a_mode_serves_only_what_has_all_that_the_other_side_has(
    mode: Mode, database: str, folder: str, mark: str
) -> None:
    found = facts(mode, database, folder)
    if mark == ".":
        assert decide(found) == decide(found, accept_older=True)
        assert not decide(found).warning
    elif mark == "!":
        said = refusal(found)
        assert "--accept-older" in said.remedy
        assert decide(found, accept_older=True).warning.startswith(said.message)
    else:
        assert "--accept-older" not in refusal(found, accept_older=True).remedy


@pytest.mark.parametrize(("mode", "database", "folder", "mark"), CASES)
def test_whoever_serves_counts_on_from_both_sides(mode: Mode, database: str, folder: str, mark: str) -> None:
    if mark == "X":
        return
    found = facts(mode, database, folder)
    served = decide(found, accept_older=True)
    counters = [side.counter for side in (found.database, found.folder.record) if side is not None]
    is_past = mode is Mode.DATABASE or mark == "!"
    assert served.counter == max(counters, default=0) + is_past


@pytest.mark.parametrize("folder", FOLDERS)
def test_database_mode_leaves_the_files_alone(folder: str) -> None:
    served = verdict(Mode.DATABASE, "dual", folder, accept_older=True)
    assert not served.must_set_aside


@pytest.mark.parametrize("mode", [Mode.DUAL, Mode.SHADOW])
@pytest.mark.parametrize(
    ("folder", "is_kept"),
    [
        ("none", False),
        ("original's", True),
        ("original's, imported", True),
        ("at 4", False),
        ("at 5", False),
        ("at 6", True),
        ("at 5, left behind", True),
        ("at 5, changed, imported", True),
        ("another's", True),
        ("another's, imported", True),
    ],
)
def test_files_that_may_be_the_only_ones_are_kept_before_they_follow(mode: Mode, folder: str, is_kept: bool) -> None:
    served = verdict(mode, "dual", folder, accept_older=True)
    assert served.must_set_aside is is_kept


@pytest.mark.parametrize(
    ("folder", "is_kept"),
    [("original's", True), ("at 5", False), ("at 5, changed", True), ("at 4", True), ("at 5, left behind", True)],
)
def test_files_that_are_not_ours_are_kept_before_they_are_served(folder: str, is_kept: bool) -> None:
    served = verdict(Mode.JSON, "dual", folder, accept_older=True)
    assert served.must_set_aside is is_kept


def test_what_is_served_keeps_its_lineage() -> None:
    assert verdict(Mode.DUAL, "dual", "at 5").lineage == OURS
    assert verdict(Mode.DUAL, "database", "none").lineage == OURS
    assert verdict(Mode.DUAL, "blank", "another's, imported").lineage == OURS
    assert verdict(Mode.JSON, "blank", "another's").lineage == THEIRS
    assert verdict(Mode.JSON, "blank", "original's").lineage == OURS
    assert verdict(Mode.JSON, "none", "original's").lineage is None


@pytest.mark.parametrize("mode", [Mode.DUAL, Mode.JSON])
def test_what_goes_on_without_the_other_side_begins_a_new_lineage(mode: Mode) -> None:
    assert verdict(mode, "dual", "another's", accept_older=True).lineage is None
    assert verdict(mode, "json", "original's", accept_older=True).lineage is None


@pytest.mark.parametrize("mode", [Mode.DUAL, Mode.SHADOW])
def test_a_database_whose_files_were_lost_begins_a_new_lineage(mode: Mode) -> None:
    assert verdict(mode, "dual", "none").lineage is None
    assert verdict(Mode.DATABASE, mode.value, "none").lineage == OURS


@pytest.mark.parametrize(
    ("mode", "database", "folder", "sentence", "remedy"),
    [
        (
            Mode.DUAL,
            "dual",
            "at 6",
            "The files in /data have at least 1 change that the database lacks.",
            "tzurot import /data",
        ),
        (
            Mode.DATABASE,
            "json",
            "at 6",
            "served last, and have at least 1 change that the database",
            "tzurot import /data",
        ),
        (Mode.DATABASE, "json", "none", "served last, so the database may lack", "Put them back, and bring"),
        (Mode.DUAL, "dual", "at 5, changed", "Another program has changed a.json", "tzurot import /data"),
        (Mode.DUAL, "blank", "original's", "never imported into this database", "tzurot import /data"),
        (Mode.DUAL, "dual", "another's", "another installation's", "tzurot import /data"),
        (Mode.DUAL, "none", "original's", "a new database would not have", "IMPORT_DIR=/data"),
        (
            Mode.JSON,
            "dual",
            "at 4",
            "The database has at least 1 change that the files in /data lack.",
            "tzurot export /data",
        ),
        (Mode.JSON, "database", "at 4", "lack everything that the database has served alone", "tzurot export /data"),
        (Mode.JSON, "database", "none", "There are no JSON files in /data", "tzurot export /data"),
        (Mode.JSON, "none", "none", "There are no JSON files in /data to serve", "ALLOW_INIT=local"),
        (Mode.JSON, "dual", "original's", "The database served last (STORAGE_MODE=dual)", "tzurot export DIR"),
        (Mode.JSON, "dual", "original's, imported", "The database served last", "tzurot export /data"),
        (Mode.JSON, "dual", "another's", "another installation's", "tzurot export DIR"),
        (Mode.JSON, "unrecorded", "original's", "has served, and no mode file", "tzurot export DIR"),
        (Mode.JSON, "json", "original's", "no mode file in /data shows that it is those", "Put back the folder"),
        (Mode.JSON, "none", "at 5, left behind", "which went on without", "tzurot export /data"),
        (Mode.JSON, "none", "at 5, one lost", "a.json in /data is gone or damaged.", "Put it back as"),
        (Mode.JSON, "json", "at 5, all lost", "none is left but the mode file", "Put them back"),
    ],
)
def test_a_refusal_says_what_is_newer_and_what_to_do(
    mode: Mode, database: str, folder: str, sentence: str, remedy: str
) -> None:
    said = refusal(facts(mode, database, folder))
    assert sentence in said.message
    assert remedy in said.remedy


def test_many_changed_files_are_not_all_named() -> None:
    folder = replace(FOLDERS["at 5, changed"], changed=("a", "b", "c", "d", "e"))
    assert "changed a, b, c and 2 more in" in refusal(Facts(Mode.DUAL, DATABASES["dual"], folder)).message


def test_leave_to_begin_begins_only_where_nothing_is() -> None:
    assert decide(facts(Mode.JSON, "none", "none", may_begin=True)).counter == 0
    assert decide(facts(Mode.JSON, "blank", "none", may_begin=True)).lineage == OURS
    for database in ("imported", "unrecorded", "dual", "json"):
        refusal(facts(Mode.JSON, database, "none", may_begin=True), accept_older=True)
    refusal(facts(Mode.JSON, "none", "at 5, all lost", may_begin=True), accept_older=True)


@pytest.mark.parametrize("mode", [Mode.DATABASE, Mode.DUAL, Mode.SHADOW])
@pytest.mark.parametrize("folder", ["original's", "at 5", "at 5, changed", "another's"])
def test_a_new_database_may_be_made_of_the_folder(mode: Mode, folder: str) -> None:
    assert not decide(facts(mode, "none", folder, is_importing=True)).warning


@pytest.mark.parametrize("folder", ["at 5, left behind", "at 5, one lost"])
def test_a_new_database_is_not_made_of_files_that_are_known_to_lack_something(folder: str) -> None:
    refusal(facts(Mode.DUAL, "none", folder, is_importing=True))


def test_what_another_program_changed_is_served_and_said() -> None:
    assert "has changed a.json" in verdict(Mode.JSON, "dual", "at 5, changed").notice


def test_a_database_that_served_before_the_record_goes_on_beside_the_files_that_it_came_from() -> None:
    assert "older than the database" in verdict(Mode.DATABASE, "unrecorded", "original's").notice
