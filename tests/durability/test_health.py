from datetime import UTC, datetime, timedelta

import aiohttp

from bot.durability.health import HealthServer, Readiness, listen
from bot.model import ReplicationState

NOW = datetime(2026, 11, 23, 19, tzinfo=UTC)


def ready(state: ReplicationState) -> list[str]:
    readiness = Readiness(60, lambda: state, is_database_open=True, is_discord_connected=True, clock=lambda: NOW)
    return readiness.problems()


def test_a_recent_upload_is_ready() -> None:
    recent = ReplicationState(is_configured=True, confirmed_txid=7, confirmed_at=NOW - timedelta(seconds=59))
    assert ready(recent) == []


def test_an_old_upload_is_not_ready_and_says_why() -> None:
    old = ReplicationState(
        is_configured=True, confirmed_txid=7, confirmed_at=NOW - timedelta(seconds=61), failure="The bucket is away."
    )
    (problem,) = ready(old)
    assert "61 s ago" in problem
    assert "The bucket is away." in problem


def test_no_upload_at_all_is_not_ready() -> None:
    assert ready(ReplicationState(is_configured=True)) != []
    assert ready(ReplicationState(is_configured=False)) == []


async def test_another_server_goes_on_with_the_same_listening_socket() -> None:
    with listen("127.0.0.1", 0) as listener:
        first, second = HealthServer(Readiness(60, phase="One.")), HealthServer(Readiness(60, phase="Two."))
        said = []
        for server in (first, second, first):
            await server.start(listener)
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{listener.getsockname()[1]}/readyz") as response,
            ):
                said += (await response.json())["problems"]
            await server.stop()
    assert said == ["One.", "Two.", "One."]
