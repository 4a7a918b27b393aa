"""`/undo` on the wire: a question with two buttons, for its author only."""

from time import monotonic
from typing import Any

import pytest

from bot.sandbox.discord import CommandNotShownError, Message, Permission
from tests.client.conftest import World

AGREE, DECLINE = "Take it back", "Leave it"


async def asked(world: World, said: str = "!tz undo", **more: Any) -> Message:
    question = await world.hears(said, **more)
    assert [b["label"] for b in question.components[0]["components"]] == [AGREE, DECLINE]
    return question


async def answered(world: World, question: Message, label: str) -> Message:
    """What the question itself becomes."""
    return (await world.discord.press(world.mira, question, label)).message


async def test_what_was_added_is_taken_back_after_a_yes(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        question = await asked(world)
        assert "you added **Lilith**" in question.content
        assert "is gone, and with it `lil`" in question.content
        assert (await answered(world, question, AGREE)).components == ()
        done = await world.next(world.channel, question)
        assert done.content.startswith("Taken back: **Lilith** is gone")
        assert "know no personality" in (await world.hears("!tz info lilith")).content


async def test_what_was_removed_comes_back_whole_and_answers_again(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        await world.hears("!tz activate lil")
        await world.hears("!tz remove lil")
        question = await asked(world)
        assert f"listens to `lil`; it answers every message in <#{world.channel.id}>" in question.content
        await answered(world, question, AGREE)
        await world.next(world.channel, question)
        assert (await world.hears("anyone here?")).author_name == "Lilith"


async def test_after_a_no_nothing_is_changed(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        question = await asked(world)
        after = await answered(world, question, DECLINE)
        assert (after.content, after.components) == ("Nothing was changed.", ())
        assert "`lilith`" in (await world.hears("!tz list")).content


async def test_after_the_time_to_answer_nothing_is_changed_and_the_buttons_are_gone(world: World) -> None:
    world.overrides["undo_question_timeout_seconds"] = 0.2
    async with world.bot():
        await world.log_in()
        await world.add()
        question = await asked(world)
        after = await world.discord.wait_until(
            lambda: next(
                (m for m in world.discord.messages(world.channel) if m.id == question.id and m.edited_at), None
            )
        )
        assert (after.content, after.components) == ("Nothing was changed.", ())
        with pytest.raises(CommandNotShownError):
            await world.discord.press(world.mira, question, AGREE)
        assert "`lilith`" in (await world.hears("!tz list")).content


async def test_somebody_else_can_not_answer(world: World) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    async with world.bot():
        await world.log_in()
        await world.add()
        question = await asked(world)
        told = await world.discord.press(tom, question, AGREE)
        assert told.is_ephemeral
        assert "Only who asked" in told.content
        listed = await world.hears("!tz list")
        assert "`lilith`" in listed.content
        await answered(world, question, AGREE)
        assert "Taken back" in (await world.next(world.channel, listed)).content


async def test_a_question_of_an_earlier_process_says_that_nothing_was_changed(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        question = await asked(world)
    async with world.bot():
        after = await answered(world, question, AGREE)
        assert (after.content, after.components) == ("Nothing was changed.", ())
        assert "`lilith`" in (await world.hears("!tz list")).content


async def test_a_press_counts_while_discord_still_holds_the_question_s_answer_back(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        world.discord.faults.delay("POST", "/channels/{channel_id}/messages", 0.3)
        question = await asked(world)
        await answered(world, question, AGREE)
        assert "Taken back" in (await world.next(world.channel, question)).content


async def test_an_open_question_does_not_hold_a_stop_up(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        await asked(world)
        began = monotonic()
    assert monotonic() - began < 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_with_a_slash_only_the_author_sees_it(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        await world.log_in()
        await world.hears("!tz verify")
        asked = await world.discord.run_command(world.mira, world.channel, "undo", {})
        assert asked.is_ephemeral
        assert "you were verified" in asked.content
        await world.discord.press(world.mira, asked.message, AGREE)
        done = await world.discord.wait_for_follow_up(asked)
        assert done.messages[-1].is_ephemeral
        assert done.messages[-1].content == "Taken back: you are not verified."


async def test_a_forgotten_login_is_taken_back_without_logging_in(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        await world.hears("!tz auth revoke")
        assert "not logged in" in (await world.hears("!tz list")).content
        question = await asked(world)
        assert "If I take that back, you are logged in as before." in question.content
        await answered(world, question, AGREE)
        await world.next(world.channel, question)
        assert "`lilith`" in (await world.hears("!tz list")).content


async def test_where_there_is_nothing_to_take_back_it_says_so(world: World) -> None:
    async with world.bot():
        assert "nothing of yours" in (await world.hears("!tz undo")).content


async def test_an_activation_is_not_taken_back_by_who_lost_the_right(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        await world.hears("!tz activate lil")
        question = await asked(world)
        assert "you activated `lilith` here" in question.content
        world.discord.set_permissions(world.guild, world.mira, Permission.NONE)
        assert "Manage Messages" in (await world.hears("!tz undo")).content


async def test_a_right_that_was_lost_while_the_question_stood_does_not_count(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        await world.hears("!tz activate lil")
        question = await asked(world)
        world.discord.set_permissions(world.guild, world.mira, Permission.NONE)
        await answered(world, question, AGREE)
        assert "Manage Messages" in (await world.next(world.channel, question)).content
        assert (await world.hears("anyone here?")).author_name == "Lilith"


async def test_what_changed_while_the_question_stood_is_not_taken_back(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        question = await asked(world)
        await world.hears("!tz verify")
        await answered(world, question, AGREE)
        told = await world.next(world.channel, question)
        assert "Something has changed" in (await world.next(world.channel, told)).content
        assert "`lilith`" in (await world.hears("!tz list")).content


async def test_who_is_no_administrator_any_more_when_they_say_yes_lets_nobody_be_barred_again(world: World) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    world.discord.set_permissions(world.guild, world.mira, Permission.ADMINISTRATOR)
    async with world.bot():
        await world.log_in()
        await world.hears(f"!tz blacklist add {tom.id}")
        await world.hears(f"!tz blacklist remove {tom.id}")
        question = await asked(world)
        world.discord.set_permissions(world.guild, world.mira, Permission.MANAGE_MESSAGES)
        await answered(world, question, AGREE)
        assert "administrator" in (await world.next(world.channel, question)).content
        assert (await world.hears("!tz help", author=tom)).content
