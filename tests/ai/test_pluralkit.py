"""PluralKit's API: who is behind a message, asked politely."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession, web

from bot.errors import UnavailableError
from bot.model import Authorship
from bot.pluralkit import PluralKitClient, pluralkit_client_from
from tests.ai.conftest import Script, settings_for

MIRA, ORIGINAL = 200_000_000_000_000_001, 300_000_000_000_000_001
FOUND = {"id": "400", "original": str(ORIGINAL), "sender": str(MIRA), "system": None, "member": None}


def client(script: Script, session: ClientSession, **more: Any) -> PluralKitClient:
    settings = {"pluralkit_api_base": f"{script.base}/v2", "pluralkit_interval_seconds": 0.01, **more}
    made = pluralkit_client_from(settings_for(script.base, **settings), session)
    assert made is not None
    return made


def too_many(milliseconds: int) -> web.Response:
    body = f'{{"message": "429: too many requests", "retry_after": {milliseconds}, "code": 0}}'
    return web.Response(status=429, text=body, content_type="application/json")


async def test_the_sender_and_the_original_are_read_and_asked_for_once(script: Script, session: ClientSession) -> None:
    script.replies = [FOUND]
    pluralkit = client(script, session)
    answers = await asyncio.gather(*[pluralkit.author(400) for _ in range(3)])
    assert answers == [Authorship(MIRA, ORIGINAL)] * 3
    assert [(method, path) for method, path, *_ in script.asked] == [("GET", "/v2/messages/400")]
    assert "Tzurot" in script.asked[0][2]["User-Agent"]
    assert "Authorization" not in script.asked[0][2]


async def test_what_pluralkit_does_not_know_is_nobodys_and_is_asked_again(
    script: Script, session: ClientSession
) -> None:
    script.replies = [404, FOUND]
    pluralkit = client(script, session)
    assert await pluralkit.author(400) is None
    assert await pluralkit.author(400) == Authorship(MIRA, ORIGINAL)


@pytest.mark.parametrize(
    "reply",
    [
        *(500, 403, b"no json", b"[]"),
        *({"sender": sender} for sender in (None, "a name", -1, "9" * 30, "9" * 5000)),
    ],
)
async def test_an_answer_that_says_nothing_is_told_as_unavailable(
    script: Script, session: ClientSession, reply: Any
) -> None:
    script.replies = [reply]
    with pytest.raises(UnavailableError, match="PluralKit"):
        await client(script, session).author(400)


async def test_no_answer_in_time_is_told_as_unavailable(script: Script, session: ClientSession) -> None:
    script.replies = [FOUND]
    script.release.clear()
    with pytest.raises(UnavailableError, match="did not answer"):
        await client(script, session, pluralkit_timeout_seconds=0.05).author(400)


async def test_questions_are_an_interval_apart(script: Script, session: ClientSession) -> None:
    script.replies = [FOUND]
    pluralkit = client(script, session, pluralkit_interval_seconds=0.1)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.gather(*[pluralkit.author(number) for number in (400, 401, 402)])
    assert loop.time() - begun >= 0.2
    assert script.most_open_requests == 1


async def test_it_waits_as_long_as_it_is_told_to_and_asks_once_more(script: Script, session: ClientSession) -> None:
    script.replies = [too_many(80), FOUND]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert await client(script, session).author(400) == Authorship(MIRA, ORIGINAL)
    assert loop.time() - begun >= 0.08


async def test_where_it_would_have_to_wait_long_nobody_asks_meanwhile(script: Script, session: ClientSession) -> None:
    script.replies = [too_many(60_000)]
    pluralkit = client(script, session)
    for number in (400, 401):
        with pytest.raises(UnavailableError, match="PluralKit"):
            await pluralkit.author(number)
    assert len(script.asked) == 1


def test_nothing_is_asked_where_the_operator_does_not_want_it(script: Script, session: ClientSession) -> None:
    assert pluralkit_client_from(settings_for(script.base, pluralkit_lookup=False), session) is None
