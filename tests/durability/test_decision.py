from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.durability.bucket import Replica
from bot.durability.decision import Action, decide
from bot.durability.lineage import Current, Marker, Parent
from bot.durability.situation import BucketFacts, Facts, Unreachable
from bot.errors import ExitCode, TzurotError
from bot.store.inspection import FileKind

NOW = datetime(2026, 11, 23, 19, tzinfo=UTC)
EMPTY_BUCKET = BucketFacts()


def marker(epoch: int = 3, **changes: object) -> Marker:
    fields = {
        "install_id": "ours",
        "epoch": epoch,
        "prefix": f"bot/live/e{epoch:06d}",
        "claim": f"claim{epoch}",
        "started_at": NOW,
        "bucket": "depot",
        "is_pending": False,
    }
    return Marker.model_validate(fields | changes)


def current(epoch: int = 3, **changes: object) -> Current:
    return Current.model_validate(marker(epoch, **changes).model_dump(exclude={"bucket", "is_pending"}))


def copies(newest: int = 9) -> Replica:
    return Replica(has_files=True, newest_txid=newest)


def pending_from(parent: int, **changes: object) -> Marker:
    origin = {"epoch": parent, "prefix": f"bot/live/e{parent:06d}", "txid": "0000000000000007"}
    return marker(4, is_pending=True, parent=origin, **changes)


HEALTHY_BUCKET = BucketFacts(current=current(), own=copies(), copy=copies())
FACTS = Facts(
    database=FileKind.OK,
    bucket=HEALTHY_BUCKET,
    bucket_name="depot",
    prefix="bot/live",
    marker=marker(),
    local_txid=9,
)
LOST = replace(FACTS, database=FileKind.MISSING, marker=None, local_txid=None)
NEW = replace(LOST, bucket=EMPTY_BUCKET)


def refused(facts: Facts, code: ExitCode = ExitCode.PROTECTED) -> str:
    with pytest.raises(TzurotError) as caught:
        decide(facts)
    assert caught.value.exit_code == code
    assert caught.value.remedy
    return str(caught.value)


def action(facts: Facts) -> Action:
    return decide(facts).action


def test_a_volume_that_has_what_its_copy_has_goes_on() -> None:
    assert action(FACTS) is Action.CONTINUE
    assert action(replace(FACTS, local_txid=12)) is Action.CONTINUE


def test_a_lost_database_is_restored() -> None:
    assert action(LOST) is Action.RESTORE
    assert action(replace(LOST, marker=marker())) is Action.RESTORE


def test_a_lost_database_is_restored_whatever_leave_to_begin_there_is() -> None:
    assert action(replace(LOST, allow_init="bot/live", has_import=True)) is Action.RESTORE


def test_a_zero_byte_file_is_restored_and_never_taken_for_a_database() -> None:
    assert action(replace(FACTS, database=FileKind.EMPTY)) is Action.RESTORE


@pytest.mark.parametrize("bucket", [EMPTY_BUCKET, None])
def test_a_zero_byte_file_without_a_copy_is_refused(bucket: BucketFacts | None) -> None:
    said = refused(replace(NEW, database=FileKind.EMPTY, bucket=bucket, allow_init="local" if bucket is None else None))
    assert "zero bytes" in said


def test_an_epoch_whose_copy_is_gone_is_not_replaced_by_an_empty_database() -> None:
    assert "is empty" in refused(replace(LOST, bucket=BucketFacts(current=current()), allow_init="bot/live"))


def test_an_empty_bucket_begins_a_new_installation() -> None:
    assert action(NEW) is Action.CREATE


def test_a_folder_to_import_begins_a_new_installation_with_it() -> None:
    assert action(replace(NEW, has_import=True)) is Action.IMPORT
    assert action(replace(NEW, bucket=None, allow_init="local", has_import=True)) is Action.IMPORT


