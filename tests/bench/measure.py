"""Alternatives take turns in short repetitions, so that a noisy machine disturbs them alike; only ratios count."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass
class Samples:
    """What one alternative was measured at: a rate for each repetition, and microseconds for each operation."""

    name: str
    rates: list[float] = field(default_factory=list)
    latencies_us: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return median(self.rates)

    def percentile_us(self, share: float) -> float:
        ordered = sorted(self.latencies_us)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def as_json(self) -> dict[str, float | str]:
        return {
            "name": self.name,
            "per_second": round(self.rate),
            "p50_us": round(self.percentile_us(0.5), 1),
            "p99_us": round(self.percentile_us(0.99), 1),
        }


@dataclass(frozen=True)
class Goal:
    """A ratio of two alternatives' rates (or times), and what it must be at least (or at most)."""

    name: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def is_met(self) -> bool:
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def wanted(self) -> str:
        if self.least is not None:
            return f"≥ {self.least:g}"
        return f"≤ {self.most:g}" if self.most is not None else "(no goal)"

    def as_json(self) -> dict[str, object]:
        return {"name": self.name, "value": round(self.value, 2), "goal": self.wanted, "is_met": self.is_met}


@dataclass(frozen=True)
class Section:
    """One table of the report."""

    title: str
    samples: Sequence[Samples]
    goals: Sequence[Goal]


def ratio(ours: Samples, other: Samples) -> float:
    """The median of the repetitions' ratios: neighbours in time, so both had the same noise."""
    return median(mine / theirs for mine, theirs in zip(ours.rates, other.rates, strict=True))
