"""A bucket that stops answering under the real processes, until it answers again."""

from bot.sandbox.bucket import Mode
from tests.e2e.conftest import PATIENCE_SECONDS, Installation

SOON = {
    "ACKNOWLEDGEMENT_TIMEOUT_SECONDS": "0.3",
    "CANARY_RETRY_SECONDS": "0.2",
    "OUTAGE_LIMIT_SECONDS": "2",
    "OUTAGE_MODE": "read-only",
}


async def test_a_change_is_called_done_when_the_bucket_has_it_and_nothing_new_is_accepted_meanwhile(
    installation: Installation,
) -> None:
    home, discord = installation.discord.dm_channel(installation.mira), installation.discord
    await installation.start_and_connect(**SOON, BOT_OWNER_ID=str(installation.mira.id))
    await installation.prepare()
    await installation.until_confirmed()
    await installation.proxy.set(Mode.BLACK_HOLE)
    answer = await installation.hears("!tz alias lilith night")
    assert answer.content.endswith("this message changes when that is done.")
    told = await discord.wait_for_message(home, after=answer.id, timeout_seconds=PATIENCE_SECONDS)
    assert "nothing is confirmed to be in the bucket" in told.content
    assert "accept nothing" in (await installation.hears("!tz alias lilith darkness")).content
    assert "accept nothing" in (await installation.hears("@lil are you there?")).content

    await installation.proxy.set(Mode.PASS)
    await discord.wait_until(
        lambda: [m for m in discord.messages(installation.channel) if m.id == answer.id and "-#" not in m.content],
        timeout_seconds=PATIENCE_SECONDS,
    )
    over = await discord.wait_for_message(home, after=told.id, timeout_seconds=PATIENCE_SECONDS)
    assert "Everything is in the bucket again" in over.content
    assert await installation.is_talking()
    assert await installation.stop() == 0