def test_a_mistyped_prefix_names_what_is_there() -> None:
    others = BucketFacts(others=("bot/live", "bot/test"))
    said = refused(replace(NEW, prefix="bot/life", bucket=others))
    assert "bot/live, bot/test" in said
    assert "ALLOW_INIT=bot/life" in said


@pytest.mark.parametrize("word", ["bot/live", "BOT/LIFE", "bot/life/", "local", "true", ""])
def test_only_the_exact_prefix_is_leave_to_begin_beside_others(word: str) -> None:
    others = BucketFacts(others=("bot/live",))
    refused(replace(NEW, prefix="bot/life", bucket=others, allow_init=word))


def test_leave_to_the_letter_begins_beside_others() -> None:
    assert action(replace(NEW, bucket=BucketFacts(others=("bot/test",)), allow_init="bot/live")) is Action.CREATE


def test_an_import_beside_others_needs_leave_as_well() -> None:
    refused(replace(NEW, bucket=BucketFacts(others=("bot/test",)), has_import=True))


def test_epochs_without_a_current_one_are_never_begun_over() -> None:
    assert "e000002" in refused(replace(NEW, bucket=BucketFacts(epochs=(1, 2)), allow_init="bot/live"))


def test_a_marker_without_database_and_copy_is_a_mistake_and_no_new_installation() -> None:
    assert "neither is to be found" in refused(replace(NEW, marker=marker(), allow_init="bot/live"))


def test_a_creation_that_was_cut_off_is_begun_again() -> None:
    assert action(replace(NEW, marker=marker(1, is_pending=True))) is Action.CREATE


@pytest.mark.parametrize("bucket", [EMPTY_BUCKET, None])
def test_a_wal_without_its_database_and_without_a_copy_is_no_new_installation(bucket: BucketFacts | None) -> None:
    facts = replace(NEW, bucket=bucket, traces=("tzurot.db-wal",), allow_init="local" if bucket is None else "bot/live")
    assert "tzurot.db-wal" in refused(facts)


def test_a_wal_without_its_database_does_not_keep_the_copy_from_being_restored() -> None:
    decision = decide(replace(LOST, traces=("tzurot.db-wal",)))
    assert decision.action is Action.RESTORE
    assert "there is no database, only tzurot.db-wal of a lost one" in decision.reason


DAMAGED = replace(FACTS, database=FileKind.DAMAGED, problems=("row 7 missing from index",))


def test_a_damaged_database_is_restored_from_its_own_copy() -> None:
    decision = decide(DAMAGED)
    assert decision.action is Action.RESTORE
    assert "damaged (row 7 missing from index)" in decision.reason


def test_a_damaged_database_of_an_unconfirmed_epoch_is_restored_from_the_one_before() -> None:
    decision = decide(replace(DAMAGED, marker=pending_from(3)))
    assert decision.action is Action.RESTORE
    assert "epoch 4, which began from it here, was not confirmed" in decision.reason


IN_DOUBT = {
    "without a marker": replace(DAMAGED, marker=None),
    "of an older epoch": replace(DAMAGED, marker=marker(2)),
    "of an epoch from another parent": replace(DAMAGED, marker=pending_from(2)),
    "of an unconfirmed epoch in another bucket": replace(DAMAGED, marker=pending_from(3, bucket="elsewhere")),
}


@pytest.mark.parametrize("facts", IN_DOUBT.values(), ids=IN_DOUBT)
def test_a_damaged_database_that_the_copy_may_not_be_of_waits_for_an_order(facts: Facts) -> None:
    said = refused(facts)
    assert "row 7 missing" in said
    assert "nothing was touched" in said
    assert "RESTORE_MODE=prefer-replica" in said
    assert action(replace(facts, restore_mode="prefer-replica")) is Action.RESTORE


def test_a_damaged_database_is_not_gone_on_with_even_on_order() -> None:
    assert "Unset RESTORE_MODE" in refused(replace(DAMAGED, restore_mode="accept-volume"))


