"""A message's files and boxes, whatever Discord sends of them."""

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cogs.reading import embed_of
from bot.model import Embed, Media, MediaKind

TEXT = st.text(max_size=20)
ADDRESS = st.sampled_from(["https://a.example/1.png", "HTTP://a.example/2", "attachment://1.png", "javascript:x", ""])
IMAGE = st.fixed_dictionaries({}, optional={"url": ADDRESS, "proxy_url": ADDRESS, "height": st.just(1)})
BOX = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["rich", "image", "gifv", "link", "article", "poll_result", "new one"]),
        "title": TEXT,
        "description": TEXT,
        "author": st.fixed_dictionaries({}, optional={"name": TEXT}),
        "footer": st.fixed_dictionaries({}, optional={"text": TEXT}),
        "fields": st.lists(st.fixed_dictionaries({"name": TEXT, "value": TEXT}), max_size=2),
        "image": IMAGE,
        "thumbnail": IMAGE,
    },
)


@given(BOX)
def test_every_box_can_be_read_and_only_addresses_of_the_web_are_taken(box: dict[str, object]) -> None:
    embed = embed_of(discord.Embed.from_dict(box))
    assert embed.title == box.get("title", "")
    assert embed.image is None or embed.image.url.lower().startswith(("http://", "https://"))


@pytest.mark.parametrize(
    ("box", "url"),
    [
        ({"title": "Rain", "image": {"url": "https://a.example/1"}}, "https://a.example/1"),
        ({"image": {"url": "https://a.example/1", "proxy_url": "https://m.example/1"}}, "https://m.example/1"),
        ({"thumbnail": {"url": "https://a.example/1"}}, "https://a.example/1"),
        ({"title": "Rain", "thumbnail": {"url": "https://a.example/1"}}, None),
        ({"image": {"url": "attachment://1.png"}}, None),
    ],
)
def test_the_small_picture_of_a_box_counts_only_where_there_are_no_words(
    box: dict[str, object], url: str | None
) -> None:
    assert embed_of(discord.Embed.from_dict(box)).image == (Media(MediaKind.IMAGE, url) if url else None)


def test_nothing_that_people_wrote_or_that_gives_access_is_in_a_repr() -> None:
    embed = Embed(
        title="secret", description="secret", fields=(("secret", "secret"),), author="secret", footer="secret"
    )
    assert "secret" not in repr(embed) + repr(Media(MediaKind.IMAGE, "https://secret.example"))
