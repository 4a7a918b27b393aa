"""Release notes: to those who wish it, each once, whatever dies in between."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tomllib import loads
from typing import Any

import pytest

from bot.errors import InvalidInputError, NotAllowedError, StorageError, UnavailableError
from bot.model import Member, NotificationPreference, NotifiedVersion, ReplicationState
from bot.rules.releases import Level, Release, Version, compose, heading
from bot.services.people.notifications import Notifications, ReleaseNotes, shipped
from bot.services.policy import Policy
from bot.store import preferences
from bot.store.driver import SQLiteStore
from bot.store.statement import Outcome, Statement
from tests.services.conftest import MEMBER, OTHER, USER, Clock, rows

OLD, NEW = Version(2, 2, 10), Version(3, 0, 0)
RELEASES = (Release(NEW, "Everything is new."),)
THIRD = 900_000_000_000_000_009
SAVING = ReplicationState(is_configured=True)
NOT_SAVING = ReplicationState(is_configured=True, is_outage=True, is_read_only=True)


class KilledError(BaseException):
    """The process ends here."""


@dataclass
class FakeMail:
    """Discord's direct messages; `fail` raises for a user, `die_at` ends the process before or after a send."""

    sent: dict[int, list[str]] = field(default_factory=dict)
    nonces: list[str] = field(default_factory=list)
    fail: dict[int, list[Exception]] = field(default_factory=dict)
    die_at: str = ""
    on_send: Callable[[], object] = lambda: None

    async def said(self, user_id: int) -> list[str]:
        self._die("look")
        return self.sent.get(user_id, [])

    async def send(self, user_id: int, text: str, nonce: str) -> None:
        self._die("before")
        if errors := self.fail.get(user_id):
            raise errors.pop(0)
        self.sent.setdefault(user_id, []).append(text)
        self.nonces.append(nonce)
        self.on_send()
        self._die("after")

    def _die(self, step: str) -> None:
        if self.die_at == step:
            raise KilledError


@dataclass
class Forgetful:
    """A store that loses what is written at that number, as a full disk or a lost volume would."""

    store: SQLiteStore
    fail_at: int
    writes: int = 0

    async def write(self, *statements: Statement) -> list[Outcome]:
        self.writes += 1
        if self.writes == self.fail_at:
            raise StorageError("The disk is full.")
        return await self.store.write(*statements)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@dataclass
class FakeReplication:
    state: ReplicationState = SAVING


@dataclass
class Town:
    """Where release notes are told; `paused` are the pauses that were made."""

    store: SQLiteStore
    policy: Policy
    clock: Clock
    mail: FakeMail = field(default_factory=FakeMail)
    replication: FakeReplication = field(default_factory=FakeReplication)
    paused: list[float] = field(default_factory=list)
    on_pause: Callable[[], object] = lambda: None

    def notes(self, releases: tuple[Release, ...] = RELEASES, store: Any = None) -> ReleaseNotes:
        return ReleaseNotes(
            store=store or self.store,
            policy=self.policy,
            mail=self.mail,
            releases=releases,
            come_online=_nothing,
            interval_seconds=1,
            retry_seconds=60,
            replication=self.replication,
            clock=self.clock,
            pause=self.pause,
        )

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.on_pause()
        await asyncio.sleep(0)

    async def wishes(self, user_id: int, level: str = "minor", last: str | None = None, *, out: bool = False) -> None:
        wish = NotificationPreference(user_id, out, level, last_notified=last, created_at=self.clock())
        await self.store.write(preferences.put_notifications(wish))

    async def came_from(self, version: Version = OLD) -> None:
        await self.store.write(preferences.put_version(NotifiedVersion(str(version), extra={"via": "dm"})))

    async def told(self) -> dict[int, str | None]:
        found = await rows(self.store, "SELECT user_id, last_notified FROM notification_preferences")
        return {row["user_id"]: row["last_notified"] for row in found}

    async def version(self) -> NotifiedVersion | None:
        return await self.store.first(preferences.get_version())


