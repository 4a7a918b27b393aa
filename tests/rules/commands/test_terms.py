"""On what terms commands are to be had."""

import pytest

from bot.errors import NotAllowedError
from bot.model import Member, Place
from bot.rules.commands.terms import (
    COMMANDS,
    DELETE,
    REACTIONS,
    RETRY,
    WHO,
    Right,
    Terms,
    Topic,
    Where,
    describe_terms,
    near_miss,
    require_terms,
    terms_of,
)

OWNER = 99
DM = Place(1)
NSFW = Place(2, guild_id=9, is_nsfw=True)
SAFE = Place(3, guild_id=9)
PLAIN = Member(7)
MODERATOR = Member(7, may_manage_messages=True)
ADMINISTRATOR = Member(7, is_administrator=True)


def test_every_command_but_help_auth_and_undo_needs_a_login() -> None:
    typed = [(name, terms) for name, terms in COMMANDS.items() if name.islower()]
    free = {name.split()[0] for name, terms in typed if not terms.needs_login}
    assert free == {"help", "auth", "undo"}
    assert not [name for name, terms in COMMANDS.items() if name.split()[0] in free and terms.needs_login]


def test_of_the_context_menus_only_another_answer_needs_a_login() -> None:
    assert {menu: terms_of(menu).needs_login for menu in (DELETE, WHO, RETRY)} == {
        DELETE: False,
        WHO: False,
        RETRY: True,
    }
    assert set(REACTIONS.values()) == {DELETE, WHO, RETRY}


def test_a_command_that_nobody_has_decided_on_has_no_terms() -> None:
    with pytest.raises(LookupError, match="frobnicate"):
        terms_of("frobnicate")
    assert terms_of("AUTH Start") is terms_of("auth start")


@pytest.mark.parametrize(
    ("right", "who", "is_allowed"),
    [
        (Right.NONE, PLAIN, True),
        (Right.CREATOR, PLAIN, True),
        (Right.MANAGE_MESSAGES, PLAIN, False),
        (Right.MANAGE_MESSAGES, MODERATOR, True),
        (Right.ADMINISTRATOR, MODERATOR, False),
        (Right.ADMINISTRATOR, ADMINISTRATOR, True),
        (Right.ADMINISTRATOR, Member(OWNER), True),
    ],
)
def test_a_right_is_needed_where_the_terms_say_so(right: Right, who: Member, *, is_allowed: bool) -> None:
    if is_allowed:
        require_terms(Terms(Topic.ABOUT, right), who, SAFE, OWNER)
    else:
        with pytest.raises(NotAllowedError):
            require_terms(Terms(Topic.ABOUT, right), who, SAFE, OWNER)


def test_without_an_owner_nobody_is_the_owner() -> None:
    with pytest.raises(NotAllowedError):
        require_terms(Terms(Topic.ABOUT, Right.ADMINISTRATOR), Member(0), SAFE, owner_id=0)


@pytest.mark.parametrize(
    ("where", "allowed"),
    [
        (Where.ANYWHERE, {DM, SAFE, NSFW}),
        (Where.SERVER, {SAFE, NSFW}),
        (Where.NSFW, {NSFW}),
        (Where.DIRECT, {DM}),
    ],
)
def test_a_command_works_where_its_terms_say(where: Where, allowed: set[Place]) -> None:
    for place in (DM, SAFE, NSFW):
        if place in allowed:
            require_terms(Terms(Topic.ABOUT, where=where), PLAIN, place, OWNER)
        else:
            with pytest.raises(NotAllowedError):
                require_terms(Terms(Topic.ABOUT, where=where), PLAIN, place, OWNER)


def test_the_terms_are_told_and_no_login_is_spoken_of_where_there_is_none() -> None:
    activate = COMMANDS["activate"]
    told = describe_terms(activate, has_login_service=True)
    assert told.startswith(Right.MANAGE_MESSAGES)
    assert told.endswith(f"when logged in; {Where.NSFW}")
    assert "logged in" not in describe_terms(activate, has_login_service=False)
    assert describe_terms(COMMANDS["ping"], has_login_service=True) == "everybody who is logged in"
    assert describe_terms(COMMANDS["ping"], has_login_service=False) == "everybody"


def test_a_typing_error_leads_to_the_command_whose_name_or_alias_is_most_like_it() -> None:
    names = {"list": "list", "create": "add", "add": "add"}
    assert near_miss("LSIT", names) == "list"
    assert near_miss("craete", names) == "add"
    assert near_miss("frobnicate", names) is None
    assert near_miss("", names) is None
