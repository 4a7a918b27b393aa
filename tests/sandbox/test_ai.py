"""The AI service: logins that work once, and each fault as a client meets it."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.sandbox.ai import AISandbox

QUESTION = {"model": "sandbox/rose-gardener", "messages": [{"role": "user", "content": "what blooms?"}]}


@pytest.fixture
async def ai() -> AsyncIterator[AISandbox]:
    async with AISandbox() as sandbox:
        yield sandbox


async def ask(ai: AISandbox, key: str | None = None, **more: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {key or ai.environment()['SERVICE_API_KEY']}", **more}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{ai.url}/v1/chat/completions", json=QUESTION, headers=headers) as response,
    ):
        return response.status, await response.text()


async def test_an_answer_names_its_personality_and_a_wrong_key_gets_none(ai: AISandbox) -> None:
    status, text = await ask(ai)
    assert status == 200
    assert "Rose Gardener hears you: what blooms?" in text
    assert (await ask(ai, "wrong"))[0] == 401
    assert [call.personality for call in ai.calls] == ["rose-gardener"] * 2


async def test_a_code_works_once_and_a_revoked_token_no_more(ai: AISandbox) -> None:
    code = ai.issue_code(7)
    async with aiohttp.ClientSession() as session:
        statuses = []
        for _ in range(2):
            body = {"app_id": ai.environment()["SERVICE_APP_ID"], "code": code}
            async with session.post(f"{ai.url}/auth/nonce", json=body) as response:
                statuses.append(response.status)
    assert statuses == [200, 401]
    token = ai.tokens[7]
    assert (await ask(ai, **{"X-User-Auth": token}))[0] == 200
    ai.revoked_tokens.add(token)
    assert (await ask(ai, **{"X-User-Auth": token}))[0] == 401


async def test_profiles_pictures_and_unknown_names(ai: AISandbox) -> None:
    ai.unknown_names.add("nobody")
    endpoint = ai.environment()["PROFILE_INFO_ENDPOINT"]
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{endpoint}/nobody") as response:
            assert response.status == 404
        async with session.get(f"{endpoint}/rose-gardener") as response:
            profile = await response.json()
        async with session.get(profile["avatar_url"]) as response:
            assert (await response.read()).startswith(b"\x89PNG")
    assert profile["name"] == "Rose Gardener"


async def test_faults_hit_once_and_in_their_order(ai: AISandbox) -> None:
    ai.faults.fail(429, retry_after="2")
    ai.faults.error_with_200()
    ai.faults.garbage()
    ai.faults.drop()
    assert (await ask(ai))[0] == 429
    status, text = await ask(ai)
    assert status == 200
    assert "error" in text
    assert "no JSON" in (await ask(ai))[1]
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(ai)
    assert (await ask(ai))[0] == 200


async def test_an_answer_is_held_until_it_is_let_go(ai: AISandbox) -> None:
    gate = ai.faults.hold()
    asking = asyncio.create_task(ask(ai))
    await ai.wait_for_calls(1)
    assert (await ask(ai))[0] == 200
    assert not asking.done()
    gate.set()
    assert (await asking)[0] == 200
