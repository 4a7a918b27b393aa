"""What Discord's `status` says of where the state is kept."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.cogs.replies.storage_lines import describe_storage
from bot.rules.operation.standing import Folder, Imported, Kept, Mismatched, Standing

NOW = datetime(2026, 11, 28, 3, 0, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
IN_STEP = Standing(
    mode="dual",
    path="/app/data",
    lineage="l",
    counter=4711,
    folder=Folder("l", "dual", 4711, "gen2", is_final=True, written_at=NOW),
)
MISMATCHES = [Mismatched(f"table{n}", n, "secret-key", NOW, NOW) for n in range(1, 5)]

FULL, NOTHING_LOST = "auth.json can't be written: the disk is full.", "Nothing is lost, and I try again until it works."
DIFFERENT = (
    "🔴 The JSON files would have **answered differently** when I read table1 (1), table2 (2), table3 (3), …;"
    " `tzurot status` has more."
)

TOLD: list[tuple[dict[str, Any], list[str]]] = [
    ({"mode": "database"}, []),
    ({"mode": "json"}, ["It is kept in JSON files."]),
    ({}, ["JSON files follow it, and are in step."]),
    ({"counter": 4713}, ["JSON files follow it, at least 2 changes behind."]),
    ({"changed": ("a.json",)}, ["⚠️ JSON files follow it, but another program has changed some of them."]),
    ({"folder": None}, ["⚠️ JSON files should follow it, but there are none yet."]),
    ({"lineage": "x"}, ["🔴 JSON files should follow it, but those that are there belong to another database."]),
    (
        {"folder_problem": "/app/data/.tzurot-mode.json can't be read."},
        ["🔴 JSON files should follow it, but whose they are can't be read."],
    ),
    (
        {
            "counter": 4720,
            "failed_at": NOW,
            "error": "/app/data/auth.json can't be written: the disk is full. Free space on the volume.",
        },
        [f"🔴 The JSON files are behind by at least 9 changes since <t:{SECONDS}:R>. {FULL} {NOTHING_LOST}"],
    ),
    (
        {"mode": "shadow", "compared": 1234},
        [
            "JSON files follow it, and are in step.",
            "1,234 reads were compared with those files, and none was answered differently.",
        ],
    ),
    (
        {"mode": "database", "mismatches": MISMATCHES},
        [DIFFERENT],
    ),
    (
        {"mode": "database", "imported": Imported(NOW, "/old", 100, 0, 0), "kept": Kept(27, has_drill=False)},
        [
            f"The last import was <t:{SECONDS}:R>; afterwards nothing differed.",
            "The JSON files of before stay for 27 days more.",
        ],
    ),
    (
        {"mode": "database", "imported": Imported(NOW, "/old", 100, 0, 3)},
        [f"The last import was <t:{SECONDS}:R>; ⚠️ **3 records differed** afterwards."],
    ),
]


@pytest.mark.parametrize(("changes", "told"), TOLD)
def test_where_the_state_is_kept_is_told_without_folders_and_keys(changes: dict[str, Any], told: list[str]) -> None:
    lines = list(describe_storage(replace(IN_STEP, **changes)))
    assert lines == told
    assert "/app/data" not in "".join(lines)
