"""Names and aliases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidInputError
from bot.rules.commands.names import check_alias, check_avatar_url, check_full_name, display_aliases
from bot.rules.dialogue.speech import DM_LIMIT, dm_text, shown_avatar, webhook_name


@pytest.mark.parametrize("name", ["x", "a" * 101, "Bot", "EVERYONE", "null", "naïve", "a/b", "a@b", "a\nb", "", "  "])
def test_a_name_outside_of_the_rules_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError):
        check_full_name(name)


@pytest.mark.parametrize("name", ["ab", "a" * 100, "lilith-tzel-shani", "Dr. Who_2", "bots"])
def test_a_name_within_the_rules_is_taken(name: str) -> None:
    assert check_full_name(f" {name} ") == name


def test_a_typed_alias_is_folded_and_may_hold_any_script() -> None:
    assert check_alias("  Баба   ЯГА ", "baba-yaga") == "баба яга"


@pytest.mark.parametrize("alias", ["", "   ", "a" * 51, "Lilith", "a\x00b"])
def test_a_typed_alias_outside_of_the_rules_is_refused(alias: str) -> None:
    with pytest.raises(InvalidInputError):
        check_alias(alias, "lilith")


@pytest.mark.parametrize(
    ("display", "full", "expected"),
    [
        ("Lilith", "lilith-tzel-shani", ("lilith", "lilith-tzel", "lilith-qwerty")),
        ("Baba Yaga", "baba-yaga-ancient", ("baba yaga", "baba yaga-ancient", "baba yaga-qwerty")),
        ("Echo", "echo2", ("echo", "echo-qwerty")),
        ("Lilith", "lilith", ()),
        (" ", "lilith", ()),
        ("Everyone", "lilith", ("everyone-qwerty",)),
    ],
)
def test_a_display_name_gives_its_aliases_in_order(display: str, full: str, expected: tuple[str, ...]) -> None:
    assert display_aliases(display, full, "qwerty") == expected


@pytest.mark.parametrize("url", ["ftp://example.org/a.png", "example.org", "https://", "https://a b", "x" * 3000])
def test_an_avatar_that_is_no_web_link_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError):
        check_avatar_url(url)


@given(
    st.text(max_size=200) | st.sampled_from(["Clyde", "DISCORDIA", "clydediscord", "d i s c o r d", "x" * 80 + "clyde"])
)
def test_every_display_name_becomes_one_that_discord_takes(name: str) -> None:
    shown = webhook_name(name)
    assert 1 <= len(shown) <= 80
    assert shown == shown.strip()
    assert "clyde" not in shown.lower()
    assert "discord" not in shown.lower()


@given(st.text(max_size=200))
def test_a_direct_message_has_room_for_the_name(name: str) -> None:
    assert len(dm_text(name, "x" * DM_LIMIT)) <= 2000


@pytest.mark.parametrize("url", [None, "", "not a link", "ftp://a.example/p.png", "https://" + "x" * 3000])
def test_an_imported_avatar_that_discord_would_refuse_is_left_out(url: str | None) -> None:
    assert shown_avatar(url) is None
    assert shown_avatar("https://a.example/p.png") == "https://a.example/p.png"
