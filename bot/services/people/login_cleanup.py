"""Forgetting the logins that have run out."""

from collections.abc import Collection
from dataclasses import dataclass

from bot.errors import NotAllowedError
from bot.model import Clock, Member, Place, utc_now
from bot.rules.commands.permissions import is_owner
from bot.services.policy import Policy
from bot.services.ports import Guilds
from bot.store import logins
from bot.store.changes import Edit
from bot.store.statement import Store

BATCH = 100
"""How many users at once: as many as Discord tells the membership of, and few enough for a short transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginCleanup:
    """Takes away what is of no use to anybody any more.

    A login is nobody's in one server only, and anyone can be the administrator of a server of their own. So an
    administrator forgets those of their server's members, and the bot's owner everybody's.
    """

    store: Store
    policy: Policy
    guilds: Guilds
    clock: Clock = utc_now

    async def run(self, member: Member, place: Place) -> int:
        """Forget them; returns how many there were.

        Each batch is a transaction of its own with its records, and takes only what is past its date by then. So an
        end in between, or a login in between, loses nothing, and the next run goes on where this one ended.
        """
        now, last_id, total = self.clock(), 0, 0
        while found := await self.store.fetch(logins.find_expired(now, last_id, BATCH)):
            last_id = found[-1]
            users = await self._within_reach(member, place, found)
            if users:
                edit = Edit(member.user_id, now, batch=None)
                _, outcome = await self.store.write(edit.record_expired([*users]), logins.delete_expired([*users], now))
                total += outcome.count
        return total

    async def _within_reach(self, member: Member, place: Place, user_ids: list[int]) -> Collection[int]:
        if is_owner(member, self.policy.owner_id):
            return user_ids
        if place.guild_id is None or not member.is_administrator:
            raise NotAllowedError("Only administrators, in their server, and the bot's owner may do this.")
        return await self.guilds.members_among(place.guild_id, user_ids)
