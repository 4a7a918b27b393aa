"""Asking the AI service: what is sent, and one clear sentence for each way it fails."""

import asyncio
import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession, web

from bot.ai.client import AIClient
from bot.errors import NotAllowedError, NotFoundError, TzurotError, UnavailableError
from bot.model import Media, MediaKind, Personality, Question, Secret
from bot.settings import Settings
from bot.transport import RateLimitedError, seconds_until_retry
from tests.ai.conftest import Script, said, settings_for

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LILITH = Personality("lilith-tzel-shani", "Lilith", 1, NOW, prompt="You are the night.")
QUESTION = Question(LILITH, "Hello?", 42, 43, Secret("users-token"))


@pytest.fixture
def client(session: ClientSession, settings: Settings) -> AIClient:
    return AIClient(session, settings)


async def _failure(client: AIClient, question: Question = QUESTION) -> TzurotError:
    with pytest.raises(TzurotError) as raised:
        await client.answer(question)
    assert "users-token" not in str(raised.value)
    assert "operators-key" not in str(raised.value)
    return raised.value


async def test_the_request_is_what_the_service_expects(client: AIClient, script: Script) -> None:
    script.replies = [said("Good evening.")]
    assert await client.answer(QUESTION) == "Good evening."
    ((method, path, headers, body),) = script.asked
    assert (method, path) == ("POST", "/v1/chat/completions")
    assert headers["Authorization"] == "Bearer operators-key"
    assert headers["X-User-Auth"] == "users-token"
    assert (headers["X-User-Id"], headers["X-Channel-Id"]) == ("42", "43")
    assert headers["Content-Type"] == "application/json"
    assert body == {
        "model": "svc/lilith-tzel-shani",
        "messages": [
            {"role": "system", "content": "You are the night."},
            {"role": "user", "content": "Hello?"},
        ],
    }


