"""The switch between storage modes: whether the mode may begin, and the record of it on both sides."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bot.errors import StorageError, UnreadableError
from bot.rules.operation.storage_mode import Facts, Mode
from bot.rules.operation.switching import Verdict, decide
from bot.settings import Settings
from bot.store import storage
from bot.store.engine import RawConnection, connect_writer, opened, run, transaction
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import REST_FOLDER, FileDigest, FolderState
from bot.store.files.modes.facts import look
from bot.store.files.plan import Format
from bot.store.migrate import is_current, require_current
from bot.store.translate import translated

__all__ = ["Switch", "begin", "leave_database", "look", "record", "require_switch"]

log = logging.getLogger(__name__)

LINES = {
    Mode.JSON: "the files in {} are the truth and all there is, nothing is copied elsewhere",
    Mode.DUAL: "the database is the truth, the files in {} follow it within a second",
    Mode.SHADOW: "the database is the truth, the files in {} follow it within a second, and reads are compared",
    Mode.DATABASE: "the database alone is the truth, JSON files are neither read nor written",
}


@dataclass(frozen=True, slots=True)
class Switch:
    """A mode that may begin: on which facts, how, and under which lineage."""

    facts: Facts
    verdict: Verdict
    lineage: str
    folder: Path

    @property
    def mode(self) -> Mode:
        """The mode that begins."""
        return self.verdict.mode

    @property
    def counter(self) -> int:
        """The change that it counts on from."""
        return self.verdict.counter

    @property
    def has_files(self) -> bool:
        """Whether there is anything in the folder to load."""
        return not self.facts.folder.is_empty

    @property
    def line(self) -> str:
        """Which mode runs, and what that means."""
        return f"Storage mode {self.mode}: {LINES[self.mode].format(self.folder)}"


def require_switch(settings: Settings, *, accept_older: bool = False) -> Switch:
    """The settings' mode as it may begin; raises ProtectedError where it would serve older data. Changes nothing."""
    facts = look(settings)
    verdict = decide(facts, accept_older=accept_older)
    return Switch(facts, verdict, verdict.lineage or secrets.token_hex(16), settings.json_folder.absolute())


def begin(settings: Settings, switch: Switch, now: datetime) -> None:
    """Carry the switch out: copies where files may be lost, then the record in the folder and in the database's file.

    Before the store is opened, because that looks which mode serves. In json mode the database is told later, by
    `leave_database`. Killed in between, the next start decides the same, or asks again.
    """
    if switch.mode is not Mode.JSON:
        require_current(settings.database_path)
    _begin_in_folder(switch, now)
    if switch.mode is not Mode.JSON:
        _record_in_database(settings, switch, now)
    for text in filter(None, (switch.verdict.warning, switch.verdict.notice)):
        log.warning("%s", text)
    log.info("%s", switch.line)


def _record_in_database(settings: Settings, switch: Switch, now: datetime) -> None:
    """Write it down; a full disk stops no start that only goes on as before."""
    before = switch.facts.database
    try:
        with _writing(settings) as connection:
            record(connection, switch, now)
    except StorageError as error:
        if before is None or (before.mode, before.lineage) != (switch.mode, switch.lineage):
            raise
        log.warning("%s", f"That {switch.mode} mode starts again can't be noted in the database. {error}")


def record(connection: RawConnection, switch: Switch, now: datetime) -> None:
    """Write down in a database that the mode serves it: the live one, or in json mode the one made of the files."""
    run(connection, storage.serve(switch.lineage, switch.counter, switch.mode, folder=str(switch.folder), now=now))


def leave_database(settings: Settings, switch: Switch, now: datetime) -> None:
    """Tell a database that is there that the files are served now, once they are loaded; until then it may go on."""
    # One of an older schema has no place for it; that it is not the folder's is told by its lineage.
    if switch.facts.database is None or not is_current(settings.database_path):
        return
    statement = storage.leave_to_files(switch.lineage, folder=str(switch.folder), now=now)
    with _writing(settings) as connection:
        run(connection, statement)


@contextmanager
def _writing(settings: Settings) -> Iterator[RawConnection]:
    writer = connect_writer(settings.database_path, settings)
    with translated(), opened(writer) as connection, transaction(connection):
        yield connection


def _begin_in_folder(switch: Switch, now: datetime) -> None:
    folder = JsonFolder(switch.folder)
    try:
        folder.recover()
        if switch.verdict.must_set_aside and (kept := folder.set_aside(now)):
            log.warning("%s", f"Files in {folder.path} will be replaced; copies of all that is there are in {kept}")
        marked, state = _marked(folder, switch, now), folder.read()
        if marked and (state is None or replace(marked, written_at=state.written_at) != state):
            folder.commit((), marked)
    except StorageError as error:
        if switch.mode is not Mode.DATABASE:
            raise
        log.warning("%s", f"In {folder.path} it can't be noted that the database serves now. {error}")


def _marked(folder: JsonFolder, switch: Switch, now: datetime) -> FolderState | None:
    """What the mode file has to say before any file is written; None where what it says is right, or is not there."""
    state = folder.read()
    if switch.mode is Mode.JSON:
        return _marked_as_served(folder, state, switch, now)
    if switch.facts.folder.is_empty or not (switch.verdict.must_set_aside or switch.mode is Mode.DATABASE):
        return None
    if state and state.lineage == switch.lineage and not switch.facts.folder.changed:
        return replace(state, mode=switch.mode, is_final=False, written_at=now)
    database = switch.facts.database
    return FolderState(
        lineage=switch.lineage,
        mode=switch.mode,
        counter=database.counter if database else 0,  # the one that has what these files have
        format=_format_of(folder),
        is_final=False,
        written_at=now,
        files=folder.data_files() | _rest_of(state, switch),
    )


def _marked_as_served(folder: JsonFolder, state: FolderState | None, switch: Switch, now: datetime) -> FolderState:
    """The files are the truth; one that another program has changed is still told by the digest that it had."""
    known = state.files if state else folder.data_files()
    return FolderState(
        lineage=switch.lineage,
        mode=switch.mode,
        counter=switch.counter,
        format=_format_of(folder),
        is_final=True,
        written_at=now,
        files={name: digest for name, digest in known.items() if name not in switch.facts.folder.lost},
    )


def _rest_of(state: FolderState | None, switch: Switch) -> dict[str, FileDigest]:
    """The files beside the original's, which belong to it only as long as nobody has changed those."""
    if state is None or switch.facts.folder.changed:
        return {}
    return {name: digest for name, digest in state.files.items() if name.startswith(f"{REST_FOLDER}/")}


def _format_of(folder: JsonFolder) -> Format:
    with suppress(UnreadableError):  # whoever reads the file will say so; here it is only told apart
        return folder.format()
    return Format.GEN2
