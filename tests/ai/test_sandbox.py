"""The clients against the sandbox's AI service, through nothing but the settings it gives."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession

from bot.ai.client import AIClient
from bot.ai.login import login_client_from
from bot.ai.profiles import profile_client_from
from bot.errors import NotAllowedError, NotFoundError, UnavailableError
from bot.model import Personality, Question, Secret
from bot.sandbox.ai import AISandbox
from bot.settings import Settings, load_settings

LILITH = Personality("lilith-tzel-shani", "Lilith", 1, datetime(2026, 11, 23, tzinfo=UTC))


@pytest.fixture
async def service() -> AsyncIterator[AISandbox]:
    async with AISandbox() as running:
        yield running


@pytest.fixture
def settings(service: AISandbox, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in service.environment().items():
        monkeypatch.setenv(name, value)
    return load_settings(env_file=None)


async def test_a_user_logs_in_and_is_answered_until_the_token_is_revoked(
    service: AISandbox, settings: Settings, session: ClientSession
) -> None:
    service.answers = lambda question: f"You said: {question}"
    login = login_client_from(settings, session)
    assert login is not None
    granted = await login.redeem(service.issue_code(42))
    question = Question(LILITH, "Hello?", 42, 43, granted.token)
    client = AIClient(session, settings)
    assert await client.answer(question) == "You said: Hello?"
    service.revoked_tokens.add(granted.token.reveal())
    with pytest.raises(NotAllowedError):
        await client.answer(question)


async def test_a_code_of_ones_own_invention_is_refused(settings: Settings, session: ClientSession) -> None:
    login = login_client_from(settings, session)
    assert login is not None
    with pytest.raises(NotAllowedError):
        await login.redeem("invented")


async def test_a_cut_connection_and_an_error_with_status_200_are_told_and_not_repeated(
    service: AISandbox, settings: Settings, session: ClientSession
) -> None:
    client = AIClient(session, settings)
    question = Question(LILITH, "Hello?", 42, 43, Secret("users-token"))
    service.faults.drop()
    with pytest.raises(UnavailableError, match="can't be reached"):
        await client.answer(question)
    service.faults.error_with_200(code=429)
    with pytest.raises(UnavailableError, match="too often"):
        await client.answer(question)
    service.faults.fail(404)
    with pytest.raises(NotFoundError):
        await client.answer(question)


async def test_a_profile_is_found_and_an_unknown_one_is_not(
    service: AISandbox, settings: Settings, session: ClientSession
) -> None:
    profiles = profile_client_from(settings, session)
    assert profiles is not None
    service.profiles["lilith-tzel-shani"] = {"name": "Lilith", "avatar_url": "https://a.example/1.png"}
    service.unknown_names.add("nobody")
    found = await profiles.fetch("lilith-tzel-shani")
    assert (found.display_name, found.avatar_url) == ("Lilith", "https://a.example/1.png")
    with pytest.raises(NotFoundError):
        await profiles.fetch("nobody")
