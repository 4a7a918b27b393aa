"""The two moments of a request at which whoever sent it may die: it arrived, or it took effect."""

from collections.abc import Callable
from enum import Enum


class Moment(Enum):
    """How far the server got with a request: nothing done yet, or all done and nothing answered."""

    ARRIVED = "arrived"
    APPLIED = "applied"


Watcher = Callable[[str, Moment], bool]
"""Told of each request (its route) at both moments; True where the one who asked is dead, so it has no effect."""
