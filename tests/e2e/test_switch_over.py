"""A share of the switch-over under load: `python -m tests.e2e.switch_over` goes the whole way."""

from pathlib import Path

import pytest

from bot.sandbox.certificate.books import Line
from tests.e2e.switch_over.changes import Command, Effect, promised
from tests.e2e.switch_over.journey import Wish, begun

FEW = Wish(users=8, seconds_per_mode=0.5)


async def test_from_json_files_to_the_database_nothing_is_lost_or_said_twice(tmp_path: Path) -> None:
    async with begun(tmp_path, FEW) as journey:
        await journey.serve("json")
        await journey.serve("dual", is_last=True)
        assert not journey.broken()
        assert journey.stages[-1].changes > 20


@pytest.mark.parametrize("mode", ["json", "dual"])
async def test_a_sigkill_under_load_loses_nothing_that_was_acknowledged_and_nothing_is_answered_twice(
    tmp_path: Path, mode: str
) -> None:
    async with begun(tmp_path, FEW) as journey:
        await journey.serve(mode, kills=1, is_last=True)
        assert not journey.broken()


async def test_back_from_the_database_alone_to_the_files_nothing_is_lost_and_no_older_state_is_served(
    tmp_path: Path,
) -> None:
    async with begun(tmp_path, FEW) as journey:
        await journey.serve("database", IMPORT_DIR=str(journey.machine.volume))
        await journey.refuse("json", "tzurot export")
        await journey.export("--format", "gen2")
        await journey.serve("json", is_last=True)
        assert not journey.broken()


def test_the_books_find_what_is_missing_what_came_back_and_what_was_refused() -> None:
    commands = [
        Command(1, "add", Effect("is here", brings=frozenset({"lilith"}))),
        Command(2, "alias", Effect("also listens", brings=frozenset({"alias"}))),
        Command(3, "remove alias", Effect("is gone", takes=frozenset({"alias"}))),
        Command(4, "verify", Effect("verified", brings=frozenset({"verification"}))),
        Command(5, "deactivate", Effect("no longer", takes=frozenset({"activation"}))),
    ]
    replies = {1: "lilith is here.", 2: "lilith also listens to it.", 3: "It is gone.", 4: "Not here."}
    found = promised(commands, [Line(7, 8, text, "bot", number) for number, text in replies.items()])
    assert found.acknowledged == 3
    assert found.broken(frozenset({"alias", "activation"})) == [
        "lilith was acknowledged and is missing",
        "alias was taken back and is there",
        "verify was refused: Not here.",
    ]
    assert len(found.broken(frozenset({"lilith"}))) == 1
