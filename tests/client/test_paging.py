"""Lists turn their pages, also those that were shown before a restart, and only for whoever asked."""

from typing import Any

import pytest

from bot.model import NOBODY, Ban, Personality, utc_now
from bot.sandbox.discord import CommandNotShownError, Message
from bot.store import blacklist, personalities
from bot.store.driver import open_store
from bot.store.statement import Statement
from tests.client.conftest import World

FIRST, PREVIOUS, NEXT, LAST = "⏮ First", "◀ Previous", "Next ▶", "Last ⏭"


async def write(world: World, *statements: Statement) -> None:
    store = await open_store(world.database, settings=world.settings())
    await store.write(*statements)
    await store.close()


async def own(world: World, count: int) -> None:
    """So many personalities of Mira's."""
    now = utc_now()
    names = [f"name {number:02}" for number in range(1, count + 1)]
    await write(world, *(personalities.put(Personality(name, name, world.mira.id, now)) for name in names))


async def turned(world: World, message: Message, label: str) -> Message:
    return (await world.discord.press(world.mira, message, label)).message


def disabled(message: Message) -> list[str]:
    return [button["label"] for row in message.components for button in row["components"] if button.get("disabled")]


async def test_a_list_turns_to_every_page_and_its_ends_lead_nowhere(world: World) -> None:
    await own(world, 25)
    async with world.bot():
        await world.log_in()
        first = await world.hears("!tz list")
        assert "page 1 of 3" in first.content
        assert disabled(first) == [FIRST, PREVIOUS]
        with pytest.raises(CommandNotShownError):
            await turned(world, first, PREVIOUS)
        second = await turned(world, first, NEXT)
        assert second.id == first.id
        assert "page 2 of 3" in second.content
        assert "`name 11`" in second.content
        assert "`name 10`" not in second.content
        assert disabled(second) == []
        last = await turned(world, second, LAST)
        assert "page 3 of 3" in last.content
        assert disabled(last) == [NEXT, LAST]
        assert "page 2 of 3" in (await turned(world, last, PREVIOUS)).content
        assert "page 1 of 3" in (await turned(world, last, FIRST)).content


async def test_one_page_has_no_buttons(world: World) -> None:
    await own(world, 10)
    async with world.bot():
        await world.log_in()
        assert (await world.hears("!tz list")).components == ()


async def test_a_list_from_before_a_restart_still_turns(world: World) -> None:
    await own(world, 11)
    async with world.bot():
        await world.log_in()
        shown = await world.hears("!tz list")
    async with world.bot():
        assert "page 2 of 2" in (await turned(world, shown, NEXT)).content


async def test_with_a_slash_only_its_author_sees_the_list_also_after_turning(world: World) -> None:
    await own(world, 11)
    async with world.bot():
        await world.log_in()
        await world.discord.wait_for_commands()
        shown = await world.discord.run_command(world.mira, world.channel, "list", {"page": 2})
        assert shown.is_ephemeral
        assert "page 2 of 2" in shown.content
        after = await turned(world, shown.message, FIRST)
        assert after.is_ephemeral
        assert "page 1 of 2" in after.content


async def test_somebody_else_turns_no_page(world: World) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    await own(world, 11)
    async with world.bot():
        await world.log_in()
        shown = await world.hears("!tz list")
        told = await world.discord.press(tom, shown, NEXT)
        assert told.is_ephemeral
        assert "Only who asked" in told.content
        kept = next(m for m in world.discord.messages(world.channel) if m.id == shown.id)
        assert "page 1 of 2" in kept.content


async def test_pages_that_are_gone_lead_to_the_last_one_left(world: World) -> None:
    await own(world, 21)
    async with world.bot():
        await world.log_in()
        shown = await world.hears("!tz list 2")
        for number in range(11, 22):
            await world.hears(f"!tz remove name {number:02}")
        after = await turned(world, shown, NEXT)
        assert "page 1 of 1" in after.content
        assert after.components == ()


async def test_a_page_beyond_the_end_is_the_last_one(world: World) -> None:
    await own(world, 11)
    async with world.bot():
        await world.log_in()
        assert "page 2 of 2" in (await world.hears("!tz list 99")).content
        assert "page 1 of 2" in (await world.hears("!tz list 0")).content


async def test_a_press_is_asked_the_same_as_the_command(world: World) -> None:
    await own(world, 11)
    async with world.bot():
        await world.log_in()
        shown = await world.hears("!tz list")
        await world.hears("!tz auth revoke")
        told = await world.discord.press(world.mira, shown, NEXT)
        assert told.is_ephemeral
        assert "not logged in" in told.content


async def test_who_was_blacklisted_meanwhile_turns_nothing_and_gets_no_word(world: World) -> None:
    await own(world, 11)
    async with world.bot():
        await world.log_in()
        shown = await world.hears("!tz list")
    await write(world, blacklist.put(Ban(world.mira.id, NOBODY, utc_now(), "spam")))
    async with world.bot():
        after = await turned(world, shown, NEXT)
        assert after.id == shown.id
        assert "page 1 of 2" in after.content


async def test_a_press_that_fails_is_answered_and_logged_without_its_text(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = "a very private thing"

    async def fail(*_: Any) -> None:
        raise KeyError(text)

    await own(world, 11)
    async with world.bot():
        await world.log_in()
        shown = await world.hears("!tz list")
        monkeypatch.setattr("bot.services.personalities.personalities.Personalities.list", fail)
        told = await world.discord.press(world.mira, shown, NEXT)
    assert told.is_ephemeral
    assert "went wrong" in told.content
    assert "KeyError" in caplog.text
    assert text not in caplog.text
