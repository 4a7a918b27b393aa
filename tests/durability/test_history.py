"""Which epoch's copy is asked for the state of a time."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.durability.history import reigns
from bot.durability.lineage import Current, Past
from bot.durability.restore import Source

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def past(epoch: int, **changes: object) -> Past:
    """An epoch of one hour; its end is recorded a minute after its successor's beginning."""
    start = START + (epoch - 1) * HOUR
    end = start + HOUR + timedelta(minutes=1)
    fields = {"epoch": epoch, "prefix": f"p/e{epoch}", "from": start, "to": end, "txid": f"{epoch:016x}"}
    return Past.model_validate(fields | changes)


def current(*history: Past) -> Current:
    return Current(install_id="i", epoch=3, prefix="p/e3", claim="c", started_at=START + 2 * HOUR, history=history)


def test_the_newest_epoch_is_asked_first() -> None:
    assert [reign.epoch for reign in reigns(current(past(1), past(2)))] == [3, 2, 1]


def test_an_epoch_in_its_own_time_is_asked_for_that_time() -> None:
    at = START + timedelta(minutes=30)
    assert reigns(current(past(1), past(2)))[2].sources(at) == [Source("p/e1", at)]


@pytest.mark.parametrize("minutes", [60, 61, 600])
def test_after_its_end_an_epoch_is_asked_for_what_its_successor_took_over(minutes: int) -> None:
    at = START + timedelta(minutes=minutes)
    exact, latest = reigns(current(past(1), past(2)))[2].sources(at)
    assert exact == Source("p/e1", txid="0000000000000001")
    assert latest.at is not None
    assert latest.at <= START + HOUR + timedelta(seconds=1)


def test_after_its_end_an_epoch_of_an_older_version_is_asked_for_its_last_second() -> None:
    (latest,) = reigns(current(past(1, txid=None), past(2)))[2].sources(START + 9 * HOUR)
    assert latest == Source("p/e1", START + HOUR + timedelta(seconds=1))
