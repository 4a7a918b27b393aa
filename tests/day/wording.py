"""What people write: something of everyday life, now and then with an at sign that calls nobody."""

from dataclasses import dataclass
from random import Random

from tests.day.cast import personalities

WORDS = (
    "what do you make of the rain", "the lamp is out again", "tell me of the sea", "I lost my gloves", "is it late",
    "who left the door open", "bread and salt", "how was your day", "a letter came", "sing a song", "it is cold here",
)  # fmt: skip
TRAPS = ("write to someone@example.com", "@nobody-here is it you", "5 @ 3 is a price", "a_b@c")
FRAMES = ("@{name}, {words}", "{words}, @{name}!", "hey @{name} {words}", "({words} @{name}) so?", "@{name}: {words}")
TRAP_SHARE, SHOUTED_SHARE = 0.15, 0.2


@dataclass(frozen=True, slots=True)
class Wording:
    """Finds words; what a message is about ends with its number."""

    random: Random

    def aside(self, number: int) -> str:
        """Words to nobody."""
        words = self.random.choice(TRAPS) if self.random.random() < TRAP_SHARE else self.words()
        return f"{words} №{number}"

    def name(self, persona: int) -> str:
        """One of the names of a personality, sometimes in capitals."""
        name = self.random.choice(personalities()[persona].names)
        shouted = name.upper()
        return shouted if self.random.random() < SHOUTED_SHARE and shouted.lower() == name.lower() else name

    def mentioning(self, name: str, number: int) -> str:
        """Words to whom this is the name of."""
        return f"{self.random.choice(FRAMES).format(name=name, words=self.words())} №{number}"

    def words(self) -> str:
        """Some."""
        return " and ".join(self.random.sample(WORDS, self.random.randint(1, 3)))
