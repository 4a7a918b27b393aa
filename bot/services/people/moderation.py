"""Whom the bot ignores: barring, lifting, listing."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bot.errors import InvalidInputError, NotFoundError
from bot.model import EVERYBODY, EVERYWHERE, Ban, Clock, Member, Place, utc_now
from bot.rules.commands.permissions import is_owner
from bot.rules.moderation import Target, check_reason, choose_guild, require_barrable, require_owner
from bot.services.pages import Page, read_page
from bot.services.policy import Policy
from bot.store import blacklist
from bot.store.changes import Action, Edit, Kind, ban_subject
from bot.store.statement import Store

OWNERS_ONLY = "Only the bot's owner may bar a whole server."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """How somebody is to be barred: for ever where `period` is None, `everywhere` or in the server of the command."""

    period: timedelta | None = None
    reason: str = ""
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Barred:
    """A ban that counts now, and whether there was one already that it replaces."""

    ban: Ban
    is_renewed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderation:
    """Administrators decide about their own server, the bot's owner about everything.

    Each act is one batch with its record, and doing it twice is doing it once: a crash leaves it done or not.
    """

    store: Store
    policy: Policy
    clock: Clock = utc_now

    async def bar(self, member: Member, place: Place, target: Target, how: Sentence) -> Barred:
        """Ignore a user from now on.

        Raises NotAllowedError for whom the member may not bar, or not there, InvalidInputError for the reason.
        """
        guild_id = self._guild_of(member, place, everywhere=how.everywhere)
        require_barrable(target, member, guild_id, self.policy.owner_id)
        return await self._bar(member, target.user_id, guild_id, how)

    async def bar_server(self, member: Member, guild_id: int, how: Sentence) -> Barred:
        """Ignore everybody of a server; raises NotAllowedError for all but the bot's owner."""
        require_owner(member, self.policy.owner_id, OWNERS_ONLY)
        return await self._bar(member, EVERYBODY, _checked(guild_id), how)

    async def lift(self, member: Member, place: Place, user_id: int, *, everywhere: bool = False) -> Ban:
        """Hear a user again; raises NotFoundError if nothing barred them there, NotAllowedError."""
        guild_id = self._guild_of(member, place, everywhere=everywhere)
        try:
            return await self._lift(member, user_id, guild_id)
        except NotFoundError:
            if guild_id == EVERYWHERE or not await self._counts(user_id, EVERYWHERE):
                raise
        how = self.policy.command("blacklist remove USER everywhere")
        raise NotFoundError("I ignore them everywhere, not only here.", remedy=f"The bot's owner ends that with {how}.")

    async def lift_server(self, member: Member, guild_id: int) -> Ban:
        """Hear a server again; raises NotFoundError, NotAllowedError for all but the bot's owner."""
        require_owner(member, self.policy.owner_id, OWNERS_ONLY)
        return await self._lift(member, EVERYBODY, _checked(guild_id))

    async def check(self, member: Member, place: Place, user_id: int) -> list[Ban]:
        """Every ban because of which a user is ignored there; why they are barred everywhere is the owner's to know."""
        found = await self.store.fetch(blacklist.find_barring(user_id, place.guild_id, self.clock()))
        if is_owner(member, self.policy.owner_id):
            return found
        return [ban if ban.guild_id != EVERYWHERE and ban.user_id else replace(ban, reason=None) for ban in found]

    async def list(self, member: Member, place: Place, number: int = 1) -> Page[Ban]:
        """The bans of the server; the bot's owner sees those that count everywhere too, and all in direct messages.

        Ten a page, the newest first; a page beyond the last one is the last one.
        """
        guild_id = self._guild_of(member, place, everywhere=False)
        scope = blacklist.Scope(guild_id, with_everywhere=is_owner(member, self.policy.owner_id))
        now = self.clock()
        return await read_page(
            self.store, number, blacklist.count(scope, now), partial(blacklist.find_page, scope, now)
        )

    def _guild_of(self, member: Member, place: Place, *, everywhere: bool) -> int:
        return choose_guild(member, place, everywhere=everywhere, owner_id=self.policy.owner_id)

    async def _bar(self, member: Member, user_id: int, guild_id: int, how: Sentence) -> Barred:
        now = self.clock()
        ban = Ban(
            user_id=user_id,
            blacklisted_by=member.user_id,
            blacklisted_at=now,
            reason=check_reason(how.reason),
            guild_id=guild_id,
            expires_at=now + how.period if how.period else None,
        )
        before = await self.store.first(blacklist.get(user_id, guild_id))
        record = Edit(member.user_id, now).record(Kind.BAN, Action.PUT, ban_subject(user_id, guild_id))
        await self.store.write(record, blacklist.put(ban))
        return Barred(ban, is_renewed=before is not None and before.counts(now))

    async def _counts(self, user_id: int, guild_id: int) -> bool:
        ban = await self.store.first(blacklist.get(user_id, guild_id))
        return ban is not None and ban.counts(self.clock())

    async def _lift(self, member: Member, user_id: int, guild_id: int) -> Ban:
        _, lifted = await self.store.write(*blacklist.lift(user_id, guild_id, Edit(member.user_id, self.clock())))
        if not lifted.rows:
            remedy = f"{self.policy.command('blacklist list')} shows whom I ignore."
            raise NotFoundError("That is not on my list.", remedy=remedy)
        return blacklist.read(lifted.rows[0])


def _checked(guild_id: int) -> int:
    """A server's id; 0 would stand for every server, and for everybody of all of them."""
    if guild_id <= 0:
        raise InvalidInputError(f"{guild_id} is not a server's id.")
    return guild_id
