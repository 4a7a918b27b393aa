"""Personalities by what people call them."""

from bot.errors import NotFoundError
from bot.model import Personality
from bot.rules.commands.names import fold, unmarked
from bot.rules.wording import quoted
from bot.store import personalities
from bot.store.statement import Store

SHOWN_LENGTH = 100


async def look_for(store: Store, name: str) -> Personality | None:
    """The active personality with this alias or full name, in any case, or None."""
    for spelling in dict.fromkeys((name.strip(), fold(name))):
        found = await store.first(personalities.find_by_name(spelling))
        if found is not None:
            return found
    return None


async def find(store: Store, name: str, mention_char: str) -> Personality:
    """The same, also when the name is typed like a mention; raises NotFoundError."""
    found = await look_for(store, name) or await look_for(store, unmarked(name, mention_char))
    if found is None:
        shown = fold(name)[:SHOWN_LENGTH]
        raise NotFoundError(f"I know no personality called {quoted(shown)}.", remedy="Check how it is spelled.")
    return found
