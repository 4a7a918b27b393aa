"""What happens in a run: decided by the seed and the run's number alone, so that each can be played again."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Point(StrEnum):
    """The moment of a death; all but the first are counted, and the plan says at which occurrence it comes."""

    RANDOM = "at random"
    BEFORE_COMMIT = "before a commit"
    AFTER_COMMIT = "after a commit"
    BEFORE_SYNC = "before a sync"
    AFTER_SYNC = "after a sync"
    BEFORE_AI = "before an AI call"
    AFTER_AI = "after an AI call"
    BEFORE_WEBHOOK = "before a webhook send"
    AFTER_WEBHOOK = "after a webhook send"
    BEFORE_REPLY = "before a reply"
    AFTER_REPLY = "after a reply"


INSIDE = (Point.BEFORE_COMMIT, Point.AFTER_COMMIT, Point.BEFORE_SYNC, Point.AFTER_SYNC)
"""Points that only the process itself can see."""


class Victim(StrEnum):
    """Who gets the SIGKILL; a deploy's stop is a SIGTERM to all, which ends by itself."""

    EVERYTHING = "everything"
    DEPLOYED = "all, by a deploy"
    BOT = "the bot alone"
    LITESTREAM = "Litestream alone"


WHOLE = (Victim.EVERYTHING, Victim.DEPLOYED)
"""After which nothing of it runs, until it is started again."""


class Network(StrEnum):
    """What the way to the bucket does from some moment under load until the start after the death."""

    GOOD = "good"
    REFUSES = "refuses"
    SLOW = "slow"
    BLACK_HOLE = "black hole"
    GARBAGE = "garbage"


OUTAGES = (Network.REFUSES, Network.BLACK_HOLE, Network.GARBAGE)
"""Where nothing reaches the bucket."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault; a run of it takes one of its points by lot."""

    name: str
    points: tuple[Point, ...]
    victim: Victim = Victim.EVERYTHING
    networks: tuple[Network, ...] = (Network.GOOD,)
    has_second: bool = False
    deaths: int = 1


ANY = tuple(Point)
KINDS = (
    *(Kind(point.value, (point,)) for point in Point),
    Kind("again while it starts", ANY, deaths=2),
    Kind("a deploy", (Point.RANDOM,), victim=Victim.DEPLOYED),
    Kind("the bot alone", (Point.RANDOM,), victim=Victim.BOT),
    Kind("Litestream alone", (Point.RANDOM,), victim=Victim.LITESTREAM),
    Kind("bucket refuses", ANY, networks=(Network.REFUSES,)),
    Kind("bucket slow", ANY, networks=(Network.SLOW,)),
    Kind("bucket a black hole", ANY, networks=(Network.BLACK_HOLE,)),
    Kind("bucket answers garbage", ANY, networks=(Network.GARBAGE,)),
    Kind("second instance", ANY, has_second=True),
    Kind("second instance in an outage", ANY, networks=OUTAGES, has_second=True),
)
"""Every kind of fault; the runs take turns through them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    `nth` is the occurrence of the point, `after_seconds` the moment where the point is random, `again_after_seconds`
    that of a second death after the start.
    `is_heir` means that the second instance is left to carry on, and the first one is not started again.
    """

    seed: int
    number: int
    kind: str
    point: Point
    nth: int
    after_seconds: float
    victim: Victim
    network: Network
    network_after_seconds: float
    is_volume_lost: bool
    has_second: bool
    is_heir: bool
    deaths: int
    again_after_seconds: float
    down_seconds: float
    asked_while_down: int

    @property
    def is_beyond_promise(self) -> bool:
        """Whether only acknowledged writes are promised: an only copy died, or two instances were blind."""
        return self.network in OUTAGES and (self.is_volume_lost or self.has_second)

    def chance(self, purpose: str) -> Random:
        """The run's own dice for one purpose, always the same."""
        return Random(f"{self.seed}/{self.number}/{purpose}")  # noqa: S311 - repeatable on purpose


def plan_of(seed: int, number: int) -> Plan:
    """The plan of a run, counted from 1. The volume is lost in every second run of a kind that loses all processes."""
    turn, index = divmod(number - 1, len(KINDS))
    kind = KINDS[index]
    chance = Random(f"{seed}/{number}")  # noqa: S311 - repeatable on purpose
    is_whole = kind.victim in WHOLE
    return Plan(
        seed=seed,
        number=number,
        kind=kind.name,
        point=chance.choice(kind.points),
        nth=chance.randint(1, 8),
        after_seconds=round(chance.uniform(0.05, 1.2), 3),
        victim=kind.victim,
        network=chance.choice(kind.networks),
        network_after_seconds=round(chance.uniform(0.0, 0.4), 3),
        is_volume_lost=is_whole and (turn + index) % 2 == 0,
        has_second=kind.has_second,
        is_heir=kind.has_second and chance.random() < 0.5,  # noqa: PLR2004 - one half
        deaths=kind.deaths,
        again_after_seconds=round(chance.uniform(0.05, 2.4), 3),
        down_seconds=round(chance.uniform(0.0, 0.3), 3) if is_whole else 0.0,
        asked_while_down=chance.randint(0, 3) if is_whole else 0,
    )
