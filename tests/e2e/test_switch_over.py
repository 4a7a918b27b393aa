"""A share of the switch-over under load: `python -m tests.e2e.switch_over` goes the whole way."""

from pathlib import Path

from tests.e2e.switch_over.journey import Wish, begun

FEW = Wish(users=8, seconds_per_mode=0.5)


async def test_from_json_files_to_the_database_with_a_kill_on_the_way_nothing_is_lost_or_said_twice(
    tmp_path: Path,
) -> None:
    async with begun(tmp_path, FEW) as journey:
        await journey.serve("json", kills=1)
        await journey.serve("dual", is_last=True)
        assert not journey.broken()
        assert journey.stages[-1].changes > 20


async def test_back_from_the_database_alone_to_the_files_nothing_is_lost_and_no_older_state_is_served(
    tmp_path: Path,
) -> None:
    async with begun(tmp_path, FEW) as journey:
        await journey.serve("dual")
        await journey.serve("database")
        await journey.refuse("json", "tzurot export")
        await journey.export("--format", "gen2")
        await journey.serve("json", is_last=True)
        assert not journey.broken()
