"""Volume and bucket of one installation that do not fit together: each way has its own decision and sentence."""

from dataclasses import replace

import pytest

from bot.durability.bucket import Replica
from bot.durability.decision import Action, decide
from bot.durability.lineage import Marker, Past
from bot.durability.refusals import describe_loss
from bot.durability.situation import BucketFacts, Facts
from tests.durability.test_decision import (
    DAMAGED,
    EMPTY_BUCKET,
    FACTS,
    HEALTHY_BUCKET,
    LOST,
    NOW,
    action,
    copies,
    current,
    marker,
    pending_from,
    refused,
)


def test_an_older_volume_that_came_back_is_told_when_its_epoch_ended() -> None:
    past = Past(epoch=2, prefix="bot/live/e000002", start=NOW, end=NOW)
    bucket = replace(HEALTHY_BUCKET, current=current().model_copy(update={"history": (past,)}))
    said = refused(replace(FACTS, bucket=bucket, marker=marker(2)))
    assert "epoch 2, which ended 2026-11-23 19:00:00 UTC" in said
    assert "an older volume came back" in said


@pytest.mark.parametrize("uploaded", [True, False])
def test_a_volume_restored_first_and_overtaken_by_another_is_told_so(uploaded: bool) -> None:
    own = copies() if uploaded else Replica(has_files=False)
    facts = replace(FACTS, bucket=replace(HEALTHY_BUCKET, own=own), marker=pending_from(2))
    said = refused(facts)
    assert "began epoch 4 from epoch 2, but before that was confirmed epoch 3 became the current one" in said
    assert ("what it uploaded is at bot/live/e000004" in said) is uploaded
    assert action(replace(facts, restore_mode="prefer-replica")) is Action.RESTORE
    assert action(replace(facts, restore_mode="accept-volume")) is Action.ADOPT


MOVED = {"another bucket": marker(bucket="elsewhere"), "another prefix": marker(prefix="bot/life/e000003")}


@pytest.mark.parametrize("other", MOVED.values(), ids=MOVED)
def test_a_copy_that_is_moved_to_an_empty_bucket_begins_there(other: Marker) -> None:
    decision = decide(replace(FACTS, marker=other, bucket=EMPTY_BUCKET))
    assert decision.action is Action.ADOPT
    assert f"at {other.prefix} in the bucket {other.bucket}, where it stays" in decision.reason


@pytest.mark.parametrize("other", MOVED.values(), ids=MOVED)
def test_a_copy_that_is_moved_into_a_used_bucket_needs_leave(other: Marker) -> None:
    facts = replace(FACTS, marker=other, bucket=BucketFacts(others=("bot/test",)))
    said = refused(facts)
    assert f"copy is at {other.prefix} in the bucket {other.bucket}" in said
    assert "set ALLOW_INIT=bot/live" in said
    assert action(replace(facts, allow_init="bot/live")) is Action.ADOPT


@pytest.mark.parametrize("mode", [None, "accept-volume", "prefer-replica"])
def test_a_place_with_an_older_copy_of_the_same_installation_waits_for_an_order(mode: str | None) -> None:
    facts = replace(FACTS, marker=marker(5, bucket="elsewhere"), restore_mode=mode)  # type: ignore[arg-type]  # parametrized
    if mode is None:
        assert "which has another copy of the same installation: epoch 3" in refused(facts)
    else:
        assert action(facts) is (Action.ADOPT if mode == "accept-volume" else Action.RESTORE)


def test_a_bucket_that_was_copied_elsewhere_is_gone_on_with_in_a_new_epoch() -> None:
    facts = replace(FACTS, marker=marker(bucket="elsewhere"))
    assert action(facts) is Action.ADOPT
    assert "rolled back" in refused(replace(facts, local_txid=8))


def test_an_unconfirmed_epoch_in_another_bucket_does_not_go_on_here() -> None:
    refused(replace(FACTS, marker=pending_from(3, bucket="elsewhere")))


def test_a_lost_record_of_epochs_needs_leave_to_begin_another() -> None:
    facts = replace(FACTS, bucket=BucketFacts(epochs=(3,), own=copies()))
    assert "current.json is gone" in refused(facts)
    assert action(replace(facts, allow_init="bot/live")) is Action.ADOPT


def test_leave_to_begin_is_none_to_forget_what_only_the_copy_has() -> None:
    facts = replace(FACTS, bucket=BucketFacts(epochs=(3,), own=copies()), local_txid=8, allow_init="bot/live")
    said = refused(facts)
    assert "current.json is gone" in said
    assert "rolled back" in said
    assert "prefer-replica" not in said
    assert action(replace(facts, restore_mode="accept-volume")) is Action.ADOPT


LOSSES = {
    "as much as the copy": (DAMAGED, "after transaction 9, where the copy ends"),
    "more than the copy": (replace(DAMAGED, local_txid=12), "It lacks 3 transactions that had not reached the bucket"),
    "one more": (replace(DAMAGED, local_txid=10), "It lacks 1 transaction that"),
    "unknown": (replace(DAMAGED, local_txid=None), "after transaction 9"),
    "gone with nothing to show": (LOST, ""),
    "gone, all uploaded": (replace(LOST, marker=marker(), local_txid=9), ""),
    "gone, not all uploaded": (replace(LOST, marker=marker(), local_txid=11), "It lacks 2 transactions"),
    "unconfirmed": (replace(DAMAGED, marker=pending_from(3)), "epoch 4, which was never confirmed; what of that was"),
    "of another epoch": (replace(FACTS, marker=marker(2)), "what only this volume had"),
    "nowhere": (replace(DAMAGED, bucket=EMPTY_BUCKET), ""),
}


@pytest.mark.parametrize(("facts", "said"), LOSSES.values(), ids=LOSSES)
def test_a_restore_says_what_may_be_missing(facts: Facts, said: str) -> None:
    loss = describe_loss(facts, 9)
    assert said in loss
    assert bool(loss) is bool(said)
