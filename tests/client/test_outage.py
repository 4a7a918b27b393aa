"""What people see while nothing reaches the bucket and the operator wants nothing accepted that is nowhere else."""

from datetime import UTC, datetime

import pytest

from bot.durability.watchdog import Watchdog
from bot.model import ReplicationState
from tests.client.conftest import World

SINCE = datetime(2026, 11, 23, 19, tzinfo=UTC)
OUTAGE = ReplicationState(
    is_configured=True,
    confirmed_at=SINCE,
    failure="Litestream reports an error: http://depot.internal/secret-place.",
    silent_since=SINCE,
    is_outage=True,
    is_read_only=True,
)


async def test_an_outage_is_told_refused_and_shown_until_it_is_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.overrides |= {"bot_owner_id": world.mira.id, "canary_retry_seconds": 0.05}
    async with world.bot() as bot:
        await world.log_in()
        await world.add()
        said = world.discord.messages(world.discord.dm_channel(world.mira))[-1]
        with monkeypatch.context() as outage:
            outage.setattr(Watchdog, "state", property(lambda _: OUTAGE))
            told = await world.next(world.discord.dm_channel(world.mira), said)
            assert "nothing is confirmed to be in the bucket" in told.content
            assert (
                f"🔴 The last copy outside of this machine was confirmed <t:{int(SINCE.timestamp())}:R>. Litestream "
                "reports an error. I accept nothing that would have to be saved until that works again."
            ) in (await world.hears("!tz status")).content
            assert "accept nothing" in (await world.hears("!tz verify")).content
            assert "accept nothing" in (await world.hears("@lil hello")).content
            assert "lilith" in (await world.hears("!tz list")).content
            (problem,) = await bot.problems()
            assert "after 2026-11-23 19:00:00 UTC: Litestream reports an error: http" in problem
        assert "verified" in (await world.hears("!tz verify")).content
        assert (await world.hears("@lil hello")).author_name == "Lilith"


async def test_a_yes_to_an_older_question_is_refused_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        question = await world.hears("!tz undo")
        with monkeypatch.context() as outage:
            outage.setattr(Watchdog, "state", property(lambda _: OUTAGE))
            await world.discord.press(world.mira, question, "Take it back")
            assert "accept nothing" in (await world.next(world.channel, question)).content
        assert "`lilith`" in (await world.hears("!tz list")).content