@pytest.mark.parametrize("mode", [None, "prefer-replica"])
def test_a_damaged_database_of_another_installation_is_refused_as_foreign(mode: str | None) -> None:
    facts = replace(DAMAGED, marker=marker(install_id="theirs"), restore_mode=mode)  # type: ignore[arg-type]  # parametrized
    assert "another installation" in refused(facts)


def test_a_damaged_database_waits_for_a_bucket_that_is_away() -> None:
    said = refused(replace(DAMAGED, bucket=Unreachable("It is away.")), ExitCode.FAILED)
    assert "row 7 missing" in said
    assert "nothing was touched" in said


def test_a_damaged_database_whose_copy_is_elsewhere_is_told_where() -> None:
    facts = replace(DAMAGED, bucket=EMPTY_BUCKET, marker=marker(bucket="elsewhere"))
    assert "bot/live/e000003 in the bucket elsewhere" in refused(facts)


def test_a_damaged_database_is_replaced_when_asked_for() -> None:
    assert action(replace(FACTS, database=FileKind.DAMAGED, restore_mode="prefer-replica")) is Action.RESTORE


@pytest.mark.parametrize("bucket", [EMPTY_BUCKET, None])
def test_a_damaged_database_is_not_replaced_by_nothing(bucket: BucketFacts | None) -> None:
    refused(replace(FACTS, database=FileKind.DAMAGED, restore_mode="prefer-replica", bucket=bucket, marker=None))


ROLLED_BACK = {
    "behind its copy": replace(FACTS, local_txid=8),
    "without Litestream's folder": replace(FACTS, local_txid=None),
    "of an older epoch": replace(FACTS, marker=marker(2)),
    "of a newer epoch than the bucket knows": replace(FACTS, marker=marker(4)),
    "without a marker": replace(FACTS, marker=None),
    "of the same number but not the same epoch": replace(FACTS, marker=marker(claim="another")),
    "in doubt before it is confirmed": replace(
        FACTS, marker=marker(4, is_pending=True, parent={"epoch": 3, "prefix": "bot/live/e000003"}), local_txid=5
    ),
}


@pytest.mark.parametrize("facts", ROLLED_BACK.values(), ids=ROLLED_BACK)
def test_a_volume_that_may_be_older_than_its_copy_waits_for_an_order(facts: Facts) -> None:
    assert "RESTORE_MODE" in refused(facts)
    assert action(replace(facts, restore_mode="accept-volume")) is Action.ADOPT
    assert action(replace(facts, restore_mode="prefer-replica")) is Action.RESTORE


def test_orders_change_nothing_for_a_volume_that_is_right() -> None:
    assert action(replace(FACTS, restore_mode="accept-volume")) is Action.CONTINUE
    assert action(replace(FACTS, restore_mode="prefer-replica")) is Action.CONTINUE


@pytest.mark.parametrize("mode", [None, "accept-volume", "prefer-replica"])
@pytest.mark.parametrize("database", [FileKind.OK, FileKind.MISSING])
def test_another_installations_prefix_is_refused_whatever_is_asked_for(mode: str | None, database: FileKind) -> None:
    stranger = replace(HEALTHY_BUCKET, current=current(install_id="theirs"))
    facts = replace(FACTS, bucket=stranger, database=database, restore_mode=mode)  # type: ignore[arg-type]  # parametrized
    assert "another installation" in refused(facts)


def test_an_unconfirmed_epoch_goes_on() -> None:
    parent = Parent(epoch=3, prefix="bot/live/e000003", txid="9")
    pending = marker(4, is_pending=True, parent=parent)
    assert action(replace(FACTS, marker=pending)) is Action.CONTINUE
    nothing_yet = replace(HEALTHY_BUCKET, own=Replica(has_files=False))
    assert action(replace(FACTS, marker=pending, local_txid=None, bucket=nothing_yet)) is Action.CONTINUE


