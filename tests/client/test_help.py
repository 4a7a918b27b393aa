"""The help knows every command, and says of each what it takes and who may use it."""

from typing import Any

import pytest

from bot.rules.commands.terms import COMMANDS
from bot.sandbox.discord import Message, Permission
from tests.client.conftest import World

OLD_NAMES = {
    "add": ("create", "new"),
    "remove": ("delete",),
    "activate": ("act",),
    "deactivate": ("deact",),
    "autorespond": ("auto", "ar"),
    "verify": ("nsfw",),
    "blacklist": ("bl",),
    "config": ("settings",),
    "notifications": ("notif",),
}
"""What the original's users type."""
OTHERS = ("list", "info", "alias", "reset", "auth", "ping", "status", "help", "purgbot", "debug")
LAST = "Last ⏭"
MENUS = {"Delete answer", "Who is this?", "Try again"}


async def whole_help(world: World, **more: Any) -> str:
    """All of its pages."""
    page: Message = await world.hears("!tz help", **more)
    text = page.content
    user = more.get("author", world.mira)
    while any(button["label"] == "Next ▶" and not button.get("disabled") for button in buttons(page)):
        page = (await world.discord.press(user, page, "Next ▶")).message
        text += "\n" + page.content
    return text


def buttons(message: Message) -> list[dict[str, Any]]:
    return [button for row in message.components for button in row["components"]]


async def test_the_overview_names_every_command_under_its_heading(world: World) -> None:
    world.discord.set_permissions(world.guild, world.mira, Permission.ADMINISTRATOR | Permission.MANAGE_MESSAGES)
    async with world.bot():
        text = await whole_help(world)
    for name in COMMANDS:
        assert " " in name or f"• `{name}" in text, name
    assert "• Try again: have another answer in its place, if it answers you; reacting with 🔁 or 🔄" in text
    assert "**Personalities**\n• `add NAME" in text
    assert "more commands" not in text


async def test_who_may_not_use_some_commands_is_only_told_that_there_are_more(world: World) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    async with world.bot():
        text = await whole_help(world, author=tom)
    assert "`activate" not in text
    assert "same\n\n-# 4 more commands are for moderators and administrators." in text
    assert "cleanup" not in text
    assert "`remove NAME`" in text


async def test_every_command_is_explained_by_every_name_it_has(world: World) -> None:
    async with world.bot():
        for name, terms in COMMANDS.items():
            text = (await world.hears(f"!tz help {name}")).content
            assert text.startswith(f"`{name}`" if name in MENUS else f"`!tz {name}"), name
            assert "\nWho may use it: " in text
            assert len(text) < 2000
            if terms.right:
                assert terms.right in text
        for name, aliases in OLD_NAMES.items():
            if name in COMMANDS:
                explained = (await world.hears(f"!tz help {name}")).content
                for alias in aliases:
                    assert f"`{alias}`" in explained
                    assert (await world.hears(f"!tz help {alias}")).content == explained


async def test_an_explanation_has_what_the_slash_command_shows_of_its_options(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        known: list[dict[str, Any]] = [*world.discord._state.commands[None]]
        for command in known:
            if command["type"] != 1:
                continue
            for name, options in leaves(command):
                text = (await world.hears(f"!tz help {name}")).content
                for option in options:
                    assert f"**{option['name']}**" in text, name
                    assert option["description"] in text


def leaves(command: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    options = command.get("options") or []
    below = [option for option in options if option["type"] == 1]
    if not below:
        return [(command["name"], options)]
    return [(f"{command['name']} {child['name']}", child.get("options") or []) for child in below]


async def test_an_unknown_command_is_no_error_of_the_help(world: World) -> None:
    async with world.bot():
        told = await world.hears("!tz help frobnicate")
    assert "no command “frobnicate”" in told.content
    assert "`!tz help`" in told.content


async def test_the_help_of_a_slash_is_seen_by_its_author_and_its_option_offers_commands(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        shown = await world.discord.run_command(world.mira, world.channel, "help")
        assert shown.is_ephemeral
        offered = await world.discord.autocomplete(world.mira, world.channel, "help", {"command": "auth "})
        assert offered[:3] == ["auth", "auth start", "auth code"]
        assert await world.discord.autocomplete(world.mira, world.channel, "help", {"command": "nsfw"}) == ["verify"]
        one = await world.discord.run_command(world.mira, world.channel, "help", {"command": "auth code"})
        assert "`!tz auth code CODE`" in one.content


@pytest.mark.parametrize(
    ("typed", "meant"), [("lsit", "list"), ("creat", "add"), ("deactivat", "deactivate"), ("Infoo", "info")]
)
async def test_a_typing_error_is_answered_with_what_was_meant(world: World, typed: str, meant: str) -> None:
    async with world.bot():
        told = (await world.hears(f"!tz {typed} lilith")).content
    assert f"Did you mean `!tz {meant}`?" in told


async def test_what_is_like_nothing_or_not_for_its_author_is_not_guessed_at(world: World) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    async with world.bot():
        assert "Did you mean" not in (await world.hears("!tz frobnicate")).content
        assert "activate" not in (await world.hears("!tz activat", author=tom)).content.replace("activat”", "")


async def test_every_old_name_of_every_command_works(world: World) -> None:
    async with world.bot():
        for name, aliases in OLD_NAMES.items():
            for alias in aliases if name in COMMANDS else ():
                assert "I don't know" not in (await world.hears(f"!tz {alias}")).content, alias
        for name in OTHERS:
            if name in COMMANDS:
                assert "I don't know" not in (await world.hears(f"!tz {name}")).content, name
