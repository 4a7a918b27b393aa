"""Whose message it is, as a card that Discord shows."""

import discord

from bot.cogs.context import code, plain
from bot.model import Place
from bot.rules.dialogue.speech import shown_avatar
from bot.services.answers.answers import Origin

TITLE_LIMIT = 256
MOST_ALIASES = 10


def card_of(origin: Origin, place: Place) -> discord.Embed:
    """Name and face of the personality, and who asked it what; mentions in a card ping nobody."""
    personality = origin.personality
    lines = [f"Its full name is {code(personality.full_name)}."]
    if origin.aliases:
        lines.append(_aliases(origin.aliases))
    lines.append(f"<@{origin.asked_by}> asked, and this was the answer {_moment(origin)}.")
    if origin.question_id is not None:
        lines.append(f"[What was asked]({_link(place.guild_id, origin.channel_id, origin.question_id)})")
    if not personality.is_active:
        lines.append("It was removed since, so it answers no more.")
    card = discord.Embed(title=plain(personality.display_name)[:TITLE_LIMIT], description="\n".join(lines))
    return card.set_thumbnail(url=shown_avatar(personality.avatar_url))


def _aliases(names: tuple[str, ...]) -> str:
    shown = ", ".join(code(name) for name in names[:MOST_ALIASES])
    more = len(names) - MOST_ALIASES
    return f"It listens to {shown} and {more} more names." if more > 0 else f"It listens to {shown}."


def _moment(origin: Origin) -> str:
    return f"<t:{int(origin.said_at.timestamp())}:f>"


def _link(guild_id: int | None, channel_id: int, message_id: int) -> str:
    return f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{message_id}"