async def _nothing() -> None: ...


@pytest.fixture
def town(store: SQLiteStore, policy: Policy, clock: Clock) -> Town:
    return Town(store, policy, clock)


def test_the_version_that_runs_is_the_newest_with_notes_which_fit_into_one_message() -> None:
    releases = shipped()
    project = loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert str(releases[-1].version) == project["version"]
    for release in releases:
        assert release.text.strip() in compose([release], "-" * 150)
        assert len(release.text) < 1500


async def test_a_new_installation_tells_nobody_and_begins_with_the_version_that_runs(town: Town) -> None:
    await town.wishes(USER)
    await town.notes().run()
    assert town.mail.sent == {}
    version = await town.version()
    assert version is not None
    assert (version.version, version.notified_at) == ("3.0.0", town.clock())


async def test_after_an_import_those_who_wish_it_are_told_once(town: Town) -> None:
    await town.came_from()
    await town.wishes(USER, last="2.2.9")
    await town.wishes(OTHER, "major")
    await town.wishes(THIRD, "none")
    await town.wishes(THIRD + 1, out=True)
    await town.notes().run()
    await town.notes().run()
    assert {user_id: len(texts) for user_id, texts in town.mail.sent.items()} == {USER: 1, OTHER: 1}
    assert town.mail.sent[USER][0].startswith(f"{heading(NEW)}\nEverything is new.")
    assert "`!tz notifications`" in town.mail.sent[USER][0]
    assert await town.told() == {USER: "3.0.0", OTHER: "3.0.0", THIRD: None, THIRD + 1: None}
    assert town.paused == [1, 1]
    version = await town.version()
    assert version is not None
    assert (version.version, version.extra) == ("3.0.0", {"via": "dm"})


async def test_a_later_release_is_told_by_its_step(town: Town) -> None:
    await town.came_from(NEW)
    await town.wishes(USER, "patch", "3.0.0")
    await town.wishes(OTHER, "minor", "3.0.0")
    patch = Release(Version(3, 0, 1), "A mistake is mended.")
    await town.notes((*RELEASES, patch)).run()
    assert list(town.mail.sent) == [USER]
    assert await town.told() == {USER: "3.0.1", OTHER: "3.0.1"}
    minor = Release(Version(3, 1, 0), "There is more.")
    await town.notes((*RELEASES, patch, minor)).run()
    assert [len(texts) for texts in town.mail.sent.values()] == [2, 1]
    assert "mistake" not in town.mail.sent[OTHER][0]


async def test_an_older_program_does_not_go_back(town: Town) -> None:
    await town.came_from(Version(3, 1, 0))
    await town.wishes(USER, last="3.1.0")
    await town.notes().run()
    version = await town.version()
    assert (town.mail.sent, version and version.version) == ({}, "3.1.0")


@pytest.mark.parametrize("step", ["look", "before", "after"])
async def test_whoever_is_killed_at_a_step_has_told_each_once_after_the_next_start(town: Town, step: str) -> None:
    await town.came_from()
    await town.wishes(USER)
    await town.wishes(OTHER)
    town.mail.die_at = step
    with pytest.raises(KilledError):
        await town.notes().run()
    town.mail.die_at = ""
    await town.notes().run()
    assert {user_id: len(texts) for user_id, texts in town.mail.sent.items()} == {USER: 1, OTHER: 1}
    assert len(set(town.mail.nonces)) == len(town.mail.nonces) == 2


@pytest.mark.parametrize("lost", [1, 2, 3])
async def test_what_could_not_be_noted_is_not_told_twice(town: Town, lost: int) -> None:
    await town.came_from()
    await town.wishes(USER)
    await town.wishes(OTHER)
    with pytest.raises(StorageError):
        await town.notes(store=Forgetful(town.store, lost)).run()
    await town.notes().run()
    assert {user_id: len(texts) for user_id, texts in town.mail.sent.items()} == {USER: 1, OTHER: 1}
    assert await town.told() == {USER: "3.0.0", OTHER: "3.0.0"}


