"""How a personality's words become Discord messages: names and prefixes."""

import re

from bot.rules.names import URL_MAX
from bot.rules.splitting import MESSAGE_LIMIT, cut_position

NAME_LIMIT = 80
DM_LIMIT = MESSAGE_LIMIT - len("****: ") - NAME_LIMIT
"""What one direct message may hold, so that the name fits before it."""

FORBIDDEN = re.compile(r"(dis)(cord)|(cly)(de)", re.IGNORECASE)
NAMELESS = "Personality"


def webhook_name(display_name: str) -> str:
    """A display name as Discord accepts it for a webhook: 1 to 80 characters, no forbidden word."""
    printable = "".join(c for c in display_name if c.isprintable() or c.isspace())
    name = FORBIDDEN.sub(_part, " ".join(printable.split()))
    return name[: cut_position(name, NAME_LIMIT)].strip() or NAMELESS


def shown_avatar(url: str | None) -> str | None:
    """The avatar's address, unless Discord would refuse the whole message for it."""
    return url if url and len(url) <= URL_MAX and re.fullmatch(r"https?://\S+", url, re.IGNORECASE) else None


def dm_text(display_name: str, text: str) -> str:
    """How a personality speaks where there are no webhooks: `**name:** text`."""
    return f"**{_dm_name(display_name)}:** {text}"


def shown_name(display_name: str, *, is_dm: bool) -> str:
    """The name that stands over, or in front of, what a personality says."""
    return _dm_name(display_name) if is_dm else webhook_name(display_name)


def undo_dm_text(shown: str) -> tuple[str, str] | None:
    """Display name and text of a direct message that `dm_text` made; None for any other."""
    match = re.fullmatch(r"\*\*([^*\n]+):\*\* (.*)", shown, re.DOTALL)
    return (match[1], match[2]) if match else None


def message_limit(*, is_dm: bool) -> int:
    """How many characters of an answer one message takes."""
    return DM_LIMIT if is_dm else MESSAGE_LIMIT


def _dm_name(display_name: str) -> str:
    name = " ".join(display_name.replace("*", "").split())
    return name[: cut_position(name, NAME_LIMIT)].strip() or NAMELESS


def _part(match: re.Match[str]) -> str:
    return "·".join(part for part in match.groups() if part)
