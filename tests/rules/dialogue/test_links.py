"""Links to messages in a text."""

import pytest

from bot.rules.dialogue.links import MessageLink, first_link

G, C, M = 800_000_000_000_000_001, 700_000_000_000_000_002, 600_000_000_000_000_003
LINK = MessageLink(G, C, M)


@pytest.mark.parametrize(
    ("text", "link"),
    [
        (f"https://discord.com/channels/{G}/{C}/{M}", LINK),
        (f"look: <https://ptb.discord.com/channels/{G}/{C}/{M}>, please", LINK),
        (f"https://CANARY.discord.com/channels/{G}/{C}/{M}?x=1", LINK),
        (f"http://discordapp.com/channels/{G}/{C}/{M}.", LINK),
        (f"[this](https://www.discord.com/channels/{G}/{C}/{M})", LINK),
        (f"https://discord.com/channels/@me/{C}/{M}", MessageLink(None, C, M)),
        (f"https://discord.com/channels/{G}/{C}/{M} https://discord.com/channels/1/2/3", LINK),
        (f"https://discord.com/channels/{G}/{C}", None),
        (f"https://discord.com.evil.example/channels/{G}/{C}/{M}", None),
        (f"https://evil-discord.com/channels/{G}/{C}/{M}", None),
        (f"https://discord.com/channels/{G}/{C}/{M}{M}", None),
        ("https://discord.com/channels/1/2/9999999999999999999", None),
        ("https://discord.com/channels/1/2/٣", None),
        ("no link", None),
    ],
)
def test_the_first_link_is_found(text: str, link: MessageLink | None) -> None:
    assert first_link(text) == link