async def test_a_release_that_comes_before_the_note_was_written_is_told_alone(town: Town) -> None:
    await town.came_from()
    await town.wishes(USER)
    with pytest.raises(StorageError):
        await town.notes(store=Forgetful(town.store, 1)).run()
    await town.notes((*RELEASES, Release(Version(3, 1, 0), "There is more."))).run()
    assert len(town.mail.sent[USER]) == 2
    assert "Everything" not in town.mail.sent[USER][1]


async def test_who_takes_no_direct_messages_is_not_tried_again_for_that_version(town: Town) -> None:
    await town.came_from()
    await town.wishes(USER)
    await town.wishes(OTHER)
    town.mail.fail[USER] = [NotAllowedError("No.")]
    await town.notes().run()
    await town.notes().run()
    assert list(town.mail.sent) == [OTHER]
    assert (await town.told())[USER] == "3.0.0"


async def test_an_outage_of_discord_ends_nothing_and_holds_nobody_else_up(town: Town) -> None:
    await town.came_from()
    await town.wishes(USER)
    await town.wishes(OTHER)
    town.mail.fail[USER] = [UnavailableError("Not now."), UnavailableError("Not now.")]
    await town.notes().run()
    assert {user_id: len(texts) for user_id, texts in town.mail.sent.items()} == {USER: 1, OTHER: 1}
    assert list(town.mail.sent) == [OTHER, USER]
    assert town.paused == [1, 60, 60, 1]


async def test_nothing_is_said_that_can_not_be_noted(town: Town) -> None:
    await town.came_from()
    await town.wishes(USER)
    town.replication.state = NOT_SAVING
    waits = 0

    def wait() -> None:
        nonlocal waits
        waits += 1
        assert town.mail.sent == {}
        if waits == 3:
            town.replication.state = SAVING
            town.on_pause = lambda: None

    town.on_pause = wait
    await town.notes().run()
    assert waits == 3
    assert len(town.mail.sent[USER]) == 1


async def test_who_turns_it_off_meanwhile_is_left_alone(town: Town) -> None:
    await town.came_from()
    await town.wishes(USER)
    await town.wishes(OTHER)
    off = Notifications(store=town.store, version=NEW, clock=town.clock)
    turning: list[asyncio.Task[None]] = []
    town.on_pause = lambda: turning.append(asyncio.create_task(off.turn_off(Member(OTHER))))

    async def pause(seconds: float) -> None:
        town.on_pause()
        await asyncio.gather(*turning)

    town.pause = pause  # type: ignore[method-assign]
    await town.notes().run()
    assert list(town.mail.sent) == [USER]


async def test_wishes_are_kept_and_begin_with_the_version_that_runs(town: Town) -> None:
    notifications = Notifications(store=town.store, version=NEW, clock=town.clock)
    assert await notifications.level(MEMBER) is Level.NONE
    assert await notifications.turn_on(MEMBER) is Level.MINOR
    assert await town.told() == {USER: "3.0.0"}
    assert await notifications.choose(MEMBER, "Patch") is Level.PATCH
    await notifications.turn_off(MEMBER)
    assert await notifications.level(MEMBER) is Level.NONE
    assert await notifications.turn_on(MEMBER) is Level.PATCH
    assert await notifications.choose(MEMBER, "none") is Level.NONE
    assert await notifications.level(MEMBER) is Level.NONE
    assert await notifications.turn_on(MEMBER) is Level.MINOR
    with pytest.raises(InvalidInputError):
        await notifications.choose(MEMBER, "everything")


async def test_a_new_wish_does_not_skip_what_is_still_to_be_told_but_an_old_no_does(town: Town) -> None:
    notifications = Notifications(store=town.store, version=NEW, clock=town.clock)
    await town.wishes(USER, last="2.2.9")
    await town.wishes(OTHER, last="2.2.9", out=True)
    await notifications.choose(MEMBER, "major")
    await notifications.turn_on(Member(OTHER))
    assert await town.told() == {USER: "2.2.9", OTHER: "3.0.0"}
