"""How to compare a folder with the database."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.settings import Settings
from bot.store.legacy.record import Reject
from bot.store.progress import Progress


@dataclass(frozen=True, slots=True)
class ProofOptions:
    """How to compare. `is_served`: a bot runs on the database.

    After an import, `may_skip_unreadable` says that it left out what can't be read, and `rejects` what it rejected.
    """

    settings: Settings
    progress: Progress
    is_served: bool = False
    may_skip_unreadable: bool = False
    rejects: Sequence[Reject] = ()
