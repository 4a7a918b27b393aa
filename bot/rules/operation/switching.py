"""Whether a storage mode may begin to serve: never on data that is older than what the other side is known to have.

Two sides know which mode served last and up to which change: the database, and the folder of JSON files by its mode
file. Either alone is enough to refuse.
"""

from dataclasses import dataclass

from bot.errors import ProtectedError
from bot.rules.operation.storage_mode import FOLLOWED, DatabaseSide, Facts, FolderRecord, FolderSide, Mode
from bot.rules.wording import counted, some_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the mode serves.

    `lineage` is None where a new one begins. With `must_set_aside` the folder's files may be the only ones of their
    kind, so copies are kept before any is replaced. `warning` is what was accepted, `notice` what is worth a line in
    the log.
    """

    mode: Mode
    lineage: str | None
    counter: int
    must_set_aside: bool = False
    warning: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Why a side may lack something, and what to do; some no order can overrule."""

    sentence: str
    remedy: str
    may_accept: bool = True


def decide(facts: Facts, *, accept_older: bool = False) -> Verdict:
    """How to serve; raises ProtectedError where that might be older than what the other side has.

    `accept_older` goes on all the same, with the doubt as the warning, but never with nothing at all.
    """
    doubt = _doubt_files(facts) if facts.mode is Mode.JSON else _doubt_database(facts)
    if doubt is None:
        return _serve(facts)
    if not (accept_older and doubt.may_accept):
        accept = f" Or start once with --accept-older, to go on with {_ours(facts)} all the same."
        raise ProtectedError(doubt.sentence, remedy=doubt.remedy + (accept if doubt.may_accept else ""))
    return _serve(facts, f"{doubt.sentence} Going on with {_ours(facts)} all the same, as --accept-older asks for.")


def _ours(facts: Facts) -> str:
    return "the files" if facts.mode is Mode.JSON else "the database"


def _doubt_database(facts: Facts) -> _Doubt | None:
    """What the database may lack."""
    database, folder = facts.database, facts.folder
    if database is None:
        return _doubt_new_database(facts)
    if database.mode is Mode.JSON:
        sentence = f"The files in {folder.path} were served last{_ahead(database, folder)}."
    elif _is_known_to(database, folder):
        return None
    else:
        sentence = lacking(folder, database.lineage, database.counter)
    return _Doubt(sentence, _take_in(folder)) if sentence else None


def lacking(folder: FolderSide, lineage: str, counter: int) -> str:
    """What the files have that a database of this lineage may lack at that change, as a sentence, or nothing."""
    record = folder.record
    if record is None:
        is_known = folder.is_imported or not folder.has_data
        sentence = f"The files in {folder.path} were never imported into this database, or were changed since."
        return "" if is_known else sentence
    if record.lineage != lineage:
        return _other_lineage(folder)
    if folder.changed:
        return (
            f"Another program has changed {some_of(folder.changed)} in {folder.path}, "
            "so the database may lack what the files have."
        )
    ahead = record.counter - counter
    more = f"The files in {folder.path} have at least {counted(ahead, 'change')} that the database lacks."
    return more if ahead > 0 else ""


def fault_of(folder: FolderSide, lineage: str, counter: int) -> str:
    """How the files are not exactly what such a database has imported or written, as a sentence, or nothing."""
    return lacking(folder, lineage, counter) or (_lost(folder).sentence if folder.lost else "")


def _is_known_to(database: DatabaseSide, folder: FolderSide) -> bool:
    """Whether the database has what the files have, whatever is known of who wrote them."""
    if folder.record is None:
        return database.is_unrecorded
    is_as_written = folder.record.lineage == database.lineage and not folder.changed
    return folder.is_imported and not is_as_written


def _doubt_new_database(facts: Facts) -> _Doubt | None:
    """What a database that is about to be made would lack."""
    folder = facts.folder
    if folder.is_empty:
        return None
    if not facts.is_importing:
        return _Doubt(
            f"{folder.path} holds data that a new database would not have.",
            f"Set IMPORT_DIR={folder.path} to begin with it, or let JSON_DIR name another folder.",
            may_accept=False,
        )
    if folder.lost:
        return _lost(folder)
    if folder.record is not None and not folder.record.is_final:
        return _Doubt(_left_behind(folder), "Put that database back, or restore it from its bucket.")
    return None


def _doubt_files(facts: Facts) -> _Doubt | None:
    """What the files may lack."""
    database, folder = facts.database, facts.folder
    other = None if database is None or database.is_blank else database
    if not folder.has_data and (folder.record is None or folder.lost):
        return _doubt_nothing(facts, other)
    if folder.record is None:
        return None if other is None else _doubt_unmanaged(folder, other)
    if folder.lost:
        return _lost(folder)
    sentence = _newer_in_database(other, folder, folder.record)
    return _Doubt(sentence, _write_out(folder, other)) if sentence else None


def _newer_in_database(database: DatabaseSide | None, folder: FolderSide, record: FolderRecord) -> str:
    """What the database has that a folder with a mode file lacks."""
    if database is not None and record.lineage != database.lineage:
        return _other_lineage(folder)
    if database is not None and database.counter > record.counter:
        if database.mode is Mode.DATABASE:  # which counts its starts, not its changes: a number would play them down
            return f"The files in {folder.path} lack everything that the database has served alone since."
        ahead = counted(database.counter - record.counter, "change")
        return f"The database has at least {ahead} that the files in {folder.path} lack."
    return "" if record.is_final else _left_behind(folder)


