import asyncio
from datetime import UTC, datetime

import aiohttp
import pytest

from bot.durability.health import HealthServer, Readiness, listen
from bot.model import ReplicationState

NOW = datetime(2026, 11, 23, 19, tzinfo=UTC)


def ready(state: ReplicationState) -> list[str]:
    readiness = Readiness(lambda: state, is_database_open=True, is_discord_connected=True)
    return readiness.problems()


def test_a_recent_upload_is_ready() -> None:
    recent = ReplicationState(is_configured=True, confirmed_txid=7, confirmed_at=NOW, failure="The bucket is away.")
    assert ready(recent) == []


def test_an_outage_is_not_ready_and_says_why() -> None:
    outage = ReplicationState(
        is_configured=True, confirmed_txid=7, confirmed_at=NOW, failure="The bucket is away.", is_outage=True
    )
    (problem,) = ready(outage)
    assert problem == ("No upload to the bucket was confirmed after 2026-11-23 19:00:00 UTC: The bucket is away.")


def test_no_upload_at_all_is_not_ready() -> None:
    assert ready(ReplicationState(is_configured=True)) != []
    assert ready(ReplicationState(is_configured=False)) == []


async def test_another_server_goes_on_with_the_same_listening_socket() -> None:
    with listen("127.0.0.1", 0) as listener:
        first, second = HealthServer(Readiness(phase="One.")), HealthServer(Readiness(phase="Two."))
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


async def ask(port: int) -> bytes:
    """One probe, which has to be answered within a second."""
    async with asyncio.timeout(1):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


@pytest.mark.parametrize("turns", range(8))
async def test_probes_at_the_moment_of_a_hand_over_are_all_answered(turns: int) -> None:
    """`turns` of the event loop pass between a probe and the hand-over: each state of a connection is caught once."""
    with listen("127.0.0.1", 0) as listener:
        first, second = HealthServer(Readiness()), HealthServer(Readiness())
        await first.start(listener)
        probes = [asyncio.create_task(ask(listener.getsockname()[1])) for _ in range(4)]
        for _ in range(turns):
            await asyncio.sleep(0)
        await first.stop()
        await second.start(listener)
        answers = await asyncio.gather(*probes)
        await second.stop()
    assert [answer.partition(b"\r\n")[0] for answer in answers] == [b"HTTP/1.1 200 OK"] * 4
