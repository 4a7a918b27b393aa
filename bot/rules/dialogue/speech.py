"""How a personality's words become Discord messages: names and prefixes."""

import re

from bot.model import Personality
from bot.rules.commands.names import URL_MAX
from bot.rules.dialogue.splitting import LOOK_BACK, MESSAGE_LIMIT, cut_position, is_visible

NAME_LIMIT = 80
SHORTEST_CUT = NAME_LIMIT - LOOK_BACK - 1
DM_LIMIT = MESSAGE_LIMIT - len("****: ") - NAME_LIMIT
"""What one direct message may hold, so that the name fits before it."""

FORBIDDEN = re.compile(r"(dis)(cord)|(cly)(de)", re.IGNORECASE)
DIVIDED = re.compile(r"(dis)·(cord|(?:cor|co|c)?$)|(cly)·(de|d?$)", re.IGNORECASE)
"""The same after `webhook_name`, at the end also where it was cut."""
NAMELESS = "Personality"
LAST_CHARACTER = "\U0010ffff"


def spoken_name(personality: Personality) -> str:
    """The name under which a personality speaks: the full one, where its display name shows nothing."""
    name = personality.display_name
    return name if is_visible(name) else personality.full_name


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


def name_ranges(shown: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Between which names those lie, in the order of their characters, that may be shown like this.

    As it stands, and with a forbidden word put together again; a name that is as long as one that was cut may go on.
    """
    whole = DIVIDED.sub(lambda match: "".join(part for part in match.groups() if part), shown)
    return (shown, _upper_end(shown)), (whole, _upper_end(whole))


def undo_dm_text(shown: str) -> tuple[str, str] | None:
    """Display name and text of a direct message that `dm_text` made; None for any other."""
    match = re.fullmatch(r"\*\*([^*\n]+):\*\* (.*)", shown, re.DOTALL)
    return (match[1], match[2]) if match else None


def message_limit(*, is_dm: bool) -> int:
    """How many characters of an answer one message takes."""
    return DM_LIMIT if is_dm else MESSAGE_LIMIT


def _upper_end(name: str) -> str:
    return name + LAST_CHARACTER if len(name) >= SHORTEST_CUT else name


def _dm_name(display_name: str) -> str:
    name = " ".join(display_name.replace("*", "").split())
    return name[: cut_position(name, NAME_LIMIT)].strip() or NAMELESS


def _part(match: re.Match[str]) -> str:
    return "·".join(part for part in match.groups() if part)
