"""Checks of this machine: settings, keys, engine, database, volume, disk, port."""

import asyncio
import difflib
import os
import shutil
import socket
from dataclasses import replace
from pathlib import Path

from dotenv import dotenv_values

from bot.cli.checks.finding import Finding, fail, ok, warn
from bot.cli.printing import size
from bot.cli.readable_database import readable_database
from bot.durability.presence import find_holder
from bot.durability.volume import QUARANTINE
from bot.errors import NotFoundError, StorageError, TzurotError, UnreadableError
from bot.settings import KEY_RECIPE, Settings
from bot.store.cipher import Cipher, cipher_from, require_keys
from bot.store.console import Console
from bot.store.engine import engine_version, require_engine
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.modes.switch import require_switch
from bot.store.files.standing import find_changed
from bot.store.inspection import FileKind, FileReport, inspect_file
from bot.store.migrate import known_migrations
from bot.store.reader import open_reader

SPARE_BYTES = 50_000_000
"""What a small database needs beside itself for its log and the upload's staging."""


def check_settings() -> Finding:
    """Whether a name in the environment or .env looks like a misspelt setting."""
    known = {name.upper() for name in Settings.model_fields}
    given = set(os.environ) | set(dotenv_values(".env"))
    near = {name: difflib.get_close_matches(name, known, n=1, cutoff=0.87) for name in sorted(given - known)}
    guesses = [f"{name} (for {match[0]}?)" for name, match in near.items() if match and match[0] not in given]
    if guesses:
        return warn("settings", f"not known: {', '.join(guesses)}", "Correct the name; .env.example has them all.")
    return ok("settings", f"read, {sum(name in given for name in known)} of {len(known)} are set")


def check_keys(settings: Settings) -> Finding:
    """Whether there is a key, and every key that stored secrets need."""
    if not settings.encryption_keys:
        return fail("keys", "ENCRYPTION_KEYS is not set", f"Make one with: {KEY_RECIPE}")
    cipher = cipher_from(settings)
    found = f"{len(cipher.key_ids)} given, {cipher.key_ids[0]} encrypts"
    try:
        with readable_database(settings) as path:
            if _look(path).kind is not FileKind.OK:
                return ok("keys", found)
            asyncio.run(_require_keys(path, settings, cipher))
    except (StorageError, UnreadableError, NotFoundError) as error:
        return warn("keys", f"{found}; {error.message}", error.remedy)
    return ok("keys", f"{found}, every stored secret has its key")


async def _require_keys(path: Path, settings: Settings, cipher: Cipher) -> None:
    reader = await open_reader(path, settings)
    try:
        await require_keys(reader, cipher)
    finally:
        await reader.close()


def check_engine() -> Finding:
    """Whether this SQLite is safe beside Litestream."""
    require_engine()
    return ok("engine", f"SQLite {engine_version()}")


def check_database(settings: Settings) -> Finding:
    """What lies at the database's path, or in json mode whether a database can be made of the files."""
    if settings.mode == "json":
        with readable_database(settings) as path:
            finding = _check_content(settings, _look(path))
        made = f"made of the files in {settings.json_folder}"
        return replace(finding, found=finding.found.replace(str(path), made))
    path = settings.database_path
    report = _look(path)
    if report.kind is FileKind.OK:
        return _check_content(settings, report)
    if report.kind is FileKind.MISSING and not report.side_files:
        how = "restores it or makes a new one" if settings.is_replicated else "needs ALLOW_INIT=local to make a new one"
        return warn("database", f"there is none at {path}", f"None needed before the first start, which {how}.")
    left = f"only {', '.join(file.name for file in report.side_files)} is there" if report.side_files else ""
    faults = {FileKind.MISSING: left, FileKind.EMPTY: "it has 0 bytes", FileKind.DAMAGED: "; ".join(report.problems)}
    remedy = "`tzurot boot --explain` says what a start does." if settings.is_replicated else "Restore a backup."
    return fail("database", f"{path}: {faults[report.kind]}", remedy)


def _look(path: Path) -> FileReport:
    return inspect_file(path, full=False)


