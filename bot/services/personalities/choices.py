"""Personalities to choose from while a name is being typed."""

from dataclasses import dataclass

from bot.errors import TzurotError
from bot.model import Member, Place
from bot.rules.commands.choices import Choice, Found, choose
from bot.rules.commands.names import fold, unmarked
from bot.rules.commands.permissions import is_owner
from bot.rules.commands.terms import Right, terms_of
from bot.services.gate import Gate
from bot.services.policy import Policy
from bot.store import choices
from bot.store.statement import Query, Store

ABOUT_THE_ACTIVE_ONE = frozenset({"deactivate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Offers only what the command can be used for."""

    store: Store
    policy: Policy
    gate: Gate

    async def find(self, member: Member, place: Place, command: str, typed: str) -> list[Choice]:
        """At most 25; nothing for whoever may not use the command, or while nothing can be read."""
        try:
            if not await self.gate.admit(member, command, place):
                return []
            folded = fold(unmarked(typed, self.policy.mention_char))
            found = await self.store.fetch(self._query(member, place, command, folded))
        except TzurotError:
            return []
        return choose(found, folded)

    def _query(self, member: Member, place: Place, command: str, folded: str) -> Query[Found]:
        if command in ABOUT_THE_ACTIVE_ONE:
            return choices.find_active(member.user_id, place.channel_id)
        is_own = terms_of(command).right is Right.CREATOR and not is_owner(member, self.policy.owner_id)
        return choices.find(member.user_id, folded, is_own=is_own)
