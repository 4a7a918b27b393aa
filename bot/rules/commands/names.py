"""How personalities and aliases may be called."""

import re

from bot.errors import InvalidInputError
from bot.rules.wording import quoted

NAME_MIN, NAME_MAX = 2, 100
ALIAS_MAX = 50
URL_MAX = 2048
PROMPT_MAX = 32_000

NAME = re.compile(r"[A-Za-z0-9 \-_.]+")
PARTS = re.compile(r"[\s\-_.]+")
RESERVED = frozenset({"system", "bot", "admin", "moderator", "everyone", "here", "null", "undefined", "true", "false"})

PINGS = frozenset({"everyone", "here"})


def check_full_name(name: str) -> str:
    """The name without space around it; raises InvalidInputError for one that may not be given."""
    name = name.strip()
    if not NAME_MIN <= len(name) <= NAME_MAX:
        raise InvalidInputError(f"A name has {NAME_MIN} to {NAME_MAX} characters; this one has {len(name)}.")
    if not NAME.fullmatch(name):
        raise InvalidInputError("A name is made of the letters A to Z, digits, spaces, hyphens, underscores and dots.")
    if name.lower() in RESERVED:
        raise InvalidInputError(f"{quoted(name)} is a reserved word.", remedy="Choose another name.")
    return name


def check_alias(alias: str, full_name: str) -> str:
    """The alias as it is stored, lower case; raises InvalidInputError for one that may not be given."""
    folded = fold(alias)
    if not 1 <= len(folded) <= ALIAS_MAX:
        raise InvalidInputError(f"An alias has 1 to {ALIAS_MAX} characters; this one has {len(folded)}.")
    if not folded.isprintable():
        raise InvalidInputError("An alias can't hold control characters or line breaks.")
    if folded in PINGS:
        raise InvalidInputError(f"{quoted(folded)} is a reserved word.", remedy="Choose another alias.")
    if folded == fold(full_name):
        raise InvalidInputError(f"{quoted(full_name)} already is the personality's own name.")
    return folded


def check_avatar_url(url: str) -> str:
    """The URL; raises InvalidInputError unless Discord could load it."""
    url = url.strip()
    if len(url) > URL_MAX or not re.fullmatch(r"https?://\S+", url, re.IGNORECASE):
        raise InvalidInputError("The avatar must be a link that starts with https:// or http://.")
    return url


def check_prompt(prompt: str) -> str:
    """The prompt without space around it; raises InvalidInputError for one that is too long."""
    prompt = prompt.strip()
    if len(prompt) > PROMPT_MAX:
        raise InvalidInputError(f"A prompt has at most {PROMPT_MAX} characters; this one has {len(prompt)}.")
    return prompt


def fold(name: str) -> str:
    """A name or alias as it is looked up: lower case, single spaces, none around it."""
    return " ".join(name.split()).lower()


def unmarked(name: str, mention_char: str) -> str:
    """A name without the mention character that people type before it out of habit."""
    return name.strip().removeprefix(mention_char).lstrip()


def display_aliases(display_name: str, full_name: str, letters: str) -> tuple[str, ...]:
    """The aliases to try for a display name, best first.

    The name itself, with the next part of the full name, with random letters; nothing where the
    display name is the full name, which is found anyway.
    """
    display = fold(display_name)
    if not display or display == fold(full_name):
        return ()
    if display in PINGS:  # else every ping of the whole server would call it
        return (f"{display}-{letters}",)
    parts = PARTS.split(full_name.lower())
    following = len(PARTS.split(display))
    extended = (f"{display}-{parts[following]}",) if following < len(parts) and parts[following] else ()
    return (display, *extended, f"{display}-{letters}")
