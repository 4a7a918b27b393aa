"""The owner's personalities over the wire: there at once, their profiles one after the other, none of them twice."""

import asyncio
from collections import Counter

from bot.sandbox.ai import PROFILE
from bot.store.engine import connect_reader, opened
from tests.client.conftest import PATIENCE_SECONDS, World, process

NAMES = [f"owned-{number:02}" for number in range(12)]


def owned(world: World) -> None:
    world.overrides |= {
        "bot_owner_id": world.mira.id,
        "bot_owner_personalities": ",".join(NAMES),
        "profile_interval_seconds": 0.01,
        "profile_idle_seconds": 0.05,
    }


def asked(world: World) -> Counter[str]:
    return Counter(call.path.rsplit("/", 1)[-1] for call in world.ai.calls if call.route == PROFILE)


async def until_asked(world: World, count: int) -> None:
    await world.ai.wait_for_calls(count, route=PROFILE, timeout_seconds=PATIENCE_SECONDS)


def fetched(world: World) -> set[str]:
    """Whose profile is known, read beside the bot."""
    with opened(connect_reader(world.database, PATIENCE_SECONDS)) as connection:
        rows = connection.execute("SELECT full_name FROM personalities WHERE profile_fetched_at IS NOT NULL").fetchall()
    return {row["full_name"] for row in rows}


async def until_fetched(world: World) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if len(fetched(world)) == len(NAMES):
                return
            await asyncio.sleep(0.02)


async def test_they_answer_while_the_profile_service_says_nothing(world: World) -> None:
    owned(world)
    world.ai.faults.hang(route=PROFILE, times=100)
    async with world.bot():
        await world.log_in()
        spoken = await world.hears("@owned-07 are you there?")
        assert spoken.webhook_id
        assert f"({len(NAMES)})" in (await world.hears("!tz list")).content
    assert asked(world).total() <= 1


async def test_a_killed_process_leaves_the_rest_to_the_next_which_asks_for_no_known_one_again(world: World) -> None:
    owned(world)
    async with process(world) as child:
        await until_asked(world, 3)
        held = world.ai.faults.hold(route=PROFILE)
        before = asked(world).total()
        await until_asked(world, before + 1)
        child.kill()
        await child.wait()
    held.set()
    known = fetched(world)
    assert 3 <= len(known) < len(NAMES)
    async with world.bot():
        await until_asked(world, before + 1 + len(NAMES) - len(known))
        await world.log_in()
        assert (await world.hears("@Owned-11 you too?")).webhook_id
        await until_fetched(world)
    assert {name: asked(world)[name] for name in known} == dict.fromkeys(known, 1)


async def test_a_busy_service_and_an_unknown_name_hold_nobody_up(world: World) -> None:
    owned(world)
    world.overrides |= {"profile_backoff_limit_seconds": 0.1}
    world.ai.unknown_names.add(NAMES[0])
    world.ai.faults.fail(429, route=PROFILE, times=2, retry_after="0.05")
    async with world.bot():
        await until_asked(world, len(NAMES) + 2)
        await until_fetched(world)
    assert asked(world).total() == len(NAMES) + 2


async def test_a_removed_one_is_neither_back_nor_asked_for_after_a_restart(world: World) -> None:
    owned(world)
    async with world.bot():
        await world.log_in()
        assert "is gone" in (await world.hears(f"!tz remove {NAMES[3]}")).content
    before = asked(world)[NAMES[3]]
    async with world.bot():
        await until_asked(world, len(NAMES) - 1)
        assert f"({len(NAMES) - 1})" in (await world.hears("!tz list")).content
    assert asked(world)[NAMES[3]] == before
