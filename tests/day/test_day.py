"""The day's plan and its model, which must be right for the day to prove anything."""

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.day.__main__ import main
from tests.day.acts import Delete, Edit, Order, Outcome, Say, Trouble
from tests.day.cast import CROWD, SPOTS, Kind, PlaceKind, by_kind, personalities
from tests.day.judging import Judge
from tests.day.oracle import HOUR, MINUTE, Oracle
from tests.day.performance import Performance, answer_to, number_of
from tests.day.plan import plan_day
from tests.day.stage import opened

ANNA = by_kind(Kind.ORDINARY)[0]
BEN = by_kind(Kind.AUTOMATIC)[0]
CHANNEL, OTHER, ACTIVE = 0, 1, 7
THREAD_OF_ACTIVE = next(number for number, spot in enumerate(SPOTS) if spot.parent == ACTIVE)


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


def call(number: int, user: int = ANNA, spot: int = CHANNEL, persona: int = 3) -> Say:
    return Say(number, user, spot, f"@x №{number}", mention="x", persona=persona)


def plain(number: int, user: int = ANNA, spot: int = CHANNEL) -> Say:
    return Say(number, user, spot, f"hm №{number}")


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    assert plan_day(7, 1).moments == plan_day(7, 1).moments
    assert plan_day(7, 1).moments != plan_day(8, 1).moments


def test_a_shorter_day_is_the_beginning_of_a_longer_one() -> None:
    short, long = plan_day(7, 0.5).moments, plan_day(7, 1).moments
    assert long[: len(short)] == short


def test_an_hour_has_everything_in_it() -> None:
    plan = plan_day(1, 1)
    acts = [act for moment in plan.moments for act in moment.acts]
    assert {type(act) for act in acts} == {Say, Edit, Delete, Order}
    assert {act.trouble for act in acts if isinstance(act, Say)} == {None, *Trouble}
    assert len({moment.gap for moment in plan.moments}) == 5
    whys = {verdict.why for verdict in plan.oracle.verdicts.values()}
    assert {"a mention", "a reply to what it said", "an activated place", "its conversation goes on"} <= whys


def test_the_cast_is_as_large_as_it_must_be_and_no_name_is_taken_twice() -> None:
    names = [name for one in personalities() for name in one.names]
    assert (len(personalities()), len(CROWD), len(SPOTS)) == (66, 50, 20)
    assert len(set(names)) == len(names)
    assert [spot.kind for spot in SPOTS].count(PlaceKind.TAME) == 1


def test_reply_then_mention_then_activation_then_conversation(oracle: Oracle) -> None:
    oracle.say(call(1, persona=3), 0)
    both = dataclasses.replace(call(2, persona=4), replies_to=1)
    assert oracle.say(both, 1).persona == 3
    assert oracle.say(call(3, spot=ACTIVE, persona=4), 2).persona == 4
    assert oracle.say(plain(4, spot=ACTIVE), 3).persona == SPOTS[ACTIVE].persona
    assert oracle.say(plain(5, spot=THREAD_OF_ACTIVE), 4).persona == SPOTS[ACTIVE].persona
    assert oracle.say(plain(6), 5).outcome is Outcome.NOTHING


def test_a_conversation_goes_on_for_half_an_hour_after_the_last_answer(oracle: Oracle) -> None:
    oracle.say(call(1, user=BEN), 0)
    assert oracle.say(plain(2, user=BEN), 29 * MINUTE).outcome is Outcome.ANSWER
    assert oracle.say(plain(3, user=BEN), 58 * MINUTE).outcome is Outcome.ANSWER
    assert oracle.say(plain(4, user=BEN), 88 * MINUTE).outcome is Outcome.NOTHING


def test_a_deleted_message_leaves_the_conversation_as_it_was(oracle: Oracle) -> None:
    oracle.say(call(1, user=BEN, persona=3), 0)
    oracle.say(call(2, user=BEN, persona=4), 1)
    oracle.delete(Delete(2))
    assert oracle.say(plain(3, user=BEN), 2).persona == 3
    assert oracle.order[CHANNEL] == [1, 3]


