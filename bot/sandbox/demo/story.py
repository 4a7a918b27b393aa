"""The story of the demo: a start from the original's files, a day on Discord, a disaster, and the day after."""

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.demo import ledger
from bot.sandbox.demo.ledger import Ledger
from bot.sandbox.demo.process import BotProcess
from bot.sandbox.demo.report import Report
from bot.sandbox.demo.scene import ANSWER_TIMEOUT_SECONDS, Scene
from bot.sandbox.discord.model import Channel, Message, Permission, User
from bot.sandbox.sample import SAMPLE_MENTION, SAMPLE_USER_ID, write_sample_folder
from bot.sandbox.world import SHORT_TIMES, Sandbox

PREFIX = "tzurot/demo"
CONFIRMATION_POLL_SECONDS = 0.2
NEW_PERSONALITY, NEW_ALIAS = "midnight-gardener", "night owl"


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays, and where."""

    regular: User
    newcomer: User
    garden: Channel
    lounge: Channel


def cast(sandbox: Sandbox) -> Cast:
    """A guild with two channels for adults, a user that the old files know, and one that nobody knows."""
    discord = sandbox.discord
    guild = discord.add_guild("The Night Garden")
    regular = discord.add_user("Mira", user_id=SAMPLE_USER_ID)
    newcomer = discord.add_user("Joss")
    discord.join(guild, regular)
    discord.join(guild, newcomer, permissions=Permission.MANAGE_MESSAGES)
    garden = discord.add_channel(guild, "garden", nsfw=True)
    lounge = discord.add_channel(guild, "lounge", nsfw=True)
    return Cast(regular, newcomer, garden, lounge)


class Story(Scene):
    """Plays the demo on an open sandbox; `volume` is deleted in the middle of it."""

    def __init__(self, sandbox: Sandbox, folder: Path, report: Report) -> None:
        self._volume = folder / "volume"
        self._legacy = folder / "old-data"
        # Killed processes clean up nothing, so what they leave lies where the demo removes it.
        self._scratch = folder / "tmp"
        self._scratch.mkdir()
        super().__init__(sandbox, BotProcess(self._environment(sandbox), folder / "bot.log"), report)
        self.cast = cast(sandbox)

    def _environment(self, sandbox: Sandbox) -> dict[str, str]:
        environment = sandbox.environment(self._volume / "tzurot.db", PREFIX)
        return {**environment, "IMPORT_DIR": str(self._legacy), "TMPDIR": str(self._scratch)}

    async def play(self) -> dict[str, int]:
        """The whole story; returns the rows lost per table, none if all is well."""
        write_sample_folder(self._legacy)
        await self._first_start()
        opening = await self._a_day_on_discord()
        before = await self._confirm()
        await self._disaster()
        await self._second_start()
        await self._the_day_after(opening)
        return await self._compare(before)

    async def _first_start(self) -> None:
        self.report.act("A first start, with the JSON files of the original")
        started = time.monotonic()
        with self.report.step("The bot is up: files imported, first copy in the bucket, connected to Discord"):
            await self.start()
        text = f"@{SAMPLE_MENTION} are you still there?"
        with self.report.step("Mira, logged in years ago, gets the first answer"):
            await self.talk(self.cast.garden, self.cast.regular, text)
        self.report.figures.start_to_first_answer_ms = round((time.monotonic() - started) * 1000)

    async def _a_day_on_discord(self) -> Message:
        self.report.act("A day on Discord")
        cast, discord = self.cast, self.sandbox.discord
        home = discord.dm_channel(cast.newcomer)
        with self.report.step("Joss logs in by direct message"):
            await self.command(home, cast.newcomer, "auth start")
            code = self.sandbox.ai.issue_code(cast.newcomer.id)
            await self.command(home, cast.newcomer, f"auth code {code}", shown="auth code ······")
        with self.report.step("adds a personality"):
            await self.command(cast.garden, cast.newcomer, f"add {NEW_PERSONALITY}")
        with self.report.step("gives it an alias"):
            await self.command(cast.garden, cast.newcomer, f"alias {NEW_PERSONALITY} {NEW_ALIAS}")
        with self.report.step("talks to it"):
            opening = await self.talk(cast.garden, cast.newcomer, f"@{NEW_ALIAS}, what blooms after dark?")
        with self.report.step("lets it answer everything in another channel"):
            await self.command(cast.lounge, cast.newcomer, f"activate {NEW_ALIAS}")
            await self.talk(cast.lounge, cast.newcomer, "good evening, everyone")
        return opening

    async def _confirm(self) -> Ledger:
        with self.report.step("Everything so far is confirmed in the bucket"):
            before = await ledger.write_down(self.bot)
            await self.within(self._until_confirmed(time.time()), ANSWER_TIMEOUT_SECONDS, "a confirmed upload")
        self.report.figures.rows_before = ledger.size(before)
        self.report.figures.personalities = len(before["personalities"])
        return before

    async def _until_confirmed(self, since: float) -> None:
        while not await self.bot.is_confirmed(since):  # noqa: ASYNC110 - another process confirms it
            await asyncio.sleep(CONFIRMATION_POLL_SECONDS)

    async def _disaster(self) -> None:
        self.report.act("Disaster")
        with self.report.step("SIGKILL for the supervisor, Litestream and the bot; the volume is deleted"):
            await self.bot.kill()
            await asyncio.to_thread(shutil.rmtree, self._volume)

    async def _second_start(self) -> None:
        self.report.act("A fresh machine, an empty volume, the same settings")
        started = time.monotonic()
        wait = SHORT_TIMES["LEASE_TAKEOVER_SECONDS"]
        text = f"The bot is up: the lost machine's lease is over (after {wait} s here, 40 s by default), the database"
        with self.report.step(f"{text} restored from the bucket, checked, connected to Discord"):
            await self.start()
        with self.report.step("Joss goes on talking: same login, same alias"):
            await self.talk(self.cast.garden, self.cast.newcomer, f"@{NEW_ALIAS} did you sleep well?")
        self.report.figures.empty_volume_to_first_answer_ms = round((time.monotonic() - started) * 1000)

    async def _the_day_after(self, opening: Message) -> None:
        cast = self.cast
        with self.report.step("The lounge is still active"):
            await self.talk(cast.lounge, cast.newcomer, "morning!")
        with self.report.step("A reply to yesterday's message still finds who spoke it"):
            await self.talk(cast.garden, cast.newcomer, "tell me more about that", reply_to=opening)
        with self.report.step("Mira is still logged in, too"):
            await self.talk(cast.garden, cast.regular, f"@{SAMPLE_MENTION} one more question")

    async def _compare(self, before: Ledger) -> dict[str, int]:
        with self.report.step("Every row is compared with what was there before"):
            after = await ledger.write_down(self.bot)
        missing = ledger.lost(before, after)
        self.report.figures.rows_after = ledger.size(after)
        self.report.figures.rows_lost = sum(missing.values())
        return missing
