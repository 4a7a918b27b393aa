"""A Discord whose time is the test's."""

from datetime import UTC, datetime, timedelta

import aiohttp

from bot.sandbox.discord import DiscordOptions, DiscordSandbox


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


async def test_ids_and_times_follow_the_clock_and_ids_always_grow() -> None:
    clock = HandClock()
    async with DiscordSandbox(DiscordOptions(clock=clock)) as sandbox:
        mira = sandbox.add_user("Mira")
        dm = sandbox.dm_channel(mira)
        first, second = await sandbox.post(dm, mira, "one"), await sandbox.post(dm, mira, "two")
        clock.pass_by(hours=3)
        third = await sandbox.post(dm, mira, "three")
        edited = await sandbox.edit(first, "one, rather")
        clock.pass_by(hours=-1)
        fourth = await sandbox.post(dm, mira, "four")
    assert first.id < second.id < third.id < fourth.id
    assert third.sent_at - second.sent_at == timedelta(hours=3)
    assert edited.edited_at == third.sent_at


async def test_a_nonce_lives_five_minutes_of_the_clock() -> None:
    clock = HandClock()
    async with DiscordSandbox(DiscordOptions(clock=clock)) as sandbox:
        dm = sandbox.dm_channel(sandbox.add_user("Mira"))
        headers = {"Authorization": f"Bot {sandbox.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            for minutes in (0, 4, 2):
                clock.pass_by(minutes=minutes)
                body = {"content": "once", "nonce": "7", "enforce_nonce": True}
                async with session.post(f"{sandbox.api_base}/channels/{dm.id}/messages", json=body) as response:
                    assert response.status == 200
        assert len(sandbox.messages(dm)) == 2
