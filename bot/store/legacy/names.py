"""Which personality a name in a record means: exactly, in another case, by another name it had, by alias."""

from dataclasses import dataclass, field

from bot.store.engine import RawConnection


@dataclass(frozen=True, slots=True)
class Known:
    """A personality that the database has."""

    id: int
    full_name: str
    added_at: str
    is_active: bool


@dataclass(slots=True)
class Names:
    """Every personality and alias in the database, as this transaction sees it."""

    by_name: dict[str, Known] = field(default_factory=dict)
    _active_by_lower: dict[str, Known] = field(default_factory=dict)
    _by_other_name: dict[str, str] = field(default_factory=dict)
    _by_alias: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, connection: RawConnection, other_names: dict[str, str]) -> "Names":
        """Read them; `other_names` are names of records whose key was another one."""
        names = cls(_by_other_name=other_names)
        for row in connection.execute("SELECT id, full_name, added_at, is_active FROM personalities ORDER BY id"):
            names.add(Known(row["id"], row["full_name"], row["added_at"], bool(row["is_active"])))
        return names

    def load_aliases(self, connection: RawConnection) -> None:
        """Read the aliases, once they are all there."""
        for row in connection.execute("SELECT alias, personality_name FROM personality_aliases"):
            self._by_alias[row["alias"]] = row["personality_name"]

    def add(self, known: Known) -> None:
        """Take in one more."""
        self.by_name[known.full_name] = known
        if known.is_active:
            self._active_by_lower.setdefault(known.full_name.lower(), known)

    def find_active(self, name: str) -> Known | None:
        """The active personality of this name, in any case."""
        known = self.by_name.get(name)
        if known is not None and known.is_active:
            return known
        known = self._active_by_lower.get(name.lower())
        if known is None and name in self._by_other_name:
            known = self.by_name.get(self._by_other_name[name])
        return known if known is not None and known.is_active else None

    def find_speaker(self, name: str) -> Known | None:
        """Who is meant by a name in an activation, a conversation or a message: by alias too."""
        known = self.find_active(name)
        if known is None and (target := self._by_alias.get(name.lower())) is not None:
            known = self.find_active(target)
        return known

    def why_not(self, name: str) -> str:
        """Why there is no active personality of this name."""
        if name in self.by_name:
            return "its personality was removed"
        return "no personality and no alias has its name"
