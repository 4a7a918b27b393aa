"""A bot whose time is the test's: no part keeps a clock of its own."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import bot.app.parts
from bot.client import Client
from tests.client.conftest import World

THEN = datetime(2031, 5, 1, 12, tzinfo=UTC)


def then() -> datetime:
    return THEN


def parts_of(thing: Any, seen: set[int]) -> Iterator[Any]:
    """An object of the program with everything of the program that it holds."""
    if id(thing) in seen or not type(thing).__module__.startswith("bot."):
        return
    seen.add(id(thing))
    yield thing
    names = [field.name for field in dataclasses.fields(thing)] if dataclasses.is_dataclass(thing) else []
    for name in {*names, *getattr(thing, "__dict__", ())}:
        yield from parts_of(getattr(thing, name, None), seen)


async def test_every_part_has_the_clock_that_the_bot_was_given(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Client] = []

    class Seen(Client):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            made.append(self)

    monkeypatch.setattr(bot.app.parts, "Client", Seen)
    async with world.bot(clock=then):
        clocks = {
            type(part).__name__: getattr(part, name)
            for part in parts_of(made[0].services, set())
            for name in ("clock", "_clock")
            if hasattr(part, name)
        }
        assert {"Dialogue", "Delivery", "Decider", "Gate", "Watermark", "Logins", "WebhookSpeaker"} <= set(clocks)
        assert [name for name, clock in clocks.items() if clock is not then] == []