def test_a_mention_that_is_edited_in_counts_for_a_minute(oracle: Oracle) -> None:
    for number, after in ((1, 60.0), (2, 61.0)):
        oracle.say(plain(number), 0)
        oracle.edit(Edit(number, "@x", 3), after)
    assert [oracle.verdicts[number].outcome for number in (1, 2)] == [Outcome.ANSWER, Outcome.NOTHING]


def test_who_may_have_no_answer_is_told_each_time_after_a_call_and_else_once_in_a_while(oracle: Oracle) -> None:
    stranger = by_kind(Kind.STRANGER)[0]
    said = [
        plain(1, stranger, ACTIVE),
        plain(2, stranger, ACTIVE),
        call(3, stranger, ACTIVE),
        plain(4, stranger, ACTIVE),
    ]
    outcomes = [oracle.say(say, at).outcome for at, say in enumerate(said)]
    assert outcomes == [Outcome.WORD, Outcome.NOTHING, Outcome.WORD, Outcome.NOTHING]
    assert oracle.say(plain(5, stranger, ACTIVE), 11 * MINUTE).outcome is Outcome.NOTHING
    assert oracle.say(plain(6, stranger, ACTIVE), 25 * HOUR).outcome is Outcome.WORD


def test_what_waited_for_a_quarter_of_an_hour_is_not_answered(oracle: Oracle) -> None:
    assert oracle.say(call(1), 0, 14 * MINUTE).outcome is Outcome.ANSWER
    assert oracle.say(call(2), 0, 15 * MINUTE).outcome is Outcome.NOTHING


def test_of_one_person_and_in_one_place_only_so_much_is_answered_in_a_minute(oracle: Oracle) -> None:
    outcomes = [oracle.say(call(number), number / 100).outcome for number in range(1, 24)]
    assert outcomes == [*[Outcome.ANSWER] * 20, Outcome.WORD, *[Outcome.NOTHING] * 2]
    others = by_kind(Kind.ORDINARY)[1:]
    outcomes = [oracle.say(call(100 + n, others[n % 4]), 30).outcome for n in range(12)]
    assert outcomes == [*[Outcome.ANSWER] * 10, Outcome.WORD, Outcome.NOTHING]
    assert oracle.say(call(200), 61).outcome is Outcome.ANSWER


def test_the_number_of_a_text_is_the_newest_in_it() -> None:
    assert number_of("> №3 said №12\nyes №41") == 41
    assert number_of("nothing") is None
    assert number_of(answer_to(46)) == 46


async def test_a_wrong_verdict_is_found(tmp_path: Path) -> None:
    plan = plan_day(3, 0.1)
    async with opened(tmp_path) as stage:
        performance = Performance(stage)
        for moment in plan.moments:
            await performance.perform(moment)
    assert Judge(plan.oracle, performance).judge().differences == []
    answered = [number for number, verdict in plan.oracle.verdicts.items() if verdict.outcome is Outcome.ANSWER]
    first, second, third = answered[:3]
    plan.oracle.verdicts[first].persona = 65
    plan.oracle.verdicts[second].outcome = Outcome.NOTHING
    plan.oracle.verdicts[third].user = ANNA + 1
    place = plan.oracle.said[answered[3]].spot
    plan.oracle.order[place].reverse()
    wrong = Judge(plan.oracle, performance).judge().differences
    assert {first, second, third} <= {difference.number for difference in wrong}


@pytest.mark.parametrize("hours", ["25", "soon", "0"])
def test_a_wrong_number_of_hours_gets_a_sentence(
    hours: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tests.day", "--hours", hours])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "above 0 and up to 24" in capsys.readouterr().err


def test_ctrl_c_ends_the_day_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "tests.day", "--hours", "2"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, cwd=Path(__file__).parents[2]
    ) as day:
        assert day.stdout is not None
        while "  moment " not in (line := day.stdout.readline()):  # until a quarter of an hour has passed
            assert line
        day.send_signal(signal.SIGINT)
        said, _ = day.communicate(timeout=20)
    assert day.returncode == 130
    assert "Stopped at" in said
    assert list(tmp_path.iterdir()) == []
