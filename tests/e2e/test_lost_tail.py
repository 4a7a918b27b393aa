"""The volume dies while the bucket is away: what was said since the last upload is known only to Discord."""

from bot.sandbox.bucket import Mode
from tests.e2e.conftest import PATIENCE_SECONDS, Installation


async def test_answers_that_only_discord_remembers_are_adopted_and_what_waited_is_answered(
    installation: Installation,
) -> None:
    ai = installation.sandbox.ai
    ai.answers = lambda question: "\n\n".join(f"{letter * 1500} {question}" for letter in "abc")
    await installation.start_and_connect(TURN_CONFIRMATION_TIMEOUT_SECONDS="0.3")
    await installation.prepare()
    assert await installation.is_talking()
    await installation.until_confirmed()
    await installation.proxy.set(Mode.BLACK_HOLE)
    asked = [await ask(installation, f"@lil number {number}") for number in (1, 2)]
    assert installation.process is not None
    installation.process.kill()
    await installation.end()
    installation.lose_volume()
    await installation.proxy.set(Mode.PASS)
    waiting = await installation.discord.post(installation.channel, installation.mira, "@lil number 3")
    await installation.start_and_connect()
    await finished(installation, waiting.id)
    last = await ask(installation, "@lil the end")
    said = [m for m in installation.discord.messages(installation.channel) if m.id > asked[0] and m.webhook_id]
    wanted = ["@lil number 1"] * 3 + ["@lil number 2"] * 3 + ["@lil number 3"] * 3 + ["@lil the end"] * 3
    assert [message.content.split(" ", 1)[1] for message in said] == wanted
    questions = [call.question for call in ai.calls if call.route == "chat" and "number" in call.question]
    assert questions == ["@lil number 1", "@lil number 2", "@lil number 3"]
    assert last > waiting.id
    assert await installation.stop() == 0


async def ask(installation: Installation, content: str) -> int:
    """Ask, and wait for the end of the answer; the question's id."""
    asked = await installation.discord.post(installation.channel, installation.mira, content)
    await finished(installation, asked.id)
    return asked.id


async def finished(installation: Installation, message_id: int) -> None:
    await installation.discord.wait_for_message(
        installation.channel,
        after=message_id,
        timeout_seconds=PATIENCE_SECONDS,
        where=lambda message: message.content.startswith("c" * 1500),
    )
