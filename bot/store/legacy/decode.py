"""A data folder as rows, table by table; what needs no database is decided here."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.store.legacy import aliases, auth, avatars, channels, members, personalities
from bot.store.legacy.auth import AuthRecords
from bot.store.legacy.folder import Ignored, LegacyFolder
from bot.store.legacy.personalities import PersonalityFile
from bot.store.legacy.record import Defaults, Entry, Row


@dataclass(slots=True)
class LegacyData:
    """Everything in a folder: each method gives a table's rows and rejects, read from the file as they are asked for.

    References to personalities are still names (`personality_name`), which may be unknown or aliases.
    """

    _folder: LegacyFolder
    _defaults: Defaults
    _people: PersonalityFile
    _auth: AuthRecords
    ignored: list[Ignored]
    other_names: dict[str, str] = field(default_factory=dict)

    @property
    def conflicts(self) -> int:
        """How many records gave way to one of the newer generation."""
        return self._auth.conflicts

    @property
    def now(self) -> str:
        """The time that decides which logins are past their date."""
        return self._defaults.now

    @property
    def remarks(self) -> tuple[str, ...]:
        """Which files were read in place of others, and what in them is not imported."""
        return self._folder.notes + self._people.remarks

    @property
    def skipped(self) -> tuple[str, ...]:
        """Which files can't be read."""
        return self._folder.unreadable

    def personalities(self) -> Iterator[Entry]:
        """Every personality; other names by which files know it are in `other_names` afterwards."""
        for entry in self._people.rows(self._defaults):
            if isinstance(entry, Row):
                for name in personalities.other_names(entry):
                    self.other_names.setdefault(name, entry.columns["full_name"])
            yield entry

    def aliases(self) -> Iterator[Entry]:
        """Every alias, lower case, each once."""
        names = personalities.active_names(self._people.rows(self._defaults))
        return aliases.read_aliases(self._folder, self._people, names)

    def logins(self) -> Iterator[Entry]:
        """Every token, with `Secret` in its column."""
        return iter(self._auth.logins)

    def verifications(self) -> Iterator[Entry]:
        """Every verification, cleared ones among them."""
        return iter(self._auth.verifications)

    def activations(self) -> Iterator[Entry]:
        """Every activated channel."""
        return channels.read_activations(self._folder, self._defaults)

    def conversations(self) -> Iterator[Entry]:
        """Who answered whom last, and where."""
        return channels.read_conversations(self._folder)

    def mappings(self) -> Iterator[Entry]:
        """Every message that a personality spoke."""
        return channels.read_mappings(self._folder)

    def auto_responses(self) -> Iterator[Entry]:
        """The users with auto-response."""
        return members.read_auto_responses(self._folder)

    def blacklist(self) -> Iterator[Entry]:
        """The users whom the bot ignores, from `blacklist.json` and from gen2a's logins."""
        listed: set[int] = set()
        for entry in members.read_blacklist(self._folder, self._defaults):
            if isinstance(entry, Row):
                listed.add(entry.columns["user_id"])
            yield entry
        yield from (
            entry
            for entry in self._auth.blacklist
            if not isinstance(entry, Row) or entry.columns["user_id"] not in listed
        )

    def notifications(self) -> Iterator[Entry]:
        """Who wants to hear of which releases."""
        return members.read_notifications(self._folder)

    def version(self) -> Iterator[Entry]:
        """The release that was announced last."""
        return members.read_version(self._folder)

    def avatars(self) -> Iterator[Entry]:
        """Every avatar with its image."""
        return avatars.read_avatars(self._folder)


def decode(folder: LegacyFolder, defaults: Defaults) -> LegacyData:
    """Take a folder apart; the small files are read at once, messages and avatars as they are asked for."""
    people = personalities.load(folder)
    ignored = [
        *folder.ignored,
        *aliases.ignored_files(folder, people),
        *avatars.ignored_images(folder),
    ]
    return LegacyData(folder, defaults, people, auth.read_auth(folder, defaults), ignored)
