"""What an import leaves on record: each source file's hash, the counts, and the comparison at its end."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from bot.errors import UnreadableError
from bot.store.columns import to_text
from bot.store.engine import RawConnection
from bot.store.files.folder.disk import digest_or_none
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import FileDigest
from bot.store.files.mirror import Work
from bot.store.files.proof.comparison import prove
from bot.store.files.proof.findings import Proof
from bot.store.files.proof.options import ProofOptions
from bot.store.legacy.report import ImportReport

ADD = "INSERT INTO imports (imported_at, folder, manifest) VALUES (:imported_at, :folder, :manifest)"

Files = Mapping[str, FileDigest]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An import whose result is compared and put on record in its own transaction.

    `named` is the folder as it was named, `folder` what is read of it, and `before` what its files were when the
    import began.
    """

    work: Work
    named: Path
    folder: JsonFolder
    before: Files
    options: ProofOptions
    now: datetime

    def __call__(self, connection: RawConnection) -> ImportReport:
        """Import, compare, and write the manifest; raises UnreadableError if a file is not what it was."""
        report = self.work(connection)
        options = replace(self.options, may_skip_unreadable=bool(report.skipped), rejects=report.rejects)
        report.comparison = prove(self.folder.path, connection, options)
        _require_same(self.before, look_at_files(self.folder))
        manifest = orjson.dumps(_manifest(self.before, report, report.comparison)).decode()
        parameters = {
            "imported_at": to_text(self.now),
            "folder": str(self.named.resolve()),
            "manifest": manifest,
        }
        connection.execute(ADD, parameters)
        return report


def look_at_files(folder: JsonFolder) -> Files:
    """What each file holds; one that can't be read is left to whoever reads it."""
    found: dict[str, FileDigest] = {}
    state = folder.read()
    for name in {*folder.original_files(), *(state.files if state else ())}:
        with suppress(UnreadableError):
            if digest := digest_or_none(folder.path / name):
                found[name] = digest
    return found


def _require_same(before: Files, after: Files) -> None:
    moved = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if moved:
        raise UnreadableError(
            f"Nothing was imported: {moved[0]} was changed while it was read.",
            remedy="Stop the old bot, then import again.",
        )


def _manifest(files: Files, report: ImportReport, comparison: Proof) -> dict[str, Any]:
    return {
        "files": {name: {"sha256": one.sha256, "bytes": one.size_bytes} for name, one in sorted(files.items())},
        "counts": {name: asdict(count) for name, count in report.tables.items()},
        "comparison": comparison.as_dict(),
    }
