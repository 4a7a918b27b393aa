"""The bot with counters: which handlers were reached, what the gate said, which commands have ended."""

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.app import parts
from bot.client import Client
from bot.services.gate import Gate


class Counters:
    """What happened since they were cleared; `ended` and `ignored` are set when it happens."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.ended = asyncio.Event()
        self.ignored = asyncio.Event()

    def clear(self) -> None:
        self.reached.clear()
        self.ended.clear()
        self.ignored.clear()

    def counted(self, name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        async def counting(*arguments: Any, **options: Any) -> Any:
            self.reached.append(name)
            return await handler(*arguments, **options)

        return counting


def count(monkeypatch: pytest.MonkeyPatch) -> Counters:
    """Let bots that start from now on count."""
    counters = Counters()

    class Counting(Client):
        async def setup_hook(self) -> None:
            await super().setup_hook()
            for command in self.walk_commands():
                name, slash = command.qualified_name, getattr(command, "app_command", None)
                command._callback = counters.counted(name, command._callback)
                if isinstance(slash, app_commands.Command):
                    slash._callback = counters.counted(name, slash._callback)
            for menu in self.tree.get_commands(type=discord.AppCommandType.message):
                menu._callback = counters.counted(menu.name, menu._callback)

        def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
            super().dispatch(event_name, *args, **kwargs)
            if event_name in ("command_completion", "command_error"):
                counters.ended.set()

    admit = Gate.admit

    async def noted(self: Gate, *arguments: Any) -> bool:
        is_admitted = await admit(self, *arguments)
        if not is_admitted:
            counters.ignored.set()
        return is_admitted

    monkeypatch.setattr(parts, "Client", Counting)
    monkeypatch.setattr(Gate, "admit", noted)
    return counters
