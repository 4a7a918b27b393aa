"""What people do in this Discord: build guilds, write, give commands, and see what the bot says."""

from bot.sandbox.discord.commanding import Commanders
from bot.sandbox.discord.founding import Founders
from bot.sandbox.discord.speaking import Speakers


class People(Founders, Speakers, Commanders):
    """Everything that happens in Discord without the bot's doing."""
