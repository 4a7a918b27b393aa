"""What happens in a run is decided by its seed and number, and a series leaves nothing out."""

from collections import Counter
from itertools import pairwise

import pytest

from bot.sandbox.certificate.plan import KINDS, OUTAGES, WHOLE, Network, Point, Victim, plan_of

SEEDS = range(5)
ROUNDS = 20


def series(seed: int) -> list[int]:
    return list(range(1, ROUNDS * len(KINDS) + 1))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_and_number_plan_the_same_run(seed: int) -> None:
    assert [plan_of(seed, number) for number in series(seed)] == [plan_of(seed, number) for number in series(seed)]


def test_another_seed_plans_other_runs() -> None:
    assert [plan_of(1, number) for number in series(1)] != [plan_of(2, number) for number in series(2)]


def test_the_dice_of_a_run_are_the_same_each_time_and_their_purposes_do_not_share_them() -> None:
    plan = plan_of(7, 11)
    assert plan.chance("load").random() == plan_of(7, 11).chance("load").random() != plan.chance("other").random()


def test_as_many_runs_as_there_are_kinds_have_one_of_each() -> None:
    assert [plan_of(3, number).kind for number in range(1, len(KINDS) + 1)] == [kind.name for kind in KINDS]


def test_every_point_has_a_kind_of_its_own() -> None:
    alone = {kind.points[0] for kind in KINDS if len(kind.points) == 1 and kind.victim is Victim.EVERYTHING}
    assert alone == set(Point)


def test_the_bucket_fails_in_every_way_with_and_without_the_volume() -> None:
    plans = [plan_of(1, number) for number in series(1)]
    seen = {(plan.network, plan.is_volume_lost) for plan in plans}
    assert seen == {(network, is_lost) for network in Network for is_lost in (True, False)}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.victim in WHOLE], ids=lambda kind: kind.name)
def test_the_volume_is_lost_in_every_second_run_of_a_kind_that_loses_all_processes(kind: object) -> None:
    plans = [plan for number in series(1) if (plan := plan_of(1, number)).kind == getattr(kind, "name", "")]
    assert all(before.is_volume_lost != after.is_volume_lost for before, after in pairwise(plans))


def test_who_loses_one_process_keeps_the_volume() -> None:
    plans = [plan_of(1, number) for number in series(1)]
    assert not [plan for plan in plans if plan.victim not in WHOLE and plan.is_volume_lost]


def test_the_second_instance_carries_on_in_some_runs_and_not_in_others() -> None:
    heirs = Counter(plan.is_heir for number in series(1) if (plan := plan_of(1, number)).has_second)
    assert heirs[True] > 0
    assert heirs[False] > 0


def test_only_an_outage_with_the_volume_lost_or_a_second_instance_is_beyond_the_promise() -> None:
    for number in series(4):
        plan = plan_of(4, number)
        is_blind = plan.network in OUTAGES
        assert plan.is_beyond_promise == (is_blind and (plan.is_volume_lost or plan.has_second))
