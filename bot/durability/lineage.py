"""Which copy belongs to which volume: epochs, the marker on the volume, and `current.json` in the bucket.

Each time a database starts a life of its own (created, restored, put back by hand) it gets a new epoch
with a prefix of its own, so that two lives can never mix in one replica. The marker says which epoch a
volume writes; `current.json` says from which one a lost volume is restored.
"""

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pydantic
from pydantic import BaseModel, ConfigDict

from bot.errors import ProtectedError, StorageError
from bot.store.migrate import sync_folder

MARKER_NAME = ".tzurot-lineage.json"


class Parent(BaseModel):
    """The epoch that a new one began from, and the last transaction taken over."""

    model_config = ConfigDict(frozen=True)

    epoch: int
    prefix: str
    txid: str | None = None


class Past(BaseModel):
    """A finished epoch: where its copy is, or was until it was pruned, and when it was the current one.

    `txid` is the transaction at which the next epoch began from it: what comes after it is in no later one.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    epoch: int
    prefix: str
    start: datetime = pydantic.Field(alias="from")
    end: datetime = pydantic.Field(alias="to")
    txid: str | None = None
    is_pruned: bool = False


class Lineage(BaseModel):
    """What a marker and `current.json` share: one epoch and whose it is.

    `install_id` is the same for all epochs of one installation; `claim` is new with every epoch, so that
    two volumes that both began one can be told apart.
    """

    model_config = ConfigDict(frozen=True)

    install_id: str
    epoch: int
    prefix: str
    claim: str
    started_at: datetime
    parent: Parent | None = None


class Marker(Lineage):
    """The file on the volume. Pending until `current.json` names this epoch; restored if it began as a fetched copy."""

    bucket: str
    is_pending: bool = True
    is_restored: bool = False


class Current(Lineage):
    """The file in the bucket: the epoch to restore from, and those before it."""

    history: tuple[Past, ...] = ()


def epoch_prefix(prefix: str, epoch: int) -> str:
    """Where an epoch's replica lives."""
    return f"{prefix}/e{epoch:06d}"


def format_txid(txid: int) -> str:
    """A transaction's number as Litestream writes it."""
    return f"{txid:016x}"


def parse_txid(text: str) -> int:
    """A transaction's number as a person counts."""
    return int(text, 16)


def succeed(marker: Marker, current: Current | None, now: datetime) -> Current:
    """The `current.json` that names the marker's epoch and remembers the ones before."""
    history = current.history if current else ()
    if current is not None:
        txid = marker.parent.txid if marker.parent else None
        history += (Past(epoch=current.epoch, prefix=current.prefix, start=current.started_at, end=now, txid=txid),)
    fields = marker.model_dump(exclude={"bucket", "is_pending", "is_restored"})
    return Current(**fields, history=history)


def marker_path(database: Path) -> Path:
    """Where a database's marker is: beside it."""
    return database.parent / MARKER_NAME


def read_marker(database: Path) -> Marker | None:
    """The volume's marker, None if it has none; unreadable is not none: ProtectedError."""
    path = marker_path(database)
    try:
        return Marker.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"The marker {path} can't be read: {error.strerror}.") from None
    except pydantic.ValidationError:
        raise ProtectedError(
            f"The marker {path} is damaged, so nobody knows which copy belongs to this volume.",
            remedy="Move it away to start over: the next start says what it then needs to know.",
        ) from None


def write_marker(database: Path, marker: Marker) -> None:
    """Replace the marker in one step that survives a power cut."""
    replace_file(marker_path(database), marker.model_dump_json(indent=1).encode())


def replace_file(path: Path, content: bytes) -> None:
    """Give a file another content in one step that survives a power cut; StorageError when that fails."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise StorageError(f"{path} can't be written: {error.strerror}.") from None


def now_utc() -> datetime:
    """Now, to the second: lineage files are read by people."""
    return datetime.now(UTC).replace(microsecond=0)
