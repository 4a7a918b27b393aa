"""A Discord stand-in on loopback that speaks the real REST and gateway protocol."""

from bot.sandbox.discord.faults import Faults
from bot.sandbox.discord.interaction import Reply
from bot.sandbox.discord.invoking import CommandNotShownError
from bot.sandbox.discord.modals import Modal, ModalError
from bot.sandbox.discord.model import (
    Channel,
    Exchange,
    Guild,
    Message,
    Permission,
    Request,
    Typing,
    Upload,
    User,
    Webhook,
)
from bot.sandbox.discord.proxying import Persona, ProxyBot, Proxying
from bot.sandbox.discord.server import DiscordOptions, DiscordSandbox
from bot.sandbox.discord.session import CloseCode

__all__ = [
    "Channel",
    "CloseCode",
    "CommandNotShownError",
    "DiscordOptions",
    "DiscordSandbox",
    "Exchange",
    "Faults",
    "Guild",
    "Message",
    "Modal",
    "ModalError",
    "Permission",
    "Persona",
    "ProxyBot",
    "Proxying",
    "Reply",
    "Request",
    "Typing",
    "Upload",
    "User",
    "Webhook",
]
