"""A personality's settings: seen and changed by who added it and the bot's owner, and by nobody else."""

from typing import Any

import pytest

from bot.errors import InvalidInputError, NotAllowedError, NotFoundError
from bot.model import NOBODY, Member, Personality
from bot.rules.commands.options import Option
from bot.services.personalities.configuration import Configuration
from bot.services.personalities.personalities import Personalities
from bot.services.policy import Policy
from bot.services.undo import Undo
from bot.store import personalities
from bot.store.changes import Edit, owned_by
from bot.store.driver import SQLiteStore
from bot.store.personalities import Configured, Setting
from tests.services.conftest import DM, OTHER, OWNER, USER, Clock, rows

MEMBER, STRANGER, HOST = Member(USER), Member(OTHER), Member(OWNER)


@pytest.fixture
async def configuration(store: SQLiteStore, policy: Policy, clock: Clock) -> Configuration:
    lilith = Personality("lilith", "Lilith", USER, clock(), prompt="You are kind.", metadata={"x": 1})
    await store.write(personalities.put(lilith), personalities.put(Personality("orphan", "Orphan", NOBODY, clock())))
    return Configuration(store=store, policy=policy, has_profiles=False, clock=clock)


async def stored(store: SQLiteStore) -> Personality:
    found = await store.first(personalities.get("lilith"))
    assert found is not None
    return found


async def changes(store: SQLiteStore) -> list[dict[str, Any]]:
    return await rows(store, "SELECT changed_by, kind, action, subject, before FROM changes ORDER BY id")


@pytest.mark.parametrize(
    ("who", "option", "typed", "field", "expected"),
    [
        (MEMBER, "context", "on", "metadata", {"x": 1, "context": True}),
        (MEMBER, "Context", " OFF ", "metadata", {"x": 1, "context": False}),
        (MEMBER, "prompt", "You grow roses.\nDaily.", "prompt", "You grow roses.\nDaily."),
        (MEMBER, "prompt", "none", "prompt", None),
        (MEMBER, "avatar", "<https://pictures.example/l.png>", "avatar_url", "https://pictures.example/l.png"),
        (HOST, "avatar", "none", "avatar_url", None),
        (HOST, "model", "small/one", "model", "small/one"),
    ],
)
async def test_what_is_set_is_stored_and_recorded_with_the_state_before(  # noqa: PLR0917 - one row of a table
    configuration: Configuration, store: SQLiteStore, who: Member, option: str, typed: str, field: str, expected: object
) -> None:
    assert await configuration.set(who, "lilith", option, typed) is Option(option.lower())
    assert getattr(await stored(store), field) == expected
    (change,) = await changes(store)
    assert (change["changed_by"], change["kind"], change["action"], change["subject"]) == (
        who.user_id,
        "personality",
        "put",
        "lilith",
    )
    assert '"prompt":"You are kind."' in change["before"]


@pytest.mark.parametrize(
    ("who", "name", "option"),
    [
        (STRANGER, "lilith", "context"),
        (STRANGER, "lilith", "prompt"),
        (MEMBER, "lilith", "model"),
        (MEMBER, "orphan", "context"),
        (Member(NOBODY), "orphan", "context"),
    ],
)
async def test_what_is_not_ones_own_is_neither_changed_nor_recorded(
    configuration: Configuration, store: SQLiteStore, who: Member, name: str, option: str
) -> None:
    before = await rows(store, "SELECT * FROM personalities")
    with pytest.raises(NotAllowedError, match="Only"):
        await configuration.set(who, name, option, "on")
    assert await rows(store, "SELECT * FROM personalities") == before
    assert await changes(store) == []


async def test_the_statement_itself_refuses_what_changed_hands_meanwhile(
    configuration: Configuration, store: SQLiteStore, clock: Clock
) -> None:
    statements = personalities.configure(
        "lilith", Setting(Configured.PROMPT, "mine"), owned_by(USER, OWNER), Edit(USER, clock())
    )
    await store.write(*personalities.remove("lilith", OWNER, clock(), OWNER))
    outcomes = await store.write(*statements)
    assert [outcome.count for outcome in outcomes] == [0, 0]
    assert (await stored(store)).prompt == "You are kind."
    with pytest.raises(NotFoundError):
        await configuration.show(MEMBER, "lilith")


async def test_only_who_may_change_the_settings_sees_them(configuration: Configuration) -> None:
    assert (await configuration.show(MEMBER, "LILITH")).prompt == "You are kind."
    assert (await configuration.show(HOST, "lilith")).context is False
    with pytest.raises(NotAllowedError):
        await configuration.show(STRANGER, "lilith")


@pytest.mark.parametrize(
    ("option", "typed"),
    [("colour", "red"), ("context", "perhaps"), ("avatar", "no link"), ("model", "a b"), ("prompt", "x" * 32_001)],
)
async def test_what_can_not_be_set_is_refused(
    configuration: Configuration, store: SQLiteStore, option: str, typed: str
) -> None:
    with pytest.raises(InvalidInputError):
        await configuration.set(HOST, "lilith", option, typed)
    assert await changes(store) == []


async def test_a_picture_is_not_set_where_the_profile_would_replace_it(
    store: SQLiteStore, policy: Policy, configuration: Configuration
) -> None:
    with_profiles = Configuration(store=store, policy=policy, has_profiles=True)
    with pytest.raises(InvalidInputError, match="profile"):
        await with_profiles.set(MEMBER, "lilith", "avatar", "https://pictures.example/l.png")
    await with_profiles.set(MEMBER, "lilith", "context", "on")


async def test_a_setting_is_taken_back_by_undo(
    configuration: Configuration, store: SQLiteStore, policy: Policy, clock: Clock
) -> None:
    undo = Undo(store=store, policy=policy, naming=Personalities(store=store, policy=policy).naming, clock=clock)
    await configuration.set(MEMBER, "lilith", "prompt", "You are grim.")
    await configuration.set(MEMBER, "lilith", "context", "on")
    for metadata, prompt in (({"x": 1}, "You are grim."), ({"x": 1}, "You are kind.")):
        await undo.undo(MEMBER, DM, await undo.preview(MEMBER, DM))
        found = await stored(store)
        assert (found.metadata, found.prompt) == (metadata, prompt)
