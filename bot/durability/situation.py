"""What a start finds: everything that its decision depends on, and nothing that it does."""

from dataclasses import dataclass, field
from typing import Literal

from bot.durability.bucket import Replica
from bot.durability.lineage import Current, Marker
from bot.store.inspection import FileKind


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """What the bucket holds.

    `own` is the replica of the epoch that the volume's marker names, from the volume's last transaction on;
    `copy` the one that `current.json` names; `epochs` those with files under the configured prefix; `others`
    what else lies in the bucket.
    """

    current: Current | None = None
    own: Replica = field(default_factory=lambda: Replica(has_files=False))
    copy: Replica = field(default_factory=lambda: Replica(has_files=False))
    epochs: tuple[int, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The bucket did not answer, and how that was put."""

    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the decision depends on.

    `bucket` is None where none is configured; `local_txid` is None where Litestream's folder is missing;
    `traces` are the names of files that a lost database left behind; `must_begin_epoch` says that the lease was taken
    over from an instance that did not release it.
    """

    database: FileKind
    bucket: BucketFacts | Unreachable | None
    bucket_name: str = ""
    prefix: str = ""
    marker: Marker | None = None
    local_txid: int | None = None
    traces: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    allow_init: str | None = None
    restore_mode: Literal["accept-volume", "prefer-replica"] | None = None
    has_import: bool = False
    must_begin_epoch: bool = False

    def is_here(self, marker: Marker) -> bool:
        """Whether a marker's epoch lies where the settings say."""
        return marker.bucket == self.bucket_name and marker.prefix.startswith(f"{self.prefix}/e")