def _doubt_nothing(facts: Facts, other: DatabaseSide | None) -> _Doubt | None:
    """There is no file to serve: accepting that would be to begin empty."""
    folder = facts.folder
    if folder.record is not None:
        sentence = f"Of the files that were in {folder.path} none is left but the mode file."
        return _Doubt(sentence, "Put them back.", may_accept=False)
    if other is not None:
        sentence = f"There are no JSON files in {folder.path}, but there is a database that has served."
        return _Doubt(sentence, _write_out(folder, other), may_accept=False)
    if not facts.may_begin:
        return _Doubt(
            f"There are no JSON files in {folder.path} to serve.",
            "Correct JSON_DIR; or set ALLOW_INIT=local to begin a new installation.",
            may_accept=False,
        )
    return None


def _doubt_unmanaged(folder: FolderSide, other: DatabaseSide) -> _Doubt:
    if other.mode is Mode.JSON:
        sentence = f"Files were served last, and no mode file in {folder.path} shows that it is those."
        return _Doubt(sentence, "Put back the folder that was served, with its mode file.")
    who = f"served last (STORAGE_MODE={other.mode})" if other.mode else "has what was imported, or has served"
    sentence = f"The database {who}, and no mode file in {folder.path} shows that the files there are as new."
    return _Doubt(sentence, _write_out(folder, other))


def _serve(facts: Facts, warning: str = "") -> Verdict:
    is_foreign = bool(warning) or _is_foreign(facts.folder, facts.database)
    return Verdict(
        facts.mode,
        None if warning else _lineage(facts),
        _counter(facts, is_accepted=bool(warning)),
        must_set_aside=facts.mode is not Mode.DATABASE and is_foreign and not facts.folder.is_empty,
        warning=warning,
        notice="" if warning else _notice(facts),
    )


def _is_foreign(folder: FolderSide, database: DatabaseSide | None) -> bool:
    """Whether it may be the only copy of something: not written here, or for another database, or gone on without."""
    record = folder.record
    if record is None or folder.changed or not record.is_final:
        return True
    return database is not None and record.lineage != database.lineage


def _lineage(facts: Facts) -> str | None:
    """What is served goes on, but where the other side was lost: should that come back, it must not pass for ours."""
    database, record = facts.database, facts.folder.record
    if facts.mode is Mode.JSON and record is not None:
        return record.lineage
    has_lost_its_files = database is not None and database.mode in FOLLOWED and facts.folder.is_empty
    return None if database is None or (has_lost_its_files and facts.mode in FOLLOWED) else database.lineage


def _counter(facts: Facts, *, is_accepted: bool) -> int:
    """The change to count on from: past both sides where the other one is left behind from here on."""
    database, record = facts.database, facts.folder.record
    sides = [side.counter for side in (database, record) if side is not None]
    if is_accepted or facts.mode is Mode.DATABASE:
        return max(sides, default=0) + 1
    return max(sides, default=0)


def _notice(facts: Facts) -> str:
    folder, database = facts.folder, facts.database
    if facts.mode is Mode.JSON and folder.changed:
        return f"Another program has changed {some_of(folder.changed)} in {folder.path}; as they are now, they count."
    is_unknown = database is not None and database.is_unrecorded and folder.record is None and not folder.is_imported
    if facts.mode is not Mode.JSON and is_unknown and folder.has_data:
        return f"The files in {folder.path} are older than the database, which an earlier version has served."
    return ""


def _ahead(database: DatabaseSide, folder: FolderSide) -> str:
    record = folder.record
    if record is None or record.lineage != database.lineage or record.counter <= database.counter:
        return ", so the database may lack what they have"
    return f", and have at least {counted(record.counter - database.counter, 'change')} that the database lacks"


def _other_lineage(folder: FolderSide) -> str:
    return f"The files in {folder.path} are another installation's than the database, or an older beginning of it."


def _left_behind(folder: FolderSide) -> str:
    return f"The files in {folder.path} are older than the database that they were left for, which went on without."


def _lost(folder: FolderSide) -> _Doubt:
    return _Doubt(f"{some_of(folder.lost)} in {folder.path} is gone or damaged.", "Put it back as it was written.")


def _take_in(folder: FolderSide) -> str:
    lead = "Put them back, and bring" if folder.is_empty else "Bring"
    return f"{lead} the database up to date with `tzurot import {folder.path}`."


def _write_out(folder: FolderSide, database: DatabaseSide | None) -> str:
    """How the files become what the database is; an export takes the place of no files that it might lack."""
    if database is None:
        return f"Put that database back, and bring the files up to date with `tzurot export {folder.path}`."
    is_known = folder.record is not None and folder.record.lineage == database.lineage and not folder.changed
    if is_known or folder.is_imported or folder.is_empty:
        return f"Bring the files up to date with `tzurot export {folder.path}`."
    return "Write the database into a new folder with `tzurot export DIR`, and let JSON_DIR name that."
