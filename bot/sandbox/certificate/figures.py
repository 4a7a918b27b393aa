"""What a series amounts to: totals, and distributions of what was measured."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.sandbox.certificate.outcome import Outcome

PERCENTILE = 0.95


@dataclass(frozen=True, slots=True)
class Totals:
    """What is promised to be zero, and beside it of how many."""

    runs: int
    broken_runs: int
    acknowledged: int
    acknowledged_lost: int
    questions: int
    answers_missed: int
    answers_doubled: int
    wrong_personality: int
    out_of_order: int
    databases_unsound: int
    receipts_silent: int
    failures: int
    calls_repeated: int

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> "Totals":
        """Count."""
        return cls(
            runs=len(outcomes),
            broken_runs=sum(bool(each.broken()) for each in outcomes),
            acknowledged=sum(each.acknowledged for each in outcomes),
            acknowledged_lost=sum(len(each.lost) for each in outcomes),
            questions=sum(each.questions for each in outcomes),
            answers_missed=sum(len(each.balance.missed) for each in outcomes),
            answers_doubled=sum(len(each.balance.doubled) for each in outcomes),
            wrong_personality=sum(len(each.balance.wrong_voice) for each in outcomes),
            out_of_order=sum(len(each.balance.out_of_order) for each in outcomes),
            databases_unsound=sum(len(each.unsound) for each in outcomes),
            receipts_silent=sum(bool(each.unnamed) for each in outcomes),
            failures=sum(bool(each.failure) for each in outcomes),
            calls_repeated=sum(each.repeated_calls for each in outcomes),
        )


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a measured time is distributed, in milliseconds."""

    count: int
    min: float
    median: float
    p95: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Distribution | None":
        """The distribution, None of nothing."""
        ordered = sorted(values)
        if not ordered:
            return None
        return cls(len(ordered), ordered[0], _rank(ordered, 0.5), _rank(ordered, PERCENTILE), ordered[-1])


def _rank(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is measured in a run."""

    key: str
    title: str
    of: Callable[[Outcome], float | None]


MEASURES = (
    Measure(
        "loss_window_ms", "conversation data lost with the volume, before the death", lambda run: run.loss_window_ms
    ),
    Measure("first_answer_ms", "from the death to the first answer", lambda run: run.first_answer_ms),
    Measure("all_answered_ms", "from the death until everything was answered", lambda run: run.all_answered_ms),
)


def measured(outcomes: Iterable[Outcome], measure: Measure) -> list[float]:
    """The values of the runs that have one."""
    return [value for each in outcomes if (value := measure.of(each)) is not None]


def within(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The runs for which everything is promised."""
    return [each for each in outcomes if not each.plan.is_beyond_promise]


def beyond(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The runs for which only acknowledged writes are promised."""
    return [each for each in outcomes if each.plan.is_beyond_promise]


def as_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Totals and distributions of both classes."""
    classes = {"promised": within(outcomes), "beyond_promise": beyond(outcomes)}
    return {
        name: {
            "totals": asdict(Totals.of(part)),
            "distributions": {
                measure.key: asdict(found) if (found := Distribution.of(measured(part, measure))) else None
                for measure in MEASURES
            },
        }
        for name, part in classes.items()
    }
