"""What a series amounts to, in its three forms."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from bot.sandbox.certificate import report
from bot.sandbox.certificate.books import Balance
from bot.sandbox.certificate.examination import Contents, Loss
from bot.sandbox.certificate.figures import Distribution, Totals
from bot.sandbox.certificate.outcome import Outcome
from bot.sandbox.certificate.picture import draw
from bot.sandbox.certificate.plan import KINDS, Victim, plan_of
from bot.sandbox.certificate.report import Heading
from bot.sandbox.certificate.run import unnamed

HEADING = Heading(seed=5, wanted=500, began_at=datetime(2026, 11, 28, 17, tzinfo=UTC), seconds=61.4, machine="a box")
DIED_AT = datetime(2026, 11, 28, 17, tzinfo=UTC)
MISSED = Balance(missed=("q3 in 1 misses the answer",))


def outcomes(count: int = 2 * len(KINDS)) -> list[Outcome]:
    return [
        Outcome(plan=plan_of(5, number), acknowledged=3, questions=7, first_answer_ms=1000.0 + number)
        for number in range(1, count + 1)
    ]


def number_beyond() -> int:
    return next(number for number in range(1, 500) if plan_of(5, number).is_beyond_promise)


def test_a_run_in_which_all_balances_is_not_broken() -> None:
    assert not [each for each in outcomes() if each.broken()]


@pytest.mark.parametrize(
    "broken",
    [
        {"balance": MISSED},
        {"balance": Balance(doubled=("q3 part 1 was said 2 times: 4, 5",))},
        {"balance": Balance(wrong_voice=("q3 was answered by another",))},
        {"balance": Balance(out_of_order=("q3 was answered before q2",))},
        {"unsound": ("the copy: row 1 refers to nothing",)},
        {"lost": ("login 7",)},
        {"unnamed": "the receipt says nothing"},
        {"failure": "it did not come back"},
    ],
)
def test_each_promise_can_break_a_run(broken: dict[str, object]) -> None:
    outcome = Outcome(plan=plan_of(5, 1), **broken)  # type: ignore[arg-type]  # one field of many
    assert outcome.broken()


def test_beyond_the_promise_only_acknowledged_writes_count_and_that_it_comes_back() -> None:
    plan = plan_of(5, number_beyond())
    assert not Outcome(plan=plan, balance=MISSED, unsound=("there is none",)).broken()
    assert Outcome(plan=plan, unnamed="the receipt says nothing").broken()
    assert Outcome(plan=plan, lost=("login 7",)).broken() == ["lost: login 7"]
    assert Outcome(plan=plan, failure="it did not come back").broken()


def test_after_a_deploy_that_said_all_is_in_the_bucket_nothing_at_all_may_be_gone() -> None:
    plan = next(plan for number in range(1, 500) if (plan := plan_of(5, number)).victim is Victim.DEPLOYED)
    assert Outcome(plan=plan, loss_window_ms=3.0).broken()
    assert not Outcome(plan=plan, loss_window_ms=0.0).broken()


def test_totals_count_what_is_promised_to_be_zero() -> None:
    runs = outcomes(3)
    runs[1] = replace(runs[1], lost=("login 7", "alias a of b"), balance=MISSED)
    totals = Totals.of(runs)
    assert (totals.runs, totals.broken_runs, totals.acknowledged, totals.acknowledged_lost) == (3, 1, 9, 2)
    assert (totals.questions, totals.answers_missed, totals.answers_doubled) == (21, 1, 0)


def test_a_distribution_has_the_values_at_its_ranks() -> None:
    assert Distribution.of(float(value) for value in range(100, 0, -1)) == Distribution(100, 1, 50, 95, 100)
    assert Distribution.of([7.0]) == Distribution(1, 7, 7, 7, 7)
    assert Distribution.of([]) is None


COMMITS = {f"turn {number}": DIED_AT - timedelta(milliseconds=100 * number) for number in range(1, 6)}
KEPT = Contents((), commits={key: at for key, at in COMMITS.items() if key in {"turn 4", "turn 5"}})
DEAD = Contents((), commits={**COMMITS, "spoken 9": DIED_AT - timedelta(milliseconds=350)})


def test_the_loss_window_reaches_back_to_the_oldest_commit_that_is_gone() -> None:
    assert Loss.between(DEAD, KEPT, DIED_AT) == Loss(350, COMMITS["turn 3"])
    assert Loss.between(DEAD, DEAD, DIED_AT) == Loss()


@pytest.mark.parametrize(("named", "is_silent"), [(COMMITS["turn 4"], False), (COMMITS["turn 2"], True), (None, True)])
def test_a_receipt_must_name_the_whole_window(named: datetime | None, *, is_silent: bool) -> None:
    said = unnamed(replace(KEPT, restored_since=named), [Loss.between(DEAD, KEPT, DIED_AT)])
    assert bool(said) == is_silent


def test_where_nothing_is_gone_no_receipt_is_asked_for() -> None:
    assert not unnamed(KEPT, [Loss.between(DEAD, DEAD, DIED_AT)])
    assert not unnamed(KEPT, [])


def test_the_json_says_whether_the_promise_was_kept_and_how_each_run_went() -> None:
    runs = outcomes()
    assert report.as_json(HEADING, runs)["is_kept"] is True
    runs[4] = replace(runs[4], lost=("login 7",))
    found = orjson.loads(orjson.dumps(report.as_json(HEADING, list(reversed(runs)))))
    assert found["is_kept"] is False
    assert [each["plan"]["number"] for each in found["outcomes"]] == list(range(1, len(runs) + 1))
    assert found["outcomes"][4]["broken"] == ["lost: login 7"]
    counts = [found[part]["totals"]["runs"] for part in ("promised", "beyond_promise")]
    assert sum(counts) == len(runs)
    assert min(counts) > 0
    assert found["promised"]["distributions"]["first_answer_ms"]["min"] == 1001


def test_a_series_in_which_nothing_ended_has_kept_nothing() -> None:
    assert report.as_json(HEADING, [])["is_kept"] is False
    assert "No run ended" in report.as_markdown(HEADING, [])


def test_the_markdown_says_how_to_play_a_broken_run_again() -> None:
    runs = outcomes()
    assert "The promise was kept" in report.as_markdown(HEADING, runs)
    runs[4] = replace(runs[4], lost=("login 7",))
    text = report.as_markdown(HEADING, runs)
    assert f"1 of {len(runs)} runs broke the promise" in text
    assert "`tzurot certify --seed 5 --only 5`" in text
    assert "- lost: login 7" in text
    assert f"{len(runs)} of 500 runs, seed 5" in text


def test_the_picture_has_a_cell_for_each_run_and_names_what_broke() -> None:
    runs = outcomes()
    runs[4] = replace(runs[4], lost=("login <7>",))
    text = draw(5, runs)
    picture = ET.fromstring(text)  # noqa: S314 - our own
    assert len(picture.findall(".//{*}g")) == len(runs)
    assert "login &lt;7&gt;" in text
    assert "prefers-color-scheme: dark" in text
    ET.fromstring(draw(5, []))  # noqa: S314 - our own


def test_all_three_files_are_written(tmp_path: Path) -> None:
    report.write(tmp_path / "there", HEADING, outcomes())
    assert {path.name for path in (tmp_path / "there").iterdir()} == {
        "certificate.md",
        "certificate.json",
        "certificate.svg",
    }
