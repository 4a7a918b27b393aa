"""How long work says how far it is."""

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int], None]
"""Told now and then, maybe from another thread: what is being done, and how much of it is; may raise to stop it."""


def unwatched(_what: str, _done: int) -> None:
    """Nobody waits for it."""
