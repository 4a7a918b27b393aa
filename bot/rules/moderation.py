"""Whom a ban binds."""

from collections.abc import Iterable

from bot.model import EVERYBODY, EVERYWHERE, NOBODY, Ban, Member

COMMAND = "blacklist"


def is_barred(bans: Iterable[Ban], member: Member, command: str, owner_id: int) -> bool:
    """Whether someone is ignored, of whom these bans are, when they give a command.

    No ban binds the bot's owner. One of a single server does not keep its administrators from lifting it.
    """
    if member.user_id == owner_id != NOBODY:
        return False
    may_lift = member.is_administrator and command.split(" ", 1)[0].lower() == COMMAND
    return any(not (may_lift and _is_of_one_guild(ban)) for ban in bans)


def _is_of_one_guild(ban: Ban) -> bool:
    return ban.guild_id != EVERYWHERE and ban.user_id != EVERYBODY
