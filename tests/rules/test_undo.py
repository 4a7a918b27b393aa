"""What may be taken back, by the rules alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import ConflictError, NotAllowedError, NotFoundError
from bot.model import Member, Place
from bot.rules import undo
from bot.rules.undo import Action, Change, Kind, Preview, Reversal, State, Step

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CHANNEL = Place(7, 8, is_nsfw=True)
MIRA, TOM, OWNER = 1, 2, 3


def change(number: int, kind: Kind = Kind.ALIAS, subject: str = "lil", by: int = MIRA) -> Change:
    return Change(number, NOW, by, kind, Action.PUT, subject, None, batch="b")


def preview(kind: Kind, subject: str, now: State | None, then: State | None = None) -> Preview:
    one = change(1, kind, subject)
    return Preview(Reversal(one, (one,)), (Step(kind, subject, now, then),))


def test_a_change_is_taken_back_until_its_time_is_over() -> None:
    assert undo.require_one(change(1), NOW + DAY - timedelta(microseconds=1), DAY) == change(1)
    with pytest.raises(NotFoundError, match="more than 24 hours old"):
        undo.require_one(change(1), NOW + DAY, DAY)
    with pytest.raises(NotFoundError, match="nothing of yours"):
        undo.require_one(None, NOW, DAY)


def test_of_what_was_done_together_the_personality_is_what_was_asked_for() -> None:
    lilith = change(2, Kind.PERSONALITY, "lilith")
    assert undo.group([change(1), lilith]).main == lilith
    assert undo.group([change(1), change(3)]).main == change(1)


def test_each_subject_goes_back_to_its_first_state_and_personalities_come_last() -> None:
    lilith, lil, again = change(1, Kind.PERSONALITY, "lilith"), change(2), change(3)
    assert undo.group([lilith, lil, again]).earliest == (lil, lilith)


@pytest.mark.parametrize(
    ("later", "is_refused"),
    [
        ([], False),
        ([change(1)], False),
        ([change(9)], True),
        ([change(9, by=0)], True),
        ([replace(change(9, Kind.PERSONALITY, "lilith", by=0), before={"is_active": 1})], False),
        ([replace(change(9, Kind.PERSONALITY, "lilith", by=0), before={"is_active": 1}, batch=None)], True),
        ([change(9, Kind.PERSONALITY, "lilith", by=TOM)], True),
    ],
)
def test_what_was_changed_again_since_is_not_taken_back(later: list[Change], is_refused: bool) -> None:
    reversal = undo.group([change(1)])
    if not is_refused:
        undo.require_untouched(reversal, later)
        return
    with pytest.raises(ConflictError, match="changed again since"):
        undo.require_untouched(reversal, later)


@pytest.mark.parametrize(
    ("now", "then", "user_id", "is_refused"),
    [
        ({"added_by": MIRA, "is_active": 1}, None, MIRA, False),
        ({"added_by": TOM, "is_active": 1}, None, MIRA, True),
        ({"added_by": TOM, "is_active": 1}, None, OWNER, False),
        ({"added_by": 0, "is_active": 1}, None, 0, True),
        ({"added_by": TOM, "is_active": 0}, {"added_by": MIRA, "is_active": 1}, MIRA, False),
        ({"added_by": MIRA, "is_active": 0}, {"added_by": TOM, "is_active": 1}, MIRA, True),
    ],
)
def test_a_personality_is_its_owners_and_the_bots_owners(
    now: State, then: State | None, user_id: int, is_refused: bool
) -> None:
    shown = preview(Kind.PERSONALITY, "lilith", now, then)
    if not is_refused:
        undo.require_right(Member(user_id), CHANNEL, shown, OWNER)
        return
    with pytest.raises(NotAllowedError, match="no longer yours"):
        undo.require_right(Member(user_id), CHANNEL, shown, OWNER)


@pytest.mark.parametrize(
    ("place", "may_manage", "then", "sentence"),
    [
        (CHANNEL, True, None, None),
        (CHANNEL, True, {"personality_name": "eve"}, None),
        (Place(9, 8, is_nsfw=True), True, None, "<#7>"),
        (CHANNEL, False, None, "Manage Messages"),
        (Place(7, 8), True, {"personality_name": "eve"}, "age-restricted"),
        (Place(7, 8), True, None, None),
    ],
)
def test_an_activation_needs_the_rights_that_making_it_needs(
    place: Place, may_manage: bool, then: State | None, sentence: str | None
) -> None:
    shown = preview(Kind.ACTIVATION, "7", {"personality_name": "lilith"}, then)
    member = Member(MIRA, may_manage_messages=may_manage)
    if sentence is None:
        undo.require_right(member, place, shown, OWNER)
        return
    with pytest.raises(NotAllowedError, match=sentence):
        undo.require_right(member, place, shown, OWNER)


def test_what_others_made_of_a_personality_does_not_go_in_passing() -> None:
    shown = preview(Kind.PERSONALITY, "lilith", {"is_active": 1})
    mine = Step(Kind.ALIAS, "lil", {"added_by": MIRA}, None)
    programs = Step(Kind.ALIAS, "lilly", {"added_by": 0}, None)
    toms = Step(Kind.ACTIVATION, "7", {"activated_by": TOM}, None)
    undo.require_nothing_of_others(Preview(shown.reversal, shown.steps, (mine, programs)), MIRA, "`remove`")
    with pytest.raises(ConflictError, match=r"<@2> has made it active in <#7>.*`remove`"):
        undo.require_nothing_of_others(Preview(shown.reversal, shown.steps, (mine, toms)), MIRA, "`remove`")
