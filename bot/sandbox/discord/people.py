"""What people do in this Discord: build guilds, write, give commands, and see what the bot says."""

from bot.sandbox.discord.commanding import Commanders
from bot.sandbox.discord.founding import Founders
from bot.sandbox.discord.proxying import Proxied


class People(Founders, Proxied, Commanders):
    """Everything that happens in Discord without the bot's doing."""
