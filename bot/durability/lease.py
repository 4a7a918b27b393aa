"""One writer: the lease in the bucket, what a found one means, and what a volume remembers of its own.

Whoever uploads renews the lease, and stops uploading long before anybody else may take it. A lease that was not
released may belong to an instance that still has writes to upload, so whoever takes it writes to a new epoch: even an
upload that was on its way for a minute then does no harm.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import pydantic
from pydantic import BaseModel, ConfigDict

from bot.errors import ProtectedError
from bot.settings import Settings

MEMORY_NAME = ".tzurot-lease.json"
CLOCK_PRECISION_SECONDS = 2
"""How much younger than it seems an object may be: buckets tell whole seconds, and two are compared."""


class Confirmed(BaseModel):
    """The last transaction of an epoch that its writer knows to be in the bucket."""

    model_config = ConfigDict(frozen=True)

    prefix: str
    txid: int


class Lease(BaseModel):
    """The object in the bucket: who writes, or was the last to.

    `owner` is one process; `nonce` is new at each renewal; `must_begin_epoch` stays set from a take-over until its
    new epoch has begun, whoever has the lease meanwhile; `has_tail` says that a released one left writes behind that
    are on its volume only; `confirmed` is what a restore has to come up to: a copy that lost its last file looks whole.
    """

    model_config = ConfigDict(frozen=True)

    owner: str
    nonce: str
    host: str
    acquired_at: datetime
    renewed_at: datetime
    is_released: bool = False
    must_begin_epoch: bool = False
    has_tail: bool = False
    confirmed: Confirmed | None = None

    def __str__(self) -> str:
        """Whose it is, as an operator reads it."""
        return f"the instance on {self.host} (since {self.acquired_at:%Y-%m-%d %H:%M:%S} UTC)"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A lease as it was read: its tag, and when the bucket's own clock says it was written."""

    lease: Lease
    e_tag: str | None
    written_at: datetime


class Memory(BaseModel):
    """The file on the volume: which volume it is, and the renewals that the bucket may have of it."""

    model_config = ConfigDict(frozen=True)

    volume: str
    nonces: tuple[str, ...]


class Standing(StrEnum):
    """Whose a found lease is."""

    FREE = "free"
    """Nobody's: there was none, or it was released."""
    OWN = "own"
    """This volume's: whoever held it has ended, because the volume's lock is ours."""
    FOREIGN = "foreign"
    """Somebody's who may be alive."""


def judge(found: Lease | None, memory: Memory | None, volume: str) -> Standing:
    """Whose a found lease is. A copy of a volume is another volume, and remembers nothing that counts for it."""
    if found is None:
        return Standing.FREE
    if memory is not None and memory.volume == volume and found.nonce in memory.nonces:
        return Standing.OWN
    return Standing.FREE if found.is_released else Standing.FOREIGN


def must_begin_epoch(found: Lease | None, standing: Standing) -> bool:
    """Whether whoever takes a lease may not go on in the epoch that its volume has."""
    return found is not None and (standing is Standing.FOREIGN or found.must_begin_epoch)


def age_seconds(found: Sighting, bucket_now: datetime) -> float:
    """How old a lease is at least, by the bucket's clock: `bucket_now` is when it wrote an object of ours.

    Both times are the bucket's own, so no other clock has to be right, and a start after a longer outage need not
    wait for a lease that is older already than it would wait.
    """
    return max(0.0, (bucket_now - found.written_at).total_seconds() - CLOCK_PRECISION_SECONDS)


def read_memory(folder: Path) -> Memory | None:
    """What a volume remembers; unreadable is as good as none, for then the start only takes longer."""
    try:
        return Memory.model_validate_json((folder / MEMORY_NAME).read_bytes())
    except (OSError, pydantic.ValidationError):
        return None


def in_use(settings: Settings, holder: Lease) -> ProtectedError:
    """What an instance says that may not write because another one does."""
    return ProtectedError(
        f"{settings.replica_prefix} in the bucket {settings.replica_bucket} is written by {holder}, not by this one.",
        remedy="Run one instance only, and give each installation a REPLICA_PREFIX of its own.",
    )
