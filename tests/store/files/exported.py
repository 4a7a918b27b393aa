"""An export and a comparison as their commands make them, and a folder looked at or changed by hand."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.store.files.export import Export, ExportOptions, export
from bot.store.files.plan import Format
from bot.store.files.proof.comparison import compare
from bot.store.files.proof.findings import Proof
from bot.store.files.proof.options import ProofOptions
from bot.store.progress import unwatched
from tests.store.files.conftest import NOW
from tests.store.legacy.conftest import Legacy


def export_to(legacy: Legacy, folder: Path, target: Format | None = None, **options: Any) -> Export:
    return export(folder, ExportOptions(legacy.settings, unwatched, target, clock=lambda: NOW, **options))


def verify(legacy: Legacy, folder: Path | None = None, **options: Any) -> Proof:
    return compare(folder or legacy.path, replace(ProofOptions(legacy.settings, unwatched), **options))


def everything_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit(folder: Path, name: str, change: Callable[[Any], None]) -> None:
    content = json.loads((folder / name).read_bytes())
    change(content)
    (folder / name).write_text(json.dumps(content))
