"""What is remembered of many things, and for how long a lock is the same one."""

import gc

from bot.services.locks import Locks
from bot.services.recent import Recent


def test_of_too_many_the_oldest_is_forgotten() -> None:
    recent: Recent[int, str] = Recent(2)
    recent[1], recent[2], recent[3] = "a", "b", "c"
    assert dict(recent) == {2: "b", 3: "c"}


def test_what_is_put_there_again_is_new_again() -> None:
    recent: Recent[int, str] = Recent(2)
    recent[1], recent[2], recent[1] = "a", "b", "c"
    recent[3] = "d"
    assert dict(recent) == {1: "c", 3: "d"}


def test_who_wants_the_same_at_the_same_time_gets_the_same_lock() -> None:
    locks = Locks()
    first = locks.of(1)
    assert locks.of(1) is first
    assert locks.of(2) is not first


def test_a_lock_that_nobody_has_any_more_is_gone() -> None:
    locks = Locks()
    locks.of(1)
    gc.collect()
    assert len(locks._held) == 0
