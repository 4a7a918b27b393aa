"""What a person reads of the day: what will happen, how far it is, and how it was."""

import hashlib
from collections import Counter
from itertools import islice

from rich.console import Console
from rich.table import Table

from tests.day.acts import Break, Edit, Moment, Outcome, Say, Trouble
from tests.day.judging import Difference, Judgement, describe
from tests.day.oracle import HOUR, MINUTE
from tests.day.plan import Plan

SHOWN_DIFFERENCES = 10
NEARBY_SECONDS = 120.0
SHORT_HOURS = 4


def at_time(seconds: float) -> str:
    """A time of the day."""
    return f"{int(seconds // HOUR):02d}:{int(seconds % HOUR // MINUTE):02d}:{seconds % MINUTE:06.3f}"


def introduce(console: Console, plan: Plan) -> None:
    """Which day this is; the same seed and hours give the same fingerprint."""
    fingerprint = hashlib.sha256(repr(plan.moments).encode()).hexdigest()[:12]
    acts = sum(len(moment.acts) for moment in plan.moments)
    console.print(
        f"Seed {plan.seed}, {plan.hours:g} h: {acts:,} messages, edits, deletions and commands at"
        f" {len(plan.moments):,} moments; fingerprint {fingerprint}"
    )


def show_plan(console: Console, plan: Plan) -> None:
    """Everything that will happen, with what must come of it."""
    for moment in plan.moments:
        what = moment.gap.value if moment.gap else "the AI service is slow" if moment.is_held else ""
        console.print(f"{at_time(moment.at)} {what}".rstrip())
        for act in moment.acts:
            verdict = plan.oracle.verdicts[act.number]
            line = describe(act) if isinstance(act, Say) else f"{type(act).__name__.lower()} №{act.number}"
            console.print(f"    {line}  →  {verdict.outcome.value}: {verdict.why}")


class Progress:
    """A line that says how far the day is; else one line an hour, or a quarter of one in a short day."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = 0
        self._done = 0
        self._next_line = self._step = HOUR
        self.reached = at_time(0.0)
        self._status = console.status("the bot starts") if console.is_terminal else None

    def begin(self, plan: Plan) -> None:
        """It is this day."""
        self._total = len(plan.moments)
        self._next_line = self._step = HOUR if plan.hours > SHORT_HOURS else HOUR / 4
        if self._status is not None:
            self._status.start()

    def reach(self, moment: Moment) -> None:
        """The day has come to this moment."""
        self._done += 1
        self.reached = at_time(moment.at)
        line = f"{self.reached}  moment {self._done:,} of {self._total:,}"
        if self._status is not None:
            self._status.update(line)
        elif moment.at >= self._next_line:
            self._next_line = (moment.at // self._step + 1) * self._step
            self._console.print(line)

    def close(self) -> None:
        """Leave the line."""
        if self._status is not None:
            self._status.stop()


def report(console: Console, plan: Plan, judgement: Judgement, seconds: float) -> None:
    """How it was: by what must become of a message and why, what went wrong around it, and each difference."""
    table = Table("must get", "because of", "messages", "as it must", title="The day", title_justify="left")
    for column in table.columns[2:]:
        column.justify = "right"
    for outcome in Outcome:
        rows = sorted(
            ((why, n) for (one, why), n in judgement.counts.items() if one is outcome), key=lambda row: row[0]
        )
        for position, (why, (total, right)) in enumerate(rows):
            name = outcome.value if not position else ""
            table.add_row(name, why, f"{total:,}", f"{right:,}" if right == total else f"{right:,}  ✗")
        table.add_section()
    console.print(table)
    console.print(f"Meanwhile: {_disturbances(plan)}.")
    for difference in islice(judgement.differences, SHOWN_DIFFERENCES):
        _explain(console, plan, difference)
    if len(judgement.differences) > SHOWN_DIFFERENCES:
        console.print(f"… and {len(judgement.differences) - SHOWN_DIFFERENCES:,} differences more.")
    console.print(_verdict(judgement, seconds))


def _disturbances(plan: Plan) -> str:
    troubles = Counter(act.trouble for moment in plan.moments for act in moment.acts if isinstance(act, Say))
    breaks = Counter(moment.gap for moment in plan.moments)
    slow = sum(moment.is_held and moment.gap is None for moment in plan.moments)
    edits = sum(isinstance(act, Edit) for moment in plan.moments for act in moment.acts)
    parts = [f"{breaks[kind]:,} × {kind.value}" for kind in Break if breaks[kind]]
    parts += [f"{troubles[kind]:,} × {kind.value}" for kind in Trouble if troubles[kind]]
    return ", ".join([*parts, f"{slow:,} × AI: slow", f"{edits:,} edits"])


def _explain(console: Console, plan: Plan, difference: Difference) -> None:
    oracle, number = plan.oracle, difference.number
    if number not in oracle.verdicts:
        console.print(f"✗ {difference.what}")
        return
    at, verdict = oracle.written_at[number], oracle.verdicts[number]
    console.print(f"✗ {at_time(at)} №{number}, {describe(oracle.said.get(number))}")
    console.print(f"    must get {verdict.outcome.value}: {verdict.why}")
    console.print(f"    but: {difference.what}")
    near = [moment for moment in plan.moments if abs(moment.at - at) < NEARBY_SECONDS and moment.gap]
    for moment in near:
        console.print(f"    near it, {at_time(moment.at)}: {moment.gap.value if moment.gap else ''}")


def _verdict(judgement: Judgement, seconds: float) -> str:
    took = f"{judgement.ai_calls:,} questions to the AI service; {seconds:.0f} s of real time."
    if judgement.differences:
        return f"{len(judgement.differences):,} differences; {took}"
    return (
        f"{judgement.answers:,} messages were answered exactly once, in order, by the right personality, and no other;"
        f" {took}"
    )
