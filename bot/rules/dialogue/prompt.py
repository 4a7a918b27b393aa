"""What the AI service reads of a message: its author's own words, and before them what they refer to.

Whatever others wrote stands in lines that begin with `>`, and none of these looks like a heading but the headings.
The author's own words come last, as they were typed; alone they are the whole text.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from bot.model import Embed, Heard, Media, MediaKind, Personality, Quote, snowflake_time
from bot.rules.dialogue.splitting import cut_position

QUOTE_LIMITS = (2000, 500)
"""How many characters of the quoted message are shown, and of the one that it replied to; there it ends."""
OWN_QUOTE_LIMIT = 300
"""The same for the answering personality's own words, of which it only needs to know which ones are meant."""
EMBEDS_LIMIT = 1000
NAME_LIMIT = 80
NAMELESS = "someone"
SHOWN = {MediaKind.IMAGE: "an image", MediaKind.AUDIO: "a recording"}

BLANK_LINES = re.compile(r"\n\s*\n")
ESCAPED = ("[", ">", "\\")
"""How a heading or a deeper quote begins: in a quoted line these stand behind a backslash."""


def has_context(personality: Personality) -> bool:
    """Whether the personality is told where and when it is spoken to, and by whom.

    In files, and in records of changes, from before it was a setting here, only the original's own words say so.
    """
    chosen = personality.metadata.get("context")
    if isinstance(chosen, bool):
        return chosen
    configuration = (personality.extra or {}).get("configuration")
    return isinstance(configuration, dict) and configuration.get("disableContextMetadata") is False


def text_of(heard: Heard, quote: Quote | None = None, *, is_own: bool = False, is_with_context: bool = False) -> str:
    """The message as text; `is_own` says that the quote is of the personality that answers."""
    quoted = _quoted(heard, quote, is_own=is_own) if quote else []
    below = _embedded(heard, quote)
    context = [f"[{_context(heard)}]"] if is_with_context else []
    before = "\n".join([*context, *quoted, *below])
    own = heard.content if heard.content.strip() else _wordless(heard)
    return "\n\n".join(part for part in (before, own) if part)


def media_of(heard: Heard, quote: Quote | None = None) -> Media | None:
    """The one image or recording that goes with it: the author's, else the quoted one, else one in an embed."""
    quotes = list(_chain(quote))
    embeds = [*heard.embeds, *(embed for quoted in quotes for embed in quoted.embeds)]
    found = (heard.media, *(quoted.media for quoted in quotes), *(embed.image for embed in embeds))
    return next((media for media in found if media is not None), None)


def embed_text(embed: Embed) -> str:
    """What is written in an embed, from top to bottom."""
    fields = (": ".join(part for part in field if part.strip()) for field in embed.fields)
    texts = (embed.author, embed.title, embed.description, *fields, embed.footer)
    return "\n".join(text for text in texts if text.strip())


def _quoted(heard: Heard, quote: Quote, *, is_own: bool) -> list[str]:
    limits = (OWN_QUOTE_LIMIT,) * len(QUOTE_LIMITS) if is_own else QUOTE_LIMITS
    lines: list[str] = []
    for depth, (quoted, limit) in enumerate(zip(_chain(quote), limits, strict=False)):
        body = _joined([quoted.content, *map(embed_text, quoted.embeds)])
        lines.extend(_marked([f"[{_heading(heard, quoted, depth)}]", *_lines(body, limit)], "> " * (depth + 1)))
    return lines


def _embedded(heard: Heard, quote: Quote | None) -> list[str]:
    """The boxes below the message, without one in which a proxy shows the quoted message once more."""
    shown = f"/{quote.message_id}" if quote and quote.message_id else None
    texts = (embed_text(embed) for embed in heard.embeds if shown is None or shown not in embed.description)
    body = _joined(texts)
    return list(_marked(["[Shown below the message:]", *_lines(body, EMBEDS_LIMIT)], "> ")) if body else []


def _heading(heard: Heard, quote: Quote, depth: int) -> str:
    if depth > 0:
        return f"Which replied to {_what(quote)}"
    if heard.replied_to_id is not None:
        return f"In reply to {_what(quote)}"
    return f"Linking to {_what(quote)}" if quote.message_id else f"Forwarding {_what(quote)}"


def _what(quote: Quote) -> str:
    if not quote.is_readable:
        return "a message that can't be read at the moment"
    who = "what was written elsewhere" if quote.author_name is None else f"what {_flat(quote.author_name)} wrote"
    shown = f", with {SHOWN[quote.media.kind]}" if quote.media else ""
    return f"{who}{shown}:"


def _context(heard: Heard) -> str:
    where = " / ".join(map(_flat, heard.place_names)) or ("direct message" if heard.place.is_dm else "a server")
    when = f"{snowflake_time(heard.message_id):%Y-%m-%d %H:%M} UTC"
    return " · ".join((where, when, _flat(heard.author_name)))


def _wordless(heard: Heard) -> str:
    """What stands where there are no words: what is shown should not come without a text."""
    media = media_of(heard)
    return f"[{SHOWN[media.kind].capitalize()}, without words]" if media else ""


def _chain(quote: Quote | None) -> Iterator[Quote]:
    """The quoted message, the one that it replied to, and so on, as far as they are shown."""
    for _ in QUOTE_LIMITS:
        if quote is None:
            return
        yield quote
        quote = quote.replied_to


def _joined(texts: Iterable[str]) -> str:
    return "\n".join(text.strip() for text in texts if text.strip())


def _lines(text: str, limit: int) -> Sequence[str]:
    """The lines of a text that others wrote, cut to the limit, none of which looks like what this module writes."""
    plain = BLANK_LINES.sub("\n\n", "\n".join(text.splitlines())).strip()
    shown = plain if len(plain) <= limit else plain[: cut_position(plain, limit)].rstrip() + " …"
    return [f"\\{line}" if _first_visible(line) in ESCAPED else line for line in shown.split("\n") if shown]


def _first_visible(line: str) -> str:
    return next((c for c in line if c.isprintable() and not c.isspace()), "")


def _marked(lines: Iterable[str], mark: str) -> Iterator[str]:
    return (f"{mark}{line}".rstrip() for line in lines)


def _flat(name: str) -> str:
    """A name in one line, in which no heading can end."""
    printable = "".join(c if c.isprintable() else " " for c in name.translate({ord("["): "(", ord("]"): ")"}))
    flat = " ".join(printable.split())
    return flat[: cut_position(flat, NAME_LIMIT)].strip() or NAMELESS
