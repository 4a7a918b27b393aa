"""Who may do what, and where."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import NotAllowedError
from bot.model import Member, Place
from bot.rules.commands import permissions

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DM = Place(1)
NSFW = Place(2, guild_id=9, is_nsfw=True)
SAFE = Place(3, guild_id=9)


def test_an_expired_login_has_a_sentence_of_its_own() -> None:
    with pytest.raises(NotAllowedError) as missing:
        permissions.require_login(is_present=False, expires_at=None, now=NOW, how="`!tz auth start`")
    with pytest.raises(NotAllowedError) as expired:
        permissions.require_login(is_present=True, expires_at=NOW, now=NOW, how="`!tz auth start`")
    assert missing.value.message != expired.value.message
    permissions.require_login(is_present=True, expires_at=NOW + timedelta(milliseconds=1), now=NOW, how="")
    permissions.require_login(is_present=True, expires_at=None, now=NOW, how="")


@pytest.mark.parametrize(
    ("place", "is_verified", "is_allowed"),
    [(DM, True, True), (DM, False, False), (NSFW, False, True), (SAFE, True, False)],
)
def test_personalities_speak_to_the_verified_in_direct_messages_and_else_in_nsfw_channels(
    place: Place, is_verified: bool, is_allowed: bool
) -> None:
    if is_allowed:
        permissions.require_conversation_place(place, is_verified=is_verified, how="")
    else:
        with pytest.raises(NotAllowedError):
            permissions.require_conversation_place(place, is_verified=is_verified, how="")


@pytest.mark.parametrize(("may_manage", "place"), [(False, NSFW), (True, SAFE), (True, DM), (False, DM)])
def test_activating_needs_manage_messages_and_an_nsfw_channel(may_manage: bool, place: Place) -> None:
    with pytest.raises(NotAllowedError):
        permissions.require_activation(Member(7, may_manage_messages=may_manage), place)


def test_a_moderator_activates_in_an_nsfw_channel_and_deactivates_anywhere_in_the_guild() -> None:
    moderator = Member(7, may_manage_messages=True)
    permissions.require_activation(moderator, NSFW)
    permissions.require_deactivation(moderator, SAFE)


@pytest.mark.parametrize("place", [DM, SAFE])
def test_age_is_proved_by_an_nsfw_channel_here_or_elsewhere(place: Place) -> None:
    permissions.require_age_proof(Member(7), NSFW)
    permissions.require_age_proof(Member(7, can_see_nsfw_channel=True), place)
    with pytest.raises(NotAllowedError):
        permissions.require_age_proof(Member(7), place)
