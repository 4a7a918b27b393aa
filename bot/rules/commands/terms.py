"""Every command: where the help shows it, who may use it, and where. What does not stand here can't be registered."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType

from bot.errors import NotAllowedError
from bot.model import Member, Place
from bot.rules.commands.permissions import is_owner

ALIKE = 0.6
"""From 0 to 1, how much a word has to be like a command to be taken for one with a typing error."""


class Topic(StrEnum):
    """The headings of the help, in their order."""

    TALKING = "Talking"
    PERSONALITIES = "Personalities"
    CHANNELS = "Channels"
    YOURSELF = "Yourself"
    MODERATION = "Moderation"
    ABOUT = "About me"


class Right(StrEnum):
    """What somebody has to be allowed, as the help says it."""

    NONE = ""
    MANAGE_MESSAGES = "whoever has the permission Manage Messages here"
    ADMINISTRATOR = "administrators of this server, and the bot's owner"
    OWNER = "the bot's owner"
    CREATOR = "whoever added the personality, and the bot's owner"
    """Not asked before the command: the statement that changes the row decides."""


class Where(StrEnum):
    """Where a command works, as the help says it."""

    ANYWHERE = ""
    SERVER = "in servers"
    NSFW = "in age-restricted channels of a server"
    DIRECT = "in direct messages"


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a command is to be had.

    `is_reading` means that it changes nothing, so that it works while nothing can be saved.
    """

    topic: Topic
    right: Right = Right.NONE
    where: Where = Where.ANYWHERE
    needs_login: bool = True
    is_reading: bool = False


def _open(topic: Topic, right: Right = Right.NONE, *, is_reading: bool = False) -> Terms:
    return Terms(topic, right, needs_login=False, is_reading=is_reading)


LOGIN, LOGIN_CODE = "auth", "auth code"


DELETE, WHO, RETRY = "Delete answer", "Who is this?", "Try again"
"""The context menus of a personality's message."""

REACTIONS: Mapping[str, str] = MappingProxyType(
    {"❌": DELETE, "🗑": DELETE, "❓": WHO, "❔": WHO, "🔁": RETRY, "🔄": RETRY}
)
"""The reactions that mean the same."""

COMMANDS: Mapping[str, Terms] = MappingProxyType(
    {
        "autorespond": Terms(Topic.TALKING, is_reading=True),
        "autorespond on": Terms(Topic.TALKING),
        "autorespond off": Terms(Topic.TALKING),
        "autorespond status": Terms(Topic.TALKING, is_reading=True),
        "reset": Terms(Topic.TALKING),
        DELETE: _open(Topic.TALKING),
        WHO: _open(Topic.TALKING, is_reading=True),
        RETRY: Terms(Topic.TALKING),
        "add": Terms(Topic.PERSONALITIES),
        "remove": Terms(Topic.PERSONALITIES, Right.CREATOR),
        "list": Terms(Topic.PERSONALITIES, is_reading=True),
        "info": Terms(Topic.PERSONALITIES, is_reading=True),
        "alias": Terms(Topic.PERSONALITIES),
        "config": Terms(Topic.PERSONALITIES, Right.CREATOR),
        "activate": Terms(Topic.CHANNELS, Right.MANAGE_MESSAGES, Where.NSFW),
        "deactivate": Terms(Topic.CHANNELS, Right.MANAGE_MESSAGES, Where.SERVER),
        "blacklist": Terms(Topic.MODERATION, Right.ADMINISTRATOR, is_reading=True),
        "blacklist add": Terms(Topic.MODERATION, Right.ADMINISTRATOR),
        "blacklist remove": Terms(Topic.MODERATION, Right.ADMINISTRATOR),
        "blacklist list": Terms(Topic.MODERATION, Right.ADMINISTRATOR, is_reading=True),
        "blacklist check": Terms(Topic.MODERATION, Right.ADMINISTRATOR, is_reading=True),
        "blacklist addserver": Terms(Topic.MODERATION, Right.OWNER),
        "blacklist removeserver": Terms(Topic.MODERATION, Right.OWNER),
        LOGIN: _open(Topic.YOURSELF, is_reading=True),
        "auth start": _open(Topic.YOURSELF),
        LOGIN_CODE: _open(Topic.YOURSELF),
        "auth status": _open(Topic.YOURSELF, is_reading=True),
        "auth revoke": _open(Topic.YOURSELF),
        "auth cleanup": _open(Topic.YOURSELF, Right.ADMINISTRATOR),
        "notifications": Terms(Topic.YOURSELF, is_reading=True),
        "notifications on": Terms(Topic.YOURSELF),
        "notifications off": Terms(Topic.YOURSELF),
        "notifications status": Terms(Topic.YOURSELF, is_reading=True),
        "notifications level": Terms(Topic.YOURSELF),
        "purgbot": Terms(Topic.YOURSELF, where=Where.DIRECT, is_reading=True),
        "verify": Terms(Topic.YOURSELF),
        "undo": _open(Topic.YOURSELF),
        "debug": Terms(Topic.MODERATION, Right.ADMINISTRATOR, is_reading=True),
        "help": _open(Topic.ABOUT, is_reading=True),
        "ping": Terms(Topic.ABOUT, is_reading=True),
        "status": Terms(Topic.ABOUT, is_reading=True),
    }
)
"""By full name (`auth start`), in the order in which the help shows them; context menus stand here by theirs."""