def test_an_unconfirmed_first_epoch_goes_on() -> None:
    facts = replace(FACTS, marker=marker(1, is_pending=True), bucket=BucketFacts(epochs=(1,), own=copies()))
    assert action(facts) is Action.CONTINUE


def test_an_epoch_confirmed_just_before_a_crash_goes_on() -> None:
    parent = Parent(epoch=2, prefix="bot/live/e000002")
    assert action(replace(FACTS, marker=marker(3, is_pending=True, parent=parent))) is Action.CONTINUE


def test_an_unconfirmed_epoch_loses_against_one_that_began_meanwhile() -> None:
    parent = Parent(epoch=2, prefix="bot/live/e000002")
    refused(replace(FACTS, marker=marker(3, is_pending=True, parent=parent, claim="ours")))


def test_a_copy_that_vanished_is_made_again() -> None:
    assert action(replace(FACTS, bucket=BucketFacts(current=current()))) is Action.ADOPT


def test_a_volume_that_never_had_a_bucket_begins_its_copy_in_an_empty_one() -> None:
    facts = replace(FACTS, marker=None, local_txid=None, bucket=EMPTY_BUCKET)
    assert action(facts) is Action.ADOPT


def test_a_volume_without_a_copy_needs_leave_in_a_bucket_that_is_not_empty() -> None:
    facts = replace(FACTS, marker=None, local_txid=None, bucket=BucketFacts(others=("bot/test",)))
    refused(facts)
    assert action(replace(facts, allow_init="bot/live")) is Action.ADOPT


def test_a_volume_whose_prefix_was_mistyped_does_not_begin_a_second_copy() -> None:
    facts = replace(FACTS, prefix="bot/life", bucket=BucketFacts(others=("bot/live",)))
    assert "bot/live" in refused(facts)
    assert action(replace(facts, allow_init="bot/life")) is Action.ADOPT


def test_without_an_answer_the_volume_that_owns_the_epoch_starts_degraded() -> None:
    assert action(replace(FACTS, bucket=Unreachable("It is away."))) is Action.DEGRADED


@pytest.mark.parametrize("database", [FileKind.MISSING, FileKind.EMPTY])
def test_without_an_answer_nothing_starts_empty(database: FileKind) -> None:
    facts = replace(FACTS, database=database, bucket=Unreachable("It is away."), allow_init="bot/live", has_import=True)
    assert "does not start empty" in refused(facts, ExitCode.FAILED)


@pytest.mark.parametrize(
    "other", [None, marker(bucket="elsewhere"), marker(prefix="bot/life/e000003"), marker(prefix="bot/live2/e000003")]
)
def test_without_an_answer_a_volume_that_belongs_elsewhere_waits(other: Marker | None) -> None:
    refused(replace(FACTS, marker=other, bucket=Unreachable("It is away.")), ExitCode.FAILED)


def test_without_a_bucket_a_database_goes_on_alone() -> None:
    assert action(replace(FACTS, bucket=None, marker=None)) is Action.ALONE


def test_without_a_bucket_a_new_installation_must_be_asked_for() -> None:
    facts = replace(NEW, bucket=None)
    assert "ALLOW_INIT=local" in refused(facts)
    assert "ALLOW_INIT=local" in refused(replace(facts, allow_init="yes"))
    assert action(replace(facts, allow_init="local")) is Action.CREATE


@pytest.mark.parametrize("database", [FileKind.OK, FileKind.MISSING])
def test_a_volume_that_has_a_copy_does_not_silently_go_on_without_one(database: FileKind) -> None:
    assert "bot/live/e000003" in refused(replace(FACTS, bucket=None, database=database))


def test_a_volume_that_has_a_copy_goes_on_without_one_when_told_so() -> None:
    assert action(replace(FACTS, bucket=None, allow_init="local")) is Action.ALONE
