"""Adding, removing and finding personalities and their aliases."""

import asyncio
import builtins
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from string import ascii_lowercase

from bot.errors import ConfigurationError, ConflictError, InvalidInputError, NotAllowedError
from bot.model import NOBODY, Alias, Clock, Member, Personality, Profile, utc_now
from bot.rules.commands.names import (
    check_alias,
    check_avatar_url,
    check_full_name,
    check_prompt,
    display_aliases,
    fold,
    unmarked,
)
from bot.rules.wording import quoted
from bot.services.pages import Page, read_page
from bot.services.personalities.finding import find, look_for
from bot.services.personalities.results import Added, Aliased, Details, Removed, Wish
from bot.services.policy import Policy
from bot.services.ports import ProfileSource
from bot.store import activations, aliases
from bot.store import personalities as rows_of
from bot.store.changes import Action, Edit, Kind
from bot.store.statement import Statement, Store

log = logging.getLogger(__name__)


def random_letters() -> str:
    """Six random lower-case letters."""
    return "".join(secrets.choice(ascii_lowercase) for _ in range(6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Personalities:
    """`profiles` is None where no profile endpoint is configured; `letters` gives six random lower-case letters."""

    store: Store
    policy: Policy
    profiles: ProfileSource | None = None
    clock: Clock = utc_now
    letters: Callable[[], str] = random_letters
    # One process holds the volume, so this is all that keeps two changes from taking the same free name.
    naming: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def add(self, member: Member, wish: Wish) -> Added:
        """Add a personality for the member, or bring a removed one back.

        Takes as long as the profile endpoint does: defer the interaction. Raises InvalidInputError for a bad name,
        alias or URL, ConflictError for one that is there, NotFoundError or UnavailableError for its profile.
        """
        name = check_full_name(unmarked(wish.full_name, self.policy.mention_char))
        typed = self._checked_alias(wish.alias, name) if wish.alias else None
        described = _described(name, wish)
        await self._require_free(member, name, typed)
        if self.profiles is not None:
            described = _with_profile(described, await self.profiles.fetch(name), self.clock())
        async with self.naming:
            await self._require_free(member, name, typed)
            return await self._add(member, described, typed)

    async def _add(self, member: Member, described: Personality, typed: str | None) -> Added:
        edit = Edit(member.user_id, self.clock())
        removed = await self.store.first(rows_of.find_removed(described.full_name))
        personality = _brought_back(described, removed) if removed else described
        personality = replace(personality, added_by=member.user_id, added_at=edit.now)
        free = await self._free_aliases(personality)
        new = tuple(dict.fromkeys([*([typed] if typed else []), *free]))
        _, added, *claims = await self.store.write(
            *rows_of.add(personality, edit), *_naming_statements(personality, edit, new, is_of_new=True)
        )
        if not added.rows:
            raise ConflictError(
                f"{quoted(personality.full_name)} was taken in this moment.", remedy="Choose another name."
            )
        claimed = tuple(alias for alias, claim in zip(new, claims[1::2], strict=True) if claim.count)
        return Added(replace(personality, id=added.rows[0]["id"]), claimed, is_revived=removed is not None)

    async def remove(self, member: Member, name: str) -> Removed:
        """Remove a personality by name or alias; its messages still know who spoke.

        Raises NotFoundError, or NotAllowedError for anyone but who added it and the bot's owner.
        """
        async with self.naming:
            details = await self.info(name)
            full_name = details.personality.full_name
            removal = rows_of.remove(full_name, member.user_id, self.clock(), self.policy.owner_id)
            outcomes = await self.store.write(*removal)
        if not outcomes[-1].count:
            raise NotAllowedError(f"Only who added {quoted(full_name)}, or the bot's owner, may remove it.")
        return Removed(details.personality, details.aliases, details.channel_ids)

    async def list(self, member: Member, number: int = 1) -> Page[Personality]:
        """The member's own personalities, ten a page; for a number beyond an end, that end."""
        own = partial(rows_of.find_by_owner, member.user_id)
        return await read_page(self.store, number, rows_of.count_by_owner(member.user_id), own)

    async def info(self, name: str) -> Details:
        """Everything about a personality, by name or alias; raises NotFoundError."""
        personality = await find(self.store, name, self.policy.mention_char)
        found = await self.store.fetch(aliases.find_by_personality(personality.full_name))
        active = await self.store.fetch(activations.find_by_personality(personality.full_name))
        return Details(
            personality, tuple(alias.alias for alias in found), tuple(activation.channel_id for activation in active)
        )

    async def alias(self, member: Member, name: str, alias: str) -> Aliased:
        """Give a personality another name; raises NotFoundError, InvalidInputError or ConflictError."""
        async with self.naming:
            personality = await find(self.store, name, self.policy.mention_char)
            folded = self._checked_alias(alias, personality.full_name)
            await self._require_free_alias(folded, personality)
            edit = Edit(member.user_id, self.clock())
            outcomes = await self.store.write(*_naming_statements(personality, edit, (folded,)))
        if not outcomes[-1].count:
            raise ConflictError(f"{quoted(folded)} was taken in this moment.", remedy="Choose another alias.")
        return Aliased(personality, folded)

    async def seed(self) -> int:
        """Add the owner's personalities of the settings, without network; returns how many were new.

        Names that are known in any case are left alone, also those of removed ones and those that are an alias of
        another by now. One batch: a process that dies adds all or none. Raises ConfigurationError for a name that may
        not be given.
        """
        async with self.naming:
            now = self.clock()
            new = [Personality(name, name, self.policy.owner_id, now) for name in await self._unknown_names()]
            statements = [statement for one in new for statement in rows_of.seed(one, Edit(NOBODY, now))]
            outcomes = await self.store.write(*statements) if statements else []
        return sum(outcome.count for outcome in outcomes[1::2])

    async def _unknown_names(self) -> builtins.list[str]:
        """Those of the owner's that nobody has, or had."""
        names = {name.lower(): name for name in self._owners_names()}
        known = {one.name: one.full_name for one in await self.store.fetch(rows_of.find_known(names))}
        for name, full_name in known.items():
            if name != full_name.lower():
                log.warning("%s of BOT_OWNER_PERSONALITIES is not added: it is an alias of %s", name, full_name)
        return [name for lower, name in names.items() if lower not in known]

    async def adopt(self, full_name: str, profile: Profile) -> None:
        """Take over a profile that was fetched in the background; a new display name becomes an alias."""
        async with self.naming:
            before = await self.store.first(rows_of.get(full_name))
            if before is None or not before.is_active:
                return
            await self.store.write(*await self._adoption(before, profile))

    async def _adoption(self, before: Personality, profile: Profile) -> builtins.list[Statement]:
        edit = Edit(NOBODY, self.clock())
        after = _with_profile(before, profile, edit.now)
        statements = [rows_of.refresh(before.full_name, profile, edit.now)]
        if after.display_name != before.display_name:
            statements += _naming_statements(after, edit, await self._free_aliases(after))
        if replace(after, profile_fetched_at=before.profile_fetched_at) != before:
            statements.insert(0, edit.record(Kind.PERSONALITY, Action.PUT, before.full_name))
        return statements

    def _owners_names(self) -> Iterator[str]:
        """Each once, as it is written last."""
        for name in {name.lower(): name for name in self.policy.owner_personalities}.values():
            try:
                yield check_full_name(name)
            except InvalidInputError as error:
                raise ConfigurationError(
                    f"BOT_OWNER_PERSONALITIES has “{name}”, which can't be a name.", remedy=error.message
                ) from None

    def _checked_alias(self, alias: str, full_name: str) -> str:
        return check_alias(unmarked(alias, self.policy.mention_char), full_name)

    async def _require_free(self, member: Member, name: str, typed: str | None) -> None:
        found = await look_for(self.store, name)
        if found is not None and fold(found.full_name) == fold(name):
            remedy = self._way_to_free(member, found)
            raise ConflictError(f"{quoted(found.full_name)} is already here.", remedy=remedy)
        if found is not None:
            raise ConflictError(f"{quoted(name)} is already an alias of {quoted(found.full_name)}.")
        if typed is not None:
            await self._require_free_alias(typed)

    def _way_to_free(self, member: Member, personality: Personality) -> str:
        if personality.added_by == member.user_id:
            return f"You added it; {self.policy.command(f'remove {personality.full_name}')} removes it."
        who = "the bot's owner" if personality.added_by == NOBODY else f"<@{personality.added_by}>"
        return f"Only {who} can remove it."

    async def _require_free_alias(self, alias: str, wanted: Personality | None = None) -> None:
        """Of anybody, `wanted` too, whose it shall become."""
        found = await look_for(self.store, alias)
        if found is None:
            return
        if wanted is not None and found.full_name == wanted.full_name:
            raise ConflictError(f"{quoted(wanted.full_name)} already listens to {quoted(alias)}.")
        if fold(found.full_name) == alias:
            raise ConflictError(f"{quoted(alias)} is the name of another personality.", remedy="Choose another alias.")
        raise ConflictError(
            f"{quoted(alias)} already stands for {quoted(found.full_name)}.", remedy="Choose another alias."
        )

    async def _free_aliases(self, personality: Personality) -> tuple[str, ...]:
        """The alias that the display name gives, unless it already leads to this personality."""
        for alias in display_aliases(personality.display_name, personality.full_name, self.letters()):
            found = await look_for(self.store, alias)
            if found is None:
                return (alias,)
            if found.full_name == personality.full_name:
                return ()
        return ()


def _naming_statements(
    personality: Personality, edit: Edit, new: Iterable[str], *, is_of_new: bool = False
) -> Iterator[Statement]:
    for name in new:
        alias = Alias(name, personality.full_name, edit.changed_by, edit.now)
        yield from aliases.claim(alias, edit, is_of_new=is_of_new)


def _described(name: str, wish: Wish) -> Personality:
    """The personality as the user describes it; who and when come later."""
    return Personality(
        full_name=name,
        display_name=name,
        added_by=NOBODY,
        added_at=datetime.min.replace(tzinfo=UTC),
        avatar_url=check_avatar_url(wish.avatar_url) if wish.avatar_url else None,
        prompt=check_prompt(wish.prompt) if wish.prompt else None,
    )


def _with_profile(personality: Personality, profile: Profile, now: datetime) -> Personality:
    return replace(
        personality,
        display_name=profile.display_name,
        avatar_url=profile.avatar_url or personality.avatar_url,
        error_message=profile.error_message,
        profile_fetched_at=now,
    )


def _brought_back(described: Personality, removed: Personality) -> Personality:
    return replace(
        removed,
        is_active=True,
        display_name=described.display_name,
        avatar_url=described.avatar_url or removed.avatar_url,
        error_message=described.error_message or removed.error_message,
        prompt=described.prompt or removed.prompt,
        profile_fetched_at=described.profile_fetched_at,
    )
