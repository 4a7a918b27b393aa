"""What must not be seen."""


class Secret:
    """A string that must not be seen: `repr` and `str` hide it, `reveal` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for the one place that must send or encrypt it."""
        return self._value

    def __repr__(self) -> str:
        """A constant, so that no log line can show the secret."""
        return "Secret('…')"

    def __eq__(self, other: object) -> bool:
        """Two secrets are equal when their values are."""
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        """Consistent with equality."""
        return hash(self._value)
