"""Nobody is told that a change is done while it could still be lost: every command that changes something."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bot.app import parts
from bot.cogs.replies import acknowledging
from bot.cogs.replies.acknowledging import COPYING, COPYING_UNSEEN, UNCOPIED
from bot.model import Login, Secret, utc_now
from bot.rules.commands.terms import COMMANDS, DELETE, RETRY
from bot.sandbox.discord import Message, Permission
from bot.store import logins
from bot.store.cipher import cipher_from
from bot.store.driver import open_store
from tests.client.conftest import PATIENCE_SECONDS, World

SUBCOMMAND = 1
QUICK = {"acknowledgement_timeout_seconds": 0.05, "deferral_delay_seconds": 0.02}


@dataclass
class Bucket:
    """A Confirmer that confirms when the test says so; `close` is the application's."""

    has_all: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[float] = field(default_factory=list)

    async def confirm(self, timeout_seconds: float) -> bool:
        self.asked.append(timeout_seconds)
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.has_all.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        self.has_all.set()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    made = Bucket()
    monkeypatch.setattr(parts, "Confirmation", lambda *_: made)
    return made


@pytest.fixture
async def home(world: World, bucket: Bucket) -> AsyncIterator[World]:
    """The bot runs, Mira is logged in and has added Lilith, all of it confirmed; from now on nothing is."""
    world.overrides |= {**QUICK, "bot_owner_id": world.mira.id}
    async with world.bot():
        bucket.has_all.set()
        await world.log_in()
        await world.add("lilith", "lil")
        await world.discord.wait_for_commands()
        bucket.has_all.clear()
        yield world


Give = Callable[[World], Awaitable[Message]]


def typed(content: str) -> Give:
    return lambda world: world.hears(f"!tz {content}")


def slash(command: str, /, **options: str) -> Give:
    async def give(world: World) -> Message:
        return (await world.discord.run_command(world.mira, world.channel, command, options)).message

    return give


async def typed_code(world: World) -> Message:
    code = world.ai.issue_code(world.mira.id)
    return await world.hears(f"!tz auth code {code}", channel=world.discord.dm_channel(world.mira))


async def slash_code(world: World) -> Message:
    form = await world.discord.run_command(world.mira, world.channel, "auth code")
    return (await world.discord.submit(world.mira, form, {"Your code": world.ai.issue_code(world.mira.id)})).message


def cleanup(give: Give) -> Give:
    async def cleaned(world: World) -> Message:
        """By an administrator, while an own login is past its date."""
        world.discord.set_permissions(world.guild, world.mira, Permission.ADMINISTRATOR)
        store = await open_store(world.database, settings=world.settings())
        old = Login(world.mira.id, Secret("old"), utc_now(), "lilith", expires_at=utc_now() - timedelta(days=1))
        await store.write(logins.put(old, cipher_from(world.settings())))
        await store.close()
        return await give(world)

    return cleaned


def as_owner(command: str, **options: str) -> tuple[Give, Give]:
    """As the bot's owner and an administrator, typed and with a slash; `user` is whoever owns the application."""

    def rights_of(world: World) -> dict[str, Any]:
        world.discord.set_permissions(world.guild, world.mira, Permission.ADMINISTRATOR)
        return {**options, **({"user": world.discord.owner} if "user" in options else {})}

    async def type_it(world: World) -> Message:
        values = [str(getattr(value, "id", value)) for value in rights_of(world).values()]
        return await world.hears(f"!tz {command} {' '.join(values)}")

    async def slash_it(world: World) -> Message:
        return (await world.discord.run_command(world.mira, world.channel, command, rights_of(world))).message

    return type_it, slash_it


async def typed_undo(world: World) -> Message:
    question = await world.hears("!tz undo")
    await world.discord.press(world.mira, question, "Take it back")
    return await world.next(world.channel, question)


async def slash_undo(world: World) -> Message:
    asked = await world.discord.run_command(world.mira, world.channel, "undo", {})
    await world.discord.press(world.mira, asked.message, "Take it back")
    return (await world.discord.wait_for_follow_up(asked)).messages[-1]


