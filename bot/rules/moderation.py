"""Whom a ban binds, and whom nobody may bar."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.errors import InvalidInputError, NotAllowedError
from bot.model import EVERYBODY, EVERYWHERE, NOBODY, Ban, Member, Place
from bot.rules.commands.permissions import is_owner

COMMAND = "blacklist"
REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Target:
    """Who shall be barred, as Discord shows them; administrator of the server where that is asked, or there unknown."""

    user_id: int
    is_administrator: bool = False
    is_the_bot: bool = False


def is_barred(bans: Iterable[Ban], member: Member, command: str, owner_id: int) -> bool:
    """Whether someone is ignored, of whom these bans are, when they give a command.

    No ban binds the bot's owner. One of a single server does not keep its administrators from lifting it.
    """
    if is_owner(member, owner_id):
        return False
    may_lift = member.is_administrator and command.split(" ", 1)[0].lower() == COMMAND
    return any(not (may_lift and ban.guild_id != EVERYWHERE and ban.user_id != EVERYBODY) for ban in bans)


def choose_guild(member: Member, place: Place, *, everywhere: bool, owner_id: int) -> int:
    """Where a ban is to count; refuse what only the bot's owner decides, and a ban from no server."""
    if everywhere or place.is_dm:
        require_owner(member, owner_id, "Only the bot's owner may bar somebody everywhere.")
        return EVERYWHERE
    if not (member.is_administrator or is_owner(member, owner_id)):
        raise NotAllowedError("Only administrators of this server, and the bot's owner, may do this.")
    return place.guild_id or EVERYWHERE


def require_owner(member: Member, owner_id: int, sentence: str) -> None:
    """Refuse anyone else."""
    if not is_owner(member, owner_id):
        raise NotAllowedError(sentence)


def require_barrable(target: Target, member: Member, guild_id: int, owner_id: int) -> None:
    """Refuse barring those who could then not be helped: oneself, the bot's owner, the bot, a server's administrators.

    The bot's owner may bar an administrator everywhere, which no administrator of a server can lift.
    """
    if target.user_id == member.user_id:
        raise NotAllowedError("You can't bar yourself.")
    if target.user_id == owner_id != NOBODY:
        raise NotAllowedError("The bot's owner can't be barred.")
    if target.is_the_bot:
        raise NotAllowedError("I can't ignore myself.")
    if target.is_administrator and guild_id != EVERYWHERE:
        raise NotAllowedError("Administrators of this server can't be barred from it.")


def check_reason(text: str) -> str | None:
    """The reason as it is kept; refuse one that is too long."""
    reason = text.strip()
    if len(reason) > REASON_LENGTH:
        raise InvalidInputError(f"That reason has {len(reason)} characters; {REASON_LENGTH} is the most.")
    return reason or None
