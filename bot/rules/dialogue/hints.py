"""What someone is told to whom nobody answers."""

from collections.abc import Callable

from bot.errors import NotAllowedError, NotFoundError, TzurotError
from bot.rules.wording import escaped

Command = Callable[[str], str]
"""How a user types the command of that name."""


def dm_hint(command: Command, mention_char: str, *, is_logged_in: bool, is_verified: bool) -> TzurotError:
    """What to do first in direct messages, else how to talk there."""
    steps = [] if is_logged_in else [f"log in with {command('auth start')}"]
    if not is_verified:
        steps.append(f"show that you are of age with {command('verify')} in an age-restricted channel")
    if steps:
        return NotAllowedError("Personalities can answer you here.", remedy=f"First {' and '.join(steps)}.")
    return NotFoundError(
        f"Whom do you mean? Begin with `{mention_char}` and a name, and that personality goes on answering you here.",
        remedy=f"{command('list')} shows yours, {command('help')} everything else.",
    )


def ping_hint(command: Command, mention_char: str) -> TzurotError:
    """What to write instead of naming the bot itself."""
    return NotFoundError(
        f"Here I am. To talk to a personality, write `{mention_char}` and its name.",
        remedy=f"{command('help')} tells you everything else.",
    )


def removed_hint(display_name: str) -> TzurotError:
    """Why a reply gets no answer."""
    return NotFoundError(f"{escaped(display_name)} has been removed and no longer answers.")