def may_show_a_code(typed: str) -> bool:
    """Whether what was typed after the prefix may show a login code, also where `code` is misspelt or left out."""
    command, subcommand, *_ = (*typed.lower().split(maxsplit=2), "", "")
    name = f"{command} {subcommand}"
    return command == LOGIN and bool(subcommand) and (name == LOGIN_CODE or name not in COMMANDS)


def terms_of(command: str) -> Terms:
    """The terms of a command by its full name; raises LookupError for one on which nobody has decided."""
    terms = COMMANDS.get(command.lower()) or COMMANDS.get(command)
    if terms is None:
        raise LookupError(f"The command “{command}” does not stand in COMMANDS, so nobody has said who may use it.")
    return terms


def describe_terms(terms: Terms, *, has_login_service: bool) -> str:
    """Who may use the command, and where, as the end of a sentence."""
    is_for_logged_in = terms.needs_login and has_login_service
    who = terms.right or ("everybody who is logged in" if is_for_logged_in else "everybody")
    if terms.right and is_for_logged_in:
        who += ", when logged in"
    return f"{who}; {terms.where}" if terms.where else who


def require_terms(terms: Terms, member: Member, place: Place, owner_id: int) -> None:
    """Refuse whoever may not use the command, or not here; whether they are logged in is another question."""
    require_where(terms.where, place)
    if may_use(terms.right, member, owner_id):
        return
    if terms.right is Right.MANAGE_MESSAGES:
        raise NotAllowedError("For this you need the permission Manage Messages in this channel.")
    if terms.right is Right.OWNER:
        raise NotAllowedError("Only the bot's owner may do this.")
    raise NotAllowedError("Only administrators of this server, and the bot's owner, may do this.")


def require_where(where: Where, place: Place) -> None:
    """Refuse a command in the wrong kind of place."""
    if where in (Where.SERVER, Where.NSFW) and place.is_dm:
        raise NotAllowedError("This only works in a server's channel, not in direct messages.")
    if where is Where.NSFW and not place.is_nsfw:
        raise NotAllowedError("This only works in a channel marked as age-restricted.")
    if where is Where.DIRECT and not place.is_dm:
        raise NotAllowedError("This only works in a direct message to me.")


def may_use(right: Right, member: Member, owner_id: int) -> bool:
    """Whether the member has the right, as far as it is decided before the command runs."""
    if right is Right.MANAGE_MESSAGES:
        return member.may_manage_messages
    if right is Right.ADMINISTRATOR:
        return member.is_administrator or is_owner(member, owner_id)
    if right is Right.OWNER:
        return is_owner(member, owner_id)
    return True


def near_miss(typed: str, names: Mapping[str, str]) -> str | None:
    """The command that somebody may have meant: of names and aliases, with whose they are, the one most like it."""
    found = get_close_matches(typed.lower(), names, n=1, cutoff=ALIKE)
    return names[found[0]] if found else None
