"""The receipt: what is compared, what counts as lost, and how it reads."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.model import Recovered
from bot.rules.operation.receipt import Before, Ending, Origin, Receipt, Start, draw_up, is_worth_telling
from bot.rules.operation.receipt_text import describe

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ROWS = {"personalities": 66, "conversations": 1249, "lives": 9, "canary": 1}
STOPPED = Before(epoch=1, stopped_at=NOON, rows_at_stop=ROWS, last_seen_at=NOON - timedelta(seconds=9))
KILLED = Before(epoch=1, stopped_at=None, rows_at_stop=None, last_seen_at=NOON)
SAME = Origin(epoch=1)
RESTORED = Origin(epoch=2, is_restored=True)
LATER = NOON + timedelta(seconds=5)


def back(receipt: Receipt, recovered: Recovered | None = None) -> Receipt:
    return replace(receipt, back_at=NOON + timedelta(seconds=8.2), recovered=recovered or Recovered())


def test_a_deploy_that_lost_nothing_reads_as_one_line() -> None:
    recovered = Recovered(answered=2, skipped={"TooOld": 1})
    assert describe(back(draw_up(STOPPED, SAME, ROWS, LATER), recovered)) == (
        "Back after 8 s (planned stop). 1,315 rows before, 1,315 after, 0 lost."
        " 3 messages missed: 2 answered, 1 too old."
    )


def test_what_is_gone_is_named_by_table_and_new_rows_make_up_for_nothing() -> None:
    receipt = back(draw_up(STOPPED, SAME, {"personalities": 70, "conversations": 1246}, LATER))
    assert receipt.lost == {"conversations": 3}
    assert "1,315 rows before, 1,316 after, 3 LOST (3 of conversations)." in describe(receipt)


def test_a_table_that_is_gone_is_lost_and_a_new_one_is_not() -> None:
    receipt = draw_up(STOPPED, SAME, {"personalities": 66, "marks": 5}, LATER)
    assert receipt.lost == {"conversations": 1249}


def test_rows_that_tell_of_the_process_itself_are_not_compared() -> None:
    assert draw_up(STOPPED, SAME, ROWS | {"lives": 0, "canary": 0}, LATER).lost == {}


def test_a_crash_on_the_same_file_lost_nothing_and_was_at_most_so_long() -> None:
    receipt = back(draw_up(KILLED, SAME, ROWS, LATER))
    assert (receipt.ended_how, receipt.lost) == (Ending.CRASH, {})
    assert describe(receipt) == (
        "Back after at most 8 s (crash). 1,315 rows in the same file, 0 lost. No message missed."
    )


def test_a_restore_after_a_handover_says_of_when_it_is() -> None:
    receipt = back(draw_up(STOPPED, RESTORED, ROWS, LATER))
    assert (receipt.start, receipt.lost) == (Start.RESTORE, {})
    assert "Restored as handed over at 2026-11-23 12:00:00 UTC: 1,315 rows before, 1,315 after, 0 lost." in describe(
        receipt
    )


def test_a_restore_after_a_crash_names_the_window_instead_of_a_number() -> None:
    receipt = back(draw_up(KILLED, RESTORED, ROWS, LATER))
    assert receipt.lost is None
    assert (
        "Restored from the bucket with 1,315 rows. What was written after 2026-11-23 12:00:00 UTC and not confirmed"
        " before the crash can't be known; whatever was confirmed as saved is here."
    ) in describe(receipt)


def test_an_accepted_volume_is_no_proof_even_if_it_was_handed_over() -> None:
    receipt = draw_up(STOPPED, Origin(epoch=2, is_accepted=True), ROWS, LATER)
    assert (receipt.start, receipt.lost) == (Start.ACCEPT, None)
    assert "accepted as it was at 2026-11-23 12:00:00 UTC with 1,315 rows" in describe(back(receipt))


def test_a_new_epoch_of_the_same_volume_is_the_same_file() -> None:
    assert draw_up(KILLED, Origin(epoch=2), ROWS, LATER).start is Start.CONTINUE


def test_an_accepted_volume_is_accepted_once_however_long_the_setting_stays() -> None:
    assert draw_up(KILLED, Origin(epoch=1, is_accepted=True), ROWS, LATER).start is Start.CONTINUE


def test_the_first_start_has_nothing_to_compare() -> None:
    receipt = draw_up(None, RESTORED, ROWS, LATER)
    assert (receipt.start, receipt.ended_how, receipt.lost) == (Start.FIRST, None, {})
    assert describe(receipt).startswith("The first start")


def test_rows_that_nobody_could_count_do_not_make_a_loss() -> None:
    receipt = back(draw_up(replace(STOPPED, rows_at_stop=None), SAME, None, LATER))
    assert describe(receipt) == "Back after 8 s (planned stop). 0 lost. No message missed."


def test_until_it_is_over_the_receipt_says_what_is_still_missing() -> None:
    text = describe(draw_up(STOPPED, SAME, ROWS, LATER))
    assert text.startswith("Not back on Discord yet. ")
    assert text.endswith(" What was missed is still being looked at.")


def test_a_clock_that_went_back_gives_no_negative_time() -> None:
    receipt = draw_up(STOPPED, SAME, ROWS, LATER)
    assert replace(receipt, back_at=NOON - timedelta(hours=1)).down == timedelta()


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 days")]
)
def test_the_time_is_as_exact_as_a_person_needs_it(seconds: float, shown: str) -> None:
    receipt = replace(draw_up(STOPPED, SAME, ROWS, LATER), back_at=NOON + timedelta(seconds=seconds))
    assert describe(receipt).startswith(f"Back after {shown} (")


def test_reasons_that_are_error_kinds_are_named_and_one_message_is_one() -> None:
    receipt = back(draw_up(STOPPED, SAME, ROWS, LATER), Recovered(skipped={"NotAllowedError": 1}))
    assert describe(receipt).endswith("1 message missed: 1 failed (NotAllowedError).")


CRASH = draw_up(KILLED, SAME, ROWS, LATER)
INTERVAL = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("receipt", "told_seconds_ago", "expected"),
    [
        (draw_up(None, SAME, ROWS, LATER), None, False),
        (draw_up(STOPPED, SAME, ROWS, LATER), 1, True),
        (draw_up(KILLED, RESTORED, ROWS, LATER), 1, True),
        (draw_up(STOPPED, SAME, {}, LATER), 1, True),
        (CRASH, None, True),
        (CRASH, 599, False),
        (CRASH, 600, True),
    ],
    ids=["first", "deploy", "restore", "loss", "crash", "crashes", "later crash"],
)
def test_the_owner_is_not_told_of_each_round_of_a_crash_loop(
    receipt: Receipt, told_seconds_ago: float | None, *, expected: bool
) -> None:
    told_at = None if told_seconds_ago is None else LATER - timedelta(seconds=told_seconds_ago)
    assert is_worth_telling(receipt, told_at, INTERVAL) is expected
