"""A share of the switch-over under load: `python -m tests.e2e.switch_over` goes the whole way."""

from pathlib import Path

from tests.e2e.switch_over.journey import Wish, begun

FEW = Wish(users=8, seconds_per_mode=0.8)


async def test_a_bot_killed_under_load_in_the_database_mode_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with begun(tmp_path, FEW) as journey:
        await journey.serve("database", kills=1)
        await journey.serve("database", is_last=True)
        assert not journey.broken()
        assert journey.stages[-1].changes > 20
