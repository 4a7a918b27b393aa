"""Release notes by direct message: who wants to hear of which, and telling each of them once."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.errors import NotAllowedError, UnavailableError, UnreadableError
from bot.model import Clock, Member, NotificationPreference, NotifiedVersion, utc_now
from bot.rules.releases import (
    USUAL,
    Level,
    Release,
    Version,
    compose,
    due,
    level_of,
    read_level,
    read_version,
    without_told,
)
from bot.services.policy import Policy
from bot.services.ports import Mail, Replication
from bot.store import preferences
from bot.store.statement import Store

log = logging.getLogger(__name__)

NONCE_LENGTH = 24
FOLDER = Path(__file__).parents[2] / "releases"


def shipped(folder: Path = FOLDER) -> tuple[Release, ...]:
    """The releases that this program has notes of, the newest last, which is the one that runs."""
    found = [(read_version(file.stem), file) for file in folder.glob("*.md")]
    releases = [Release(version, file.read_text("utf-8")) for version, file in found if version is not None]
    if not releases:
        raise UnreadableError(f"There are no release notes in {folder}.", remedy="Install the program again.")
    return tuple(sorted(releases, key=lambda release: release.version))


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """What users wish; whoever never said anything is told nothing."""

    store: Store
    version: Version
    clock: Clock = utc_now

    async def level(self, member: Member) -> Level:
        """Of which releases the member hears."""
        found = await self.store.first(preferences.get_notifications(member.user_id))
        return Level.NONE if found is None or found.is_opted_out else read_level(found.level)

    async def turn_on(self, member: Member) -> Level:
        """Let the member hear of releases from now on, at the level that they had."""
        found = await self.store.first(preferences.get_notifications(member.user_id))
        level = read_level(found.level) if found else USUAL
        return await self._wish(member, USUAL if level is Level.NONE else level)

    async def turn_off(self, member: Member) -> None:
        """Tell the member of no release any more."""
        found = await self.store.first(preferences.get_notifications(member.user_id))
        await self._wish(member, read_level(found.level) if found else USUAL, is_opted_out=True)

    async def choose(self, member: Member, typed: str) -> Level:
        """Let the member hear of releases of that level and above; raises InvalidInputError."""
        return await self._wish(member, level_of(typed))

    async def _wish(self, member: Member, level: Level, *, is_opted_out: bool = False) -> Level:
        wanted = NotificationPreference(member.user_id, is_opted_out, level, last_notified=str(self.version))
        await self.store.write(preferences.wish(wanted, self.clock()))
        return level


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseNotes:
    """Tells everybody who wishes it of what is newer than they were told of. Run it as a background task.

    Each is told once: that a user was told is committed right after the message was sent, and before one is sent, the
    bot looks whether it stands in the user's direct messages already. So a process that is killed in between, or a
    restore that lacks the commit, sends no second one, and Discord drops the copy by its nonce where a request is
    repeated. Who takes no direct messages counts as told.
    """

    store: Store
    policy: Policy
    mail: Mail
    releases: tuple[Release, ...]
    come_online: Callable[[], Awaitable[object]]
    interval_seconds: float
    retry_seconds: float
    replication: Replication | None = None
    clock: Clock = utc_now
    pause: Callable[[float], Awaitable[object]] = field(default=asyncio.sleep)

    @property
    def current(self) -> Version:
        """The version that runs."""
        return self.releases[-1].version

    async def run(self) -> None:
        """End when everybody is told; what Discord does not take now is tried again until it does."""
        await self.come_online()
        await self._wait_to_save()
        noted = await self.store.first(preferences.get_version())
        told = self.current if noted is None else read_version(noted.version) or self.current
        while not await self._tell_all(told):
            await self.pause(self.retry_seconds)
        await self._note_version(noted)

    async def _tell_all(self, told: Version) -> bool:
        """Go once through everybody who may have to be told; False where that has to be done again."""
        is_done = True
        for user_id in await self.store.fetch(preferences.find_untold(str(self.current))):
            is_done = await self._tell(user_id, told) and is_done
        return is_done

    async def _tell(self, user_id: int, told: Version) -> bool:
        await self._wait_to_save()
        wish = await self.store.first(preferences.get_notifications(user_id))
        if wish is None or wish.is_opted_out:
            return True
        last = read_version(wish.last_notified) or told
        if last >= self.current:
            return True
        releases = due(self.releases, last, read_level(wish.level))
        try:
            has_sent = await self._send(user_id, releases)
        except UnavailableError as error:
            log.warning("User %d could not be told of a release: %s", user_id, error.message)
            return False
        await self.store.write(preferences.note_told(user_id, str(self.current)))
        if has_sent:
            await self.pause(self.interval_seconds)
        return True

    async def _send(self, user_id: int, releases: tuple[Release, ...]) -> bool:
        """Whether Discord was asked for something."""
        if not releases:
            return False
        ending = f"-# You asked for this; {self.policy.command('notifications')} shows how to hear less."
        try:
            if left := without_told(releases, await self.mail.said(user_id)):
                await self.mail.send(user_id, compose(left, ending), _nonce(user_id, left[0]))
        except NotAllowedError:
            log.info("User %d takes no release notes by direct message", user_id)
        return True

    async def _note_version(self, noted: NotifiedVersion | None) -> None:
        """A new installation begins with the version that runs; an older program does not go back."""
        before = read_version(noted.version) if noted else None
        if noted is None or before is None or before < self.current:
            await self._wait_to_save()
            new = replace(noted or NotifiedVersion(""), version=str(self.current), notified_at=self.clock())
            await self.store.write(preferences.put_version(new))

    async def _wait_to_save(self) -> None:
        while self.replication is not None and self.replication.state.is_read_only:
            await self.pause(self.retry_seconds)


def _nonce(user_id: int, release: Release) -> str:
    """The same in every process, so that Discord knows the message of one that was killed."""
    return hashlib.sha256(f"{user_id} {release.version}".encode()).hexdigest()[:NONCE_LENGTH]