def _check_content(settings: Settings, report: FileReport) -> Finding:
    unknown = sorted(set(report.migrations) - set(known_migrations()))
    if unknown:
        return fail("database", f"it is from a newer version, which added {', '.join(unknown)}", "Run that version.")
    pending = sorted(set(known_migrations()) - set(report.migrations))
    schema = f"the next start applies {', '.join(pending)}" if pending else "schema current"
    try:
        with Console(report.path, settings.read_timeout_seconds) as console:
            problems = [row[0] for row in console.ask("PRAGMA quick_check(3)").rows]
    except StorageError:
        return ok("database", f"{report.path}, {schema}; too large to check here, `tzurot backup` checks it in full")
    if problems != ["ok"]:
        return fail(
            "database", f"{report.path}: {'; '.join(problems)}", "Stop the bot; the next start restores the copy."
        )
    return ok("database", f"{report.path}, {schema}, pages sound")


def check_storage(settings: Settings) -> Finding:
    """Which mode runs, or whether it may begin."""
    folder = JsonFolder(settings.json_folder)
    state, writes_files = folder.read(), settings.mode != "database"
    files = f"; the files in {folder.path} are up to change {state.counter:,}" if state else ""
    if writes_files and folder.path.exists() and not os.access(folder.path, os.W_OK | os.X_OK):
        return fail("storage", f"{folder.path} can't be written", "Mount it writable, for the user of the bot.")
    if find_holder(settings.state_folder) is None:
        require_switch(settings)
        return ok("storage", f"{settings.mode} mode may begin{files}")
    if writes_files and (changed := find_changed(folder)):
        found = f"another program has changed {changed[0]} in {folder.path}"
        return warn("storage", found, f"Find out which. `tzurot verify {folder.path}` lists what differs.")
    return ok("storage", f"{settings.mode} mode{files}")


def check_volume(settings: Settings) -> Finding:
    """Whether the folder can be written, is a volume where it must be, and who uses it."""
    folder = settings.state_folder
    if settings.railway_environment_id and not settings.railway_volume_mount_path:
        return fail("volume", "Railway has mounted none", "Add a volume to the service, mounted at /app/data.")
    if not folder.is_dir():
        return warn("volume", f"{folder} does not exist", "None needed if it may be made by the first start.")
    if not os.access(folder, os.W_OK | os.X_OK):
        return fail("volume", f"{folder} can't be written", "Mount it writable, for the user that the bot runs as.")
    holder = find_holder(folder)
    found = f"{folder}, {f'in use by {holder}' if holder else 'writable, in use by nobody'}"
    if old := sorted(path.name for path in folder.glob(f"{QUARANTINE}*")):
        return warn("volume", f"{found}; {', '.join(old)}", "Delete what nobody needs of these old databases.")
    return ok("volume", found)


def check_disk(settings: Settings) -> Finding:
    """Whether a restore fits beside the database, with its log grown as far as it may."""
    folder = settings.database_path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    database = settings.database_path
    stored = sum(path.stat().st_size for path in (database, Path(f"{database}-wal")) if path.exists())
    free, needed = shutil.disk_usage(folder).free, stored + SPARE_BYTES
    found = f"{size(free)} free, {size(needed)} wanted for the log and a restore beside the database"
    return ok("disk", found) if free >= needed else fail("disk", found, "Free space on the volume or make it larger.")


def check_port(settings: Settings) -> Finding:
    """Whether the health page's port is free, or taken by this very bot."""
    where = f"{settings.listen_address}:{settings.port}"
    try:
        socket.create_server((settings.listen_address, settings.port)).close()
    except OSError as error:
        if find_holder(settings.state_folder):
            return ok("port", f"{where} is taken, as it should be while the bot runs")
        return fail("port", f"{where}: {error.strerror}", "Set PORT to a free port and LISTEN_ADDRESS to one of ours.")
    return ok("port", f"{where} is free")


def failed(name: str, error: TzurotError) -> Finding:
    """The finding for a check that raised."""
    return fail(name, error.message.rstrip("."), error.remedy)
