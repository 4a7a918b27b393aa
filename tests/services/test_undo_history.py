"""Any history of changes by several people: taking the last one back is as if it had never been made."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from bot.model import Member, Profile
from bot.services.policy import Policy
from bot.settings import load_settings
from bot.store.cipher import Cipher
from bot.store.driver import open_store
from bot.store.migrate import create_database
from tests.services.conftest import DM, KEY, NSFW, NSFW_TOO, OTHER, OWNER, USER, Clock
from tests.services.test_undo import House

PEOPLE = st.sampled_from([Member(user, may_manage_messages=True) for user in (USER, OTHER)])
NAMES = st.sampled_from(["lilith", "Eve", "ada"])
ALIASES = st.sampled_from(["l", "e", "a", "first lady", "eve"])
PLACES = st.sampled_from([NSFW, NSFW_TOO])

DEEDS = st.one_of(
    st.tuples(st.just("add"), PEOPLE, NAMES, st.one_of(st.none(), ALIASES)),
    st.tuples(st.just("remove"), PEOPLE, NAMES, st.none()),
    st.tuples(st.just("alias"), PEOPLE, NAMES, ALIASES),
    st.tuples(st.just("activate"), PEOPLE, NAMES, PLACES),
    st.tuples(st.just("deactivate"), PEOPLE, st.none(), PLACES),
    st.tuples(st.just("login"), PEOPLE, st.none(), st.none()),
    st.tuples(st.just("revoke"), PEOPLE, st.none(), st.none()),
    st.tuples(st.just("verify"), PEOPLE, st.none(), PLACES),
    st.tuples(st.just("refresh"), PEOPLE, NAMES, st.none()),
    st.tuples(st.just("undo"), PEOPLE, st.none(), PLACES),
)
Deed = tuple[str, Member, Any, Any]
REFUSALS = (ConflictError, InvalidInputError, NotAllowedError, NotFoundError)


def do(house: House, deed: Deed) -> Coroutine[Any, Any, Any]:
    what, member, name, more = deed
    calls: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "add": lambda: house.add(name, more, member),
        "remove": lambda: house.personalities.remove(member, name),
        "alias": lambda: house.personalities.alias(member, name, more),
        "activate": lambda: house.activations.activate(member, more, name),
        "deactivate": lambda: house.activations.deactivate(member, more),
        "login": lambda: house.logins.code(member, DM, "one"),
        "revoke": lambda: house.logins.revoke(member),
        "verify": lambda: house.verifications.verify(member, more),
        "refresh": lambda: house.personalities.adopt(name, Profile(name, f"The {name}")),
        "undo": lambda: house.take_back(member, more),
    }
    return calls[what]()


async def attempt(house: House, deed: Deed) -> bool:
    house.clock.advance(seconds=1)
    with suppress(*REFUSALS):
        await do(house, deed)
        return True
    return False


@given(history=st.lists(DEEDS, max_size=8), last=DEEDS.filter(lambda deed: deed[0] not in {"undo", "refresh"}))
@settings(max_examples=40, deadline=None, database=None)
def test_taking_the_last_change_back_is_as_if_it_had_not_been_made(history: list[Deed], last: Deed) -> None:
    asyncio.run(tell(history, last))


async def tell(history: list[Deed], last: Deed) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tzurot.db"
        create_database(path)
        store = await open_store(path, settings=load_settings({"database_path": path}, env_file=None))
        try:
            house = House(store, Clock(), Cipher([KEY]), Policy(owner_id=OWNER))
            for deed in history:
                await attempt(house, deed)
            await check(house, last)
        finally:
            await store.close()


async def check(house: House, last: Deed) -> None:
    before = await house.state()
    if not await attempt(house, last):
        assert await house.state() == before
        return
    place = last[3] if last[0] in {"activate", "deactivate"} else NSFW
    await house.take_back(last[1], place)
    assert await house.state() == before
