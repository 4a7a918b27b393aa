"""Logging in with a form, and forgetting logins that have run out."""

from datetime import timedelta
from typing import Any

import pytest

from bot.model import NOBODY, Ban, Login, Secret, utc_now
from bot.sandbox.discord import Permission, User
from bot.store import blacklist, changes, logins
from bot.store.changes import Kind
from bot.store.cipher import cipher_from
from bot.store.driver import open_store
from bot.store.statement import Query, Statement
from tests.client.conftest import World

CODE = "Your code"


async def write(world: World, *statements: Statement) -> None:
    store = await open_store(world.database, settings=world.settings())
    await store.write(*statements)
    await store.close()


async def fetch(world: World, query: Query[Any]) -> list[Any]:
    store = await open_store(world.database, settings=world.settings())
    found = await store.fetch(query)
    await store.close()
    return found


async def log_in_until(world: World, user: User, **ago: float) -> None:
    expires_at = utc_now() - timedelta(**ago)
    login = Login(user.id, Secret("token"), utc_now(), expires_at=expires_at)
    await write(world, logins.put(login, cipher_from(world.settings())))


async def test_a_slash_asks_for_the_code_in_a_form_and_only_its_author_sees_the_answer(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        form = await world.discord.run_command(world.mira, world.channel, "auth code")
        assert form.modal is not None
        assert form.modal.labels == [CODE]
        done = await world.discord.submit(world.mira, form, {CODE: world.ai.issue_code(world.mira.id)})
        assert done.is_ephemeral
        assert "You are logged in until" in done.content
        assert "not logged in" not in (await world.hears("!tz list")).content


async def test_a_wrong_code_in_the_form_is_refused_without_repeating_it(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        form = await world.discord.run_command(world.mira, world.channel, "auth code")
        told = await world.discord.submit(world.mira, form, {CODE: "no-such-code"})
        assert told.is_ephemeral
        assert "no-such-code" not in told.content
        assert "not logged in" in (await world.hears("!tz auth status")).content


async def test_a_form_that_was_opened_before_a_restart_still_logs_in(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        form = await world.discord.run_command(world.mira, world.channel, "auth code")
    async with world.bot():
        done = await world.discord.submit(world.mira, form, {CODE: world.ai.issue_code(world.mira.id)})
        assert "You are logged in" in done.content


async def test_two_people_fill_in_their_forms_at_once(world: World) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    async with world.bot():
        await world.discord.wait_for_commands()
        first = await world.discord.run_command(world.mira, world.channel, "auth code")
        second = await world.discord.run_command(tom, world.channel, "auth code")
        for user, form in ((world.mira, first), (tom, second)):
            done = await world.discord.submit(user, form, {CODE: world.ai.issue_code(user.id)})
            assert "You are logged in" in done.content


async def test_a_typed_command_without_a_code_says_how_it_goes(world: World) -> None:
    async with world.bot():
        answer = await world.hears("!tz auth code", channel=world.discord.dm_channel(world.mira))
    assert "`!tz auth code CODE`" in answer.content
    assert "`!tz auth start`" in answer.content


async def test_a_code_in_a_server_is_deleted_even_where_its_author_is_ignored(world: World) -> None:
    await write(world, blacklist.put(Ban(world.mira.id, NOBODY, utc_now(), "spam")))
    async with world.bot():
        said = await world.say("!tz auth code abc")
        await world.discord.wait_until(
            lambda: said.id not in [m.id for m in world.discord.messages(world.channel)], what="the deletion"
        )


async def test_who_takes_no_direct_messages_gets_the_link_by_a_slash(world: World) -> None:
    world.discord.block_dms(world.mira)
    async with world.bot():
        await world.discord.wait_for_commands()
        assert "`/auth start`" in (await world.hears("!tz auth start")).content
        shown = await world.discord.run_command(world.mira, world.channel, "auth start")
        assert shown.is_ephemeral
        assert "/authorize?app_id=" in shown.content


@pytest.fixture
async def people(world: World) -> dict[str, User]:
    """Tom of the garden and Ann of nowhere have expired logins; Mira is administrator, Olga owns the bot."""
    tom, ann, olga = (world.discord.add_user(name) for name in ("Tom", "Ann", "Olga"))
    world.discord.join(world.guild, tom)
    world.discord.join(world.guild, olga)
    world.discord.set_permissions(world.guild, world.mira, Permission.ADMINISTRATOR)
    world.overrides["bot_owner_id"] = olga.id
    for user in (tom, ann):
        await log_in_until(world, user, days=1)
    await log_in_until(world, world.mira, days=-1)
    return {"tom": tom, "ann": ann, "olga": olga}


async def logged(world: World) -> set[int]:
    return set(await fetch(world, Query("SELECT user_id FROM auth_tokens", lambda row: int(row["user_id"]))))


async def test_an_administrator_forgets_the_expired_logins_of_the_servers_members(
    world: World, people: dict[str, User]
) -> None:
    async with world.bot():
        answer = await world.hears("!tz auth cleanup")
        assert "1 login that" in answer.content
        assert "No login" in (await world.hears("!tz auth cleanup")).content
        assert "nothing of yours" in (await world.hears("!tz undo")).content
    assert await logged(world) == {world.mira.id, people["ann"].id}
    [record] = await fetch(world, changes.find_by_subject(Kind.LOGIN, changes.login_subject(people["tom"].id)))
    assert (record.changed_by, record.before["user_id"]) == (world.mira.id, people["tom"].id)


async def test_the_owner_forgets_everybodys_also_in_a_direct_message(world: World, people: dict[str, User]) -> None:
    olga = people["olga"]
    async with world.bot():
        answer = await world.hears("!tz auth cleanup", channel=world.discord.dm_channel(olga), author=olga)
    assert "2 logins that" in answer.content
    assert await logged(world) == {world.mira.id}


async def test_nobody_else_forgets_any(world: World, people: dict[str, User]) -> None:
    world.discord.set_permissions(world.guild, world.mira, Permission.MANAGE_MESSAGES)
    async with world.bot():
        await world.discord.wait_for_commands()
        refused = await world.discord.run_command(world.mira, world.channel, "auth cleanup")
        assert refused.is_ephemeral
        assert "Only administrators" in refused.content
        assert "Only administrators" in (await world.hears("!tz auth cleanup")).content
        dm = world.discord.dm_channel(world.mira)
        assert "Only administrators" in (await world.hears("!tz auth cleanup", channel=dm)).content
    assert len(await logged(world)) == 3
