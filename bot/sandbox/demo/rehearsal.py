"""`tzurot demo --rehearse`: an operator's own data, or rather a copy, served for a moment to a Discord on loopback."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.errors import ConfigurationError, ExitCode, TzurotError
from bot.sandbox.demo.process import BotProcess
from bot.sandbox.demo.report import Report
from bot.sandbox.demo.scene import Scene
from bot.sandbox.discord.model import Channel, Permission, User
from bot.sandbox.world import SHORT_TIMES, Outside
from bot.settings import Settings

STOP_TIMEOUT_SECONDS = 30
SOMEONE = """
SELECT full_name FROM personalities WHERE is_active = 1 AND full_name NOT LIKE 'rehearsal-%' ORDER BY id LIMIT 1
"""


class Rehearsal(Scene):
    """A newcomer logs in, adds a personality and talks to it and to one that was there; then the bot stops."""

    def __init__(self, sandbox: Outside, folder: Path, report: Report, settings: Settings) -> None:
        self._settings = settings
        super().__init__(sandbox, BotProcess(self._environment(sandbox), folder / "bot.log"), report)

    def _environment(self, sandbox: Outside) -> dict[str, str]:
        settings = self._settings
        # Its profiles are invented, and would take the place of what one's own personalities look like.
        service = {name: value for name, value in sandbox.ai.environment().items() if name != "PROFILE_INFO_ENDPOINT"}
        return {
            **sandbox.discord.environment(),
            **service,
            **SHORT_TIMES,
            "PORT": "0",
            "ALLOW_INIT": "local",
            "DATABASE_PATH": str(settings.database_path.absolute()),
            "ENCRYPTION_KEYS": ",".join(key.get_secret_value() for key in settings.encryption_keys),
            "STORAGE_MODE": settings.mode,
            "JSON_DIR": str(settings.json_folder.absolute()),
            **({"JSON_FORMAT": settings.json_format} if settings.json_format else {}),
        }

    async def play(self) -> None:
        """All of it; raises TzurotError where something does not work."""
        joss, garden = self._cast()
        name = f"rehearsal-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        self.report.act(
            f"The bot in {self._settings.mode} mode, away from Discord, on {self._settings.database_path.parent}"
        )
        with self.report.step("It is up"):
            await self.start()
        with self.report.step("Joss, whom nobody knows, logs in by direct message"):
            code = self.sandbox.ai.issue_code(joss.id)
            home = self.sandbox.discord.dm_channel(joss)
            await self._succeed(home, joss, f"auth code {code}", "logged in", shown="auth code ······")
        with self.report.step("adds a personality"):
            await self._succeed(garden, joss, f"add {name}", "is here")
        with self.report.step("talks to it"):
            await self.talk(garden, joss, f"@{name} are you here to stay?")
        if (someone := await self._someone()) is not None:
            with self.report.step("and to one that was here before"):
                await self.talk(garden, joss, f"@{someone} are you still there?")
        with self.report.step("It has stopped"):
            await self._stop()

    def _cast(self) -> tuple[User, Channel]:
        discord = self.sandbox.discord
        guild = discord.add_guild("The Rehearsal Room")
        joss = discord.add_user("Joss")
        discord.join(guild, joss, permissions=Permission.MANAGE_MESSAGES)
        return joss, discord.add_channel(guild, "garden", nsfw=True)

    async def _succeed(
        self, channel: Channel, user: User, text: str, success: str, *, shown: str | None = None
    ) -> None:
        reply = await self.command(channel, user, text, shown=shown)
        if success not in reply.content:
            raise TzurotError(f"The bot did not do what Joss asked for: {reply.content}")

    async def _someone(self) -> str | None:
        answer: dict[str, Any] = await self.bot.ask("sql", SOMEONE)
        return answer["rows"][0]["full_name"] if answer["rows"] else None

    async def _stop(self) -> None:
        code = await self.bot.stop(STOP_TIMEOUT_SECONDS)
        if code != ExitCode.DONE:
            raise TzurotError(f"The bot ended with exit code {code}. The end of its log:\n{self.bot.log_tail()}")


def require_copy(settings: Settings) -> None:
    """Raise ConfigurationError where the settings name the bot's own place and not a copy of it."""
    if settings.replica_bucket is not None:
        raise ConfigurationError(
            "REPLICA_BUCKET is set, so this may be the bot's own data, in which a rehearsal would leave its traces.",
            remedy="Copy the data, name the copy with DATABASE_PATH, and rehearse without the bucket's settings.",
        )
