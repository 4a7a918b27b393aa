"""Links to messages, as Discord's “Copy Message Link” makes them."""

import re
from dataclasses import dataclass

LINK = re.compile(
    r"https?://(?:(?:www|ptb|canary)\.)?discord(?:app)?\.com/channels/(@me|\d{1,19})/(\d{1,19})/(\d{1,19})(?!\d)",
    re.IGNORECASE | re.ASCII,
)
ID_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class MessageLink:
    """Where a link leads; without a guild into a direct message channel."""

    guild_id: int | None
    channel_id: int
    message_id: int


def first_link(text: str) -> MessageLink | None:
    """The first link to a message in a text."""
    match = LINK.search(text)
    if match is None:
        return None
    guild, channel_id, message_id = match[1], int(match[2]), int(match[3])
    guild_id = None if guild.startswith("@") else int(guild)
    is_possible = max(guild_id or 0, channel_id, message_id) < ID_LIMIT
    return MessageLink(guild_id, channel_id, message_id) if is_possible else None