CHANGING: dict[str, tuple[tuple[Give, Give], str]] = {
    "autorespond on": ((typed("autorespond on"), slash("autorespond on")), "From now on"),
    "autorespond off": ((typed("autorespond off"), slash("autorespond off")), "From now on"),
    "reset": ((typed("reset"), slash("reset")), "no conversation running"),
    "add": ((typed("add naamah nini"), slash("add", name="naamah", alias="nini")), "is here"),
    "config": (
        (typed("config lilith context on"), slash("config", name="lilith", option="context", value="on")),
        "is on now",
    ),
    "alias": ((typed("alias lilith mother"), slash("alias", name="lilith", alias="mother")), "also listens"),
    "activate": ((typed("activate lilith"), slash("activate", name="lilith")), "answers every message"),
    "deactivate": ((typed("deactivate"), slash("deactivate")), "no longer answers"),
    "remove": ((typed("remove lilith"), slash("remove", name="lilith")), "is gone"),
    "verify": ((typed("verify"), slash("verify")), "verified"),
    "blacklist add": (as_owner("blacklist add", user="", reason="spam"), "I ignore"),
    "blacklist remove": (as_owner("blacklist remove", user=""), "I hear"),
    "blacklist addserver": (as_owner("blacklist addserver", server="4711"), "I ignore everybody"),
    "blacklist removeserver": (as_owner("blacklist removeserver", server="4711"), "I hear everybody"),
    "notifications on": ((typed("notif on"), slash("notifications on")), "I tell you"),
    "notifications level": ((typed("notif level major"), slash("notifications level", level="major")), "I tell you"),
    "notifications off": ((typed("notif off"), slash("notifications off")), "I tell you"),
    "auth code": ((typed_code, slash_code), "logged in"),
    "auth cleanup": ((cleanup(typed("auth cleanup")), cleanup(slash("auth cleanup"))), "1 login that"),
    "auth revoke": ((typed("auth revoke"), slash("auth revoke")), "forgotten"),
    "undo": ((typed_undo, slash_undo), "Taken back"),
}
"""What changes something, in an order in which it does: typed, with a slash, and what is said when it is done."""
SEEN = (DELETE, RETRY)
"""What they change is a message on Discord, and each step of it is confirmed before the next: nothing is announced."""
BEGINS = "auth start"
"""It changes nothing itself, but what it begins could not be ended while nothing is accepted."""


async def test_every_command_either_changes_nothing_or_is_tested_here(home: World) -> None:
    known = {name for name, terms in COMMANDS.items() if terms.is_reading} | {*CHANGING, *SEEN, BEGINS}
    unknown = {name for command in home.discord._state.commands[None] for name in names_of(command)} - known
    assert not unknown, f"{unknown} must be reading by its terms, or stand in CHANGING"


def names_of(command: dict[str, Any]) -> list[str]:
    below = [option for option in command.get("options") or [] if option["type"] == SUBCOMMAND]
    return [f"{command['name']} {option['name']}" for option in below] or [command["name"]]


@pytest.mark.parametrize("way", [0, 1], ids=["typed", "slash"])
async def test_a_change_is_called_done_only_once_it_is_confirmed(home: World, bucket: Bucket, way: int) -> None:
    for gives, sentence in CHANGING.values():
        bucket.has_all.clear()
        first = await gives[way](home)
        assert sentence in first.content
        assert first.content.endswith(COPYING)
        bucket.has_all.set()
        last = await changed(home, first)
        assert last.content == first.content.removesuffix(f"\n{COPYING}")
        assert last.flags == first.flags


async def test_a_slash_command_shows_that_it_is_thinking_only_where_it_takes_a_while(
    home: World, bucket: Bucket
) -> None:
    command = home.discord.run_command
    assert (await command(home.mira, home.channel, "verify", {})).is_deferred
    bucket.has_all.set()
    assert not (await command(home.mira, home.channel, "verify", {})).is_deferred


async def test_an_answer_that_nobody_can_change_any_more_says_how_it_is(home: World, bucket: Bucket) -> None:
    home.discord.faults.fail("PATCH", "/channels/{channel_id}/messages/{message_id}", 404, code=10008)
    lost = await home.hears("!tz verify")
    bucket.has_all.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await home.discord._state.bell.wait_until(
            lambda: any(r.method == "PATCH" for r in home.discord.requests), timeout_seconds=5, what="an edit"
        )
    assert stored(home, lost).content.endswith(COPYING)


async def test_an_answer_says_at_last_that_its_change_could_not_be_copied(world: World, bucket: Bucket) -> None:
    world.overrides |= QUICK | {"acknowledgement_lifetime_seconds": 0.05}
    async with world.bot():
        first = await typed_code(world)
        assert (await changed(world, first)).content.endswith(UNCOPIED)


async def test_an_answer_is_followed_for_as_long_as_discord_lets_it_be_changed_after_the_command(
    home: World, bucket: Bucket
) -> None:
    lifetime = 840
    await typed_undo(home)
    await until_asked(bucket, lambda seconds: seconds == lifetime)
    asked = await home.discord.run_command(home.mira, home.channel, "undo", {})
    await asyncio.sleep(0.3)  # the question stands
    await home.discord.press(home.mira, asked.message, "Take it back")
    await until_asked(bucket, lambda seconds: lifetime - PATIENCE_SECONDS < seconds <= lifetime - 0.3)


async def until_asked(bucket: Bucket, is_it: Callable[[float], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any(map(is_it, bucket.asked)):  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.005)


async def test_what_is_followed_has_a_limit_and_nothing_else_is_promised(
    home: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acknowledging, "LATE_LIMIT", 1)
    assert (await home.hears("!tz verify")).content.endswith(COPYING)
    assert (await home.hears("!tz verify")).content.endswith(COPYING_UNSEEN)


async def test_without_a_bucket_a_change_is_done_when_it_is_saved(world: World) -> None:
    async with world.bot():
        assert (await typed_code(world)).content.endswith("`!tz add NAME`.")


def stored(world: World, message: Message) -> Message:
    return world.discord._state.messages[message.channel_id][message.id]


async def changed(world: World, message: Message) -> Message:
    """The message once its text is another one."""
    await world.discord._state.bell.wait_until(
        lambda: stored(world, message).content != message.content,
        timeout_seconds=PATIENCE_SECONDS,
        what="a change of the message",
    )
    return stored(world, message)
