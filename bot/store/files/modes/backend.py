"""The store in the mode that the settings ask for, with what belongs to it: opened and closed as one."""

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bot.errors import StorageError, TzurotError
from bot.model import Clock, utc_now
from bot.rules.operation.storage_mode import Mode
from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore, open_store
from bot.store.engine import connect_reader, connect_writer, opened, transaction
from bot.store.files.all_plans import all_plans
from bot.store.files.folder.disk import make_folder
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import FolderState
from bot.store.files.loader import Loader
from bot.store.files.modes.due import Due
from bot.store.files.modes.rewriter import Rewriter
from bot.store.files.modes.scratch import clear_scratch, make_private, scratch_path
from bot.store.files.modes.switch import Switch, begin, leave_database, record, require_switch
from bot.store.files.modes.write_behind import Rounds, WriteBehind
from bot.store.files.modes.write_through import WriteThrough
from bot.store.files.plan import Format
from bot.store.files.shadow.mode import Shadow, Workspace
from bot.store.legacy.report import ImportReport
from bot.store.migrate import create_database
from bot.store.reader import open_connection
from bot.store.translate import translated

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backend:
    """What is open; `behind` writes the files in the modes in which they follow, `shadow` compares reads with them."""

    store: SQLiteStore
    mode: Mode
    behind: WriteBehind | None = None
    shadow: Shadow | None = None
    scratch: Path | None = None

    async def close(self) -> None:
        """Bring the files up to date, then close the store; nothing may write any more."""
        try:
            if self.behind is not None:
                self.behind.rounds.on_round = None  # nobody would wait for what is compared after it
                await self.behind.flush()
        finally:
            await self.store.close()
        if self.shadow is not None:
            await self.shadow.close()
        if self.scratch is not None:
            await asyncio.to_thread(clear_scratch, self.scratch)


@dataclass(frozen=True, slots=True)
class _Opening:
    settings: Settings
    cipher: Cipher
    switch: Switch
    clock: Clock


async def open_backend(
    settings: Settings, cipher: Cipher, *, accept_older: bool = False, clock: Clock = utc_now
) -> Backend:
    """Open the store; whoever calls holds the locks of the volume and of the folder.

    Raises ProtectedError where the mode would serve older data than another one has, unless that is accepted.
    """
    switch = await asyncio.to_thread(require_switch, settings, accept_older=accept_older)
    await asyncio.to_thread(begin, settings, switch, clock())
    await asyncio.to_thread(_clear_leftovers, switch.folder)
    opening = _Opening(settings, cipher, switch, clock)
    if switch.mode is Mode.JSON:
        return await _open_json(opening)
    if switch.mode is Mode.DATABASE:
        return Backend(await open_store(settings.database_path, settings=settings), switch.mode)
    return await _open_followed(opening)


def _clear_leftovers(folder: Path) -> None:
    """What a killed bot left aside of the folder's state, in whichever mode; most can do without that place."""
    with suppress(StorageError):
        Workspace(folder).clear()
        clear_scratch(scratch_path(folder))


async def _open_followed(opening: _Opening) -> Backend:
    path, settings = opening.settings.database_path, opening.settings
    rewriter, due = await asyncio.to_thread(_rewriter_of, opening), Due()
    store = await open_store(path, settings=settings, hook=due.hook)
    try:
        reader = await open_connection(partial(connect_reader, path, settings.busy_timeout_seconds))
    except TzurotError:
        await store.close()
        raise
    rounds = Rounds(rewriter, due)
    shadow = None
    if opening.switch.mode is Mode.SHADOW:
        shadow = Shadow(store, Loader(settings, opening.cipher, by_records=True), opening.cipher, settings)
        rounds.on_round = shadow.on_round
    return Backend(store, opening.switch.mode, WriteBehind(rounds, store, reader, settings), shadow)


async def _open_json(opening: _Opening) -> Backend:
    await asyncio.to_thread(make_folder, opening.switch.folder)
    path = scratch_path(opening.switch.folder)
    await asyncio.to_thread(_load, opening, path)
    await asyncio.to_thread(leave_database, opening.settings, opening.switch, opening.clock())
    through = WriteThrough(await asyncio.to_thread(_rewriter_of, opening))
    store = await open_store(path, settings=opening.settings, hook=through.hook, is_scratch=True)
    return Backend(store, opening.switch.mode, scratch=path)


def _load(opening: _Opening, path: Path) -> None:
    make_private(path.parent)
    create_database(path)
    settings, switch = opening.settings, opening.switch
    with translated(), opened(connect_writer(path, settings, is_scratch=True)) as connection, transaction(connection):
        if switch.has_files:
            load = Loader(settings, opening.cipher, clock=opening.clock)
            _tell_rejects(load.fill(connection, JsonFolder(switch.folder)), switch.folder)
        record(connection, switch, opening.clock())


def _tell_rejects(report: ImportReport, folder: Path) -> None:
    """Say which records of the original are not served, because they make no sense or name what is not there."""
    if report.rejects:
        counted = Counter(reject.file for reject in report.rejects)
        found = ", ".join(f"{number:,} of {file}" for file, number in counted.items())
        log.warning(
            "%s",
            f"These records in {folder} can't be understood, are not served, and stay only in the copies that were"
            f" made of the files: {found}. `tzurot import --dry-run` of the copies lists them",
        )


def _rewriter_of(opening: _Opening) -> Rewriter:
    """What keeps the folder; every file is due at once where it is not known to be as it was written."""
    switch, now = opening.switch, opening.clock()
    folder, side = JsonFolder(switch.folder), switch.facts.folder
    found = folder.read()
    wanted = opening.settings.json_format
    state = FolderState(
        switch.lineage,
        switch.mode,
        found.counter if found else switch.counter,
        Format(wanted) if wanted else folder.format(),
        is_final=True,
        written_at=now,
        files=found.files if found else {},
    )
    is_known = found is not None and replace(found, written_at=now) == state
    must_rewrite = not is_known or bool(side.changed or side.lost)
    if switch.verdict.must_set_aside:  # copies of all that goes are kept, also of what another program wrote
        state = replace(state, files={**state.files, **folder.replaceable()})
    return Rewriter(folder, state, all_plans(state.format), opening.cipher, opening.clock, must_rewrite)