async def test_template_extra_headers_and_a_base_with_its_version_are_settings(
    session: ClientSession, script: Script
) -> None:
    script.replies = [said("Yes.")]
    settings = settings_for(
        f"{script.base}/v1",
        service_model_template="gpt-{full_name}",
        service_extra_headers={"X-Title": "Tzurot"},
        service_api_key=None,
    )
    plain = Question(replace(LILITH, prompt=None), "Hi", 42, 43)
    await AIClient(session, settings).answer(plain)
    ((_, path, headers, body),) = script.asked
    assert path == "/v1/chat/completions"
    assert headers["X-Title"] == "Tzurot"
    assert "Authorization" not in headers
    assert "X-User-Auth" not in headers
    assert body == {"model": "gpt-lilith-tzel-shani", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize("kind", list(MediaKind))
async def test_what_is_shown_or_played_goes_beside_the_words(client: AIClient, script: Script, kind: MediaKind) -> None:
    script.replies = [said("Yes.")]
    await client.answer(replace(QUESTION, media=Media(kind, "https://cdn.example/1?ex=2")))
    assert script.asked[0][3]["messages"][1]["content"] == [
        {"type": "text", "text": "Hello?"},
        {"type": f"{kind}_url", f"{kind}_url": {"url": "https://cdn.example/1?ex=2"}},
    ]


async def test_what_the_service_can_not_look_at_is_named(client: AIClient, script: Script) -> None:
    script.replies = [400]
    error = await _failure(client, replace(QUESTION, media=Media(MediaKind.IMAGE, "https://cdn.example/1")))
    assert str(error) == "The AI service did not take an image (400). Ask again without it."


async def test_a_personalitys_own_model_goes_before_the_template(client: AIClient, script: Script) -> None:
    script.replies = [said("Yes.")]
    await client.answer(replace(QUESTION, personality=replace(LILITH, model="own/model")))
    assert script.asked[0][3]["model"] == "own/model"


async def test_content_may_be_a_list_of_parts(client: AIClient, script: Script) -> None:
    script.replies = [
        said([{"type": "text", "text": "Good "}, {"type": "image_url"}, {"type": "text", "text": "night."}])
    ]
    assert await client.answer(QUESTION) == "Good night."


async def test_half_a_surrogate_pair_and_nul_do_no_harm(client: AIClient, script: Script) -> None:
    script.replies = [said("a\x00b")]
    assert await client.answer(replace(QUESTION, content="half \ud83e")) == "ab"
    assert script.asked[0][3]["messages"][1]["content"] == "half ?"


@pytest.mark.parametrize(
    ("reply", "kind", "part"),
    [
        (404, NotFoundError, "lilith-tzel-shani"),
        (500, UnavailableError, "500"),
        (503, UnavailableError, "503"),
        (400, UnavailableError, "400"),
        (402, UnavailableError, "402"),
        (302, UnavailableError, "302"),
        (401, NotAllowedError, "!tz auth start"),
        (403, NotAllowedError, "!tz auth start"),
        ({"error": {"message": "secret inner text", "code": 502}}, UnavailableError, "502"),
        ({"error": {"message": "x", "code": "rate_limit_exceeded"}}, UnavailableError, "502"),
        ({"error": {"message": "x", "code": 429}}, RateLimitedError, "too often"),
        ({"error": {"message": "x", "code": "404"}}, NotFoundError, "lilith"),
        ({"error": {"message": "x", "code": "9" * 5000}}, UnavailableError, "502"),
        ({"error": "just text"}, UnavailableError, "502"),
        (b"<html>not json</html>", UnavailableError, "can't be read"),
        (b"", UnavailableError, "can't be read"),
        ({}, UnavailableError, "can't be read"),
        ({"choices": []}, UnavailableError, "can't be read"),
        ({"choices": [{"message": None}]}, UnavailableError, "can't be read"),
        (b"[1]", UnavailableError, "can't be read"),
        (said({"a": 1}), UnavailableError, "can't be read"),
        (said(""), UnavailableError, "nothing to say"),
        (said(" \n"), UnavailableError, "nothing to say"),
        (said(None), UnavailableError, "nothing to say"),
        (said([]), UnavailableError, "nothing to say"),
    ],
)
async def test_each_failure_has_its_kind_and_sentence_and_is_not_paid_for_twice(
    client: AIClient, script: Script, reply: Any, kind: type[TzurotError], part: str
) -> None:
    script.replies = [reply]
    error = await _failure(client)
    assert type(error) is kind
    assert part in str(error)
    assert "secret inner text" not in str(error)
    assert len(script.asked) == 1


async def test_a_refused_operators_key_is_the_operators_matter(client: AIClient, script: Script) -> None:
    script.replies = [401]
    error = await _failure(client, replace(QUESTION, user_token=None))
    assert type(error) is UnavailableError
    assert "operator" in str(error)


@pytest.mark.parametrize(
    ("header", "sentence", "seconds"),
    [("7", "8 seconds", 7), ("90", "2 minutes", 90), ("soon", "in a minute", None), (None, "in a minute", None)],
)
async def test_too_many_requests_tells_how_long_to_wait(
    client: AIClient, script: Script, header: str | None, sentence: str, seconds: float | None
) -> None:
    script.replies = [web.Response(status=429, headers={"Retry-After": header} if header else {})]
    error = await _failure(client)
    assert isinstance(error, UnavailableError)
    assert sentence in str(error)
    assert error.retry_after_seconds == seconds


def test_retry_after_may_be_a_date_and_nonsense_is_none() -> None:
    assert seconds_until_retry("Mon, 23 Nov 2026 00:01:00 GMT", NOW) == 60
    assert seconds_until_retry("Sun, 22 Nov 2026 00:01:00 GMT", NOW) == 0
    assert seconds_until_retry("-5", NOW) == 0
    assert seconds_until_retry("inf", NOW) == 86_400
    assert seconds_until_retry("nan", NOW) is None


async def test_a_service_that_is_silent_is_given_up_in_time(session: ClientSession, script: Script) -> None:
    script.release.clear()
    settings = settings_for(script.base, service_timeout_seconds=0.1)
    error = await _failure(AIClient(session, settings))
    assert "0.1 seconds" in str(error)
    assert len(script.asked) == 1


async def test_a_connection_that_breaks_after_the_request_is_not_repeated(session: ClientSession) -> None:
    requests = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.read(100))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await _failure(AIClient(session, settings_for(f"http://127.0.0.1:{port}")))
    assert "can't be reached" in str(error)
    assert len(requests) == 1


async def test_a_refused_connection_is_unavailable(session: ClientSession) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    error = await _failure(AIClient(session, settings_for(f"http://127.0.0.1:{port}")))
    assert type(error) is UnavailableError


async def test_without_a_service_the_sentence_names_the_setting(session: ClientSession) -> None:
    error = await _failure(AIClient(session, settings_for("http://127.0.0.1:9", service_api_base_url=None)))
    assert "SERVICE_API_BASE_URL" in str(error)


async def test_an_endless_answer_is_cut_off(client: AIClient, script: Script) -> None:
    script.replies = [said("x" * 5_000_000)]
    assert "too long" in str(await _failure(client))
