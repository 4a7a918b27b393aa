"""The profile endpoint and the login service."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession, web

from bot.ai.login import login_client_from
from bot.ai.profiles import ProfileClient, profile_client_from
from bot.errors import NotAllowedError, NotFoundError, TzurotError, UnavailableError
from bot.model import Profile, Secret
from bot.settings import Settings
from tests.ai.conftest import Script, settings_for


@pytest.fixture
def profiles(session: ClientSession, settings: Settings) -> ProfileClient:
    made = profile_client_from(settings, session)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("body", "profile"),
    [
        (
            {"name": "Lilith", "avatar": "https://a.example/1.png", "error_message": "Oh."},
            Profile("li lith", "Lilith", "https://a.example/1.png", "Oh."),
        ),
        (
            {"name": " Lilith ", "avatar_url": "http://a.example/2.png", "avatar": "x"},
            Profile("li lith", "Lilith", "http://a.example/2.png"),
        ),
        ({"name": None, "avatar": "javascript:alert(1)", "error_message": ""}, Profile("li lith", "li lith")),
        ({"name": 7, "avatar": [1]}, Profile("li lith", "li lith")),
        ({}, Profile("li lith", "li lith")),
    ],
)
async def test_a_profile_is_read_whatever_it_leaves_out(
    profiles: ProfileClient, script: Script, body: dict[str, Any], profile: Profile
) -> None:
    script.replies = [body]
    assert await profiles.fetch("li lith") == profile
    assert script.asked[0][:2] == ("GET", "/profiles/li%20lith")


async def test_a_name_cannot_lead_to_another_path(profiles: ProfileClient, script: Script) -> None:
    script.replies = [{"name": "x"}]
    await profiles.fetch("a/../b?c")
    assert script.asked[0][1] == "/profiles/a%2F..%2Fb%3Fc"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(404, NotFoundError), (500, UnavailableError), (b"no json", UnavailableError), (b"[]", UnavailableError)],
)
async def test_each_failure_of_a_profile_has_its_kind(
    profiles: ProfileClient, script: Script, reply: Any, kind: type[TzurotError]
) -> None:
    script.replies = [reply]
    with pytest.raises(kind):
        await profiles.fetch("lilith")


async def test_a_busy_profile_service_says_how_long_to_wait(profiles: ProfileClient, script: Script) -> None:
    script.replies = [web.Response(status=429, headers={"Retry-After": "30"})]
    with pytest.raises(UnavailableError) as raised:
        await profiles.fetch("lilith")
    assert raised.value.retry_after_seconds == 30


async def test_profiles_are_fetched_one_at_a_time_and_apart(session: ClientSession, script: Script) -> None:
    script.replies = [{"name": "x"}]
    profiles = ProfileClient(session, settings_for(script.base, profile_interval_seconds=0.05))
    started = asyncio.get_running_loop().time()
    await asyncio.gather(*(profiles.fetch(name) for name in ("anna", "bert", "carl")))
    assert asyncio.get_running_loop().time() - started >= 0.1
    assert script.most_open_requests == 1


def test_without_settings_there_are_no_clients(session: ClientSession) -> None:
    settings = settings_for("http://127.0.0.1:9", profile_info_endpoint=None, service_website=None)
    assert profile_client_from(settings, session) is None
    assert login_client_from(settings, session) is None


async def test_the_login_link_names_the_app(session: ClientSession, settings: Settings) -> None:
    client = login_client_from(settings, session)
    assert client is not None
    assert client.link == "https://service.example/authorize?app_id=app+1"


@pytest.mark.parametrize(
    ("expires_at", "expected"),
    [
        ("2027-01-01T00:00:00.000Z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T00:00:00", datetime(2027, 1, 1, tzinfo=UTC)),
        (1_798_761_600_000, datetime(2027, 1, 1, tzinfo=UTC)),
        (None, None),
        ("tomorrow", None),
        (True, None),
        (1e300, None),
    ],
)
async def test_a_code_is_traded_for_a_token(
    session: ClientSession, settings: Settings, script: Script, expires_at: Any, expected: datetime | None
) -> None:
    script.replies = [{"auth_token": "users-token", "expires_at": expires_at}]
    client = login_client_from(settings, session)
    assert client is not None
    granted = await client.redeem("code-1")
    assert (granted.token, granted.expires_at) == (Secret("users-token"), expected)
    ((method, path, _, body),) = script.asked
    assert (method, path, body) == ("POST", "/auth/nonce", {"app_id": "app 1", "code": "code-1"})


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (401, NotAllowedError),
        (400, NotAllowedError),
        (429, UnavailableError),
        (500, UnavailableError),
        ({}, UnavailableError),
        ({"auth_token": ""}, UnavailableError),
        ({"auth_token": "with\r\nheader: injected"}, UnavailableError),
        ({"auth_token": 7}, UnavailableError),
        (b"no json", UnavailableError),
    ],
)
async def test_each_failure_of_a_login_has_its_kind(
    session: ClientSession, settings: Settings, script: Script, reply: Any, kind: type[TzurotError]
) -> None:
    script.replies = [reply]
    client = login_client_from(settings, session)
    assert client is not None
    with pytest.raises(kind) as raised:
        await client.redeem("code-1")
    assert "code-1" not in str(raised.value)
