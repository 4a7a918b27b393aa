"""The certificate as Markdown and JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from bot.sandbox.certificate import figures
from bot.sandbox.certificate.figures import MEASURES, Distribution, Totals, beyond, measured, within
from bot.sandbox.certificate.installation import SHORTER_TIMES
from bot.sandbox.certificate.outcome import Outcome
from bot.sandbox.certificate.picture import draw
from bot.sandbox.certificate.plan import KINDS
from bot.sandbox.world import SHORT_TIMES

NAME = "certificate"
PROMISES = (
    ("acknowledged durable writes lost", "acknowledged_lost", "acknowledged"),
    ("answers missed", "answers_missed", "questions"),
    ("answers given twice", "answers_doubled", "questions"),
    ("answers by the wrong personality or in the wrong place", "wrong_personality", "questions"),
    ("answers out of a channel's order", "out_of_order", "questions"),
    ("databases that failed a check", "databases_unsound", "runs"),
    ("receipts that do not name the whole window of a loss", "receipts_silent", "runs"),
    ("runs that did not come back by themselves", "failures", "runs"),
)
"""What must be zero, and the count that it is of."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What a certificate is of; `wanted` is how many runs were asked for."""

    seed: int
    wanted: int
    began_at: datetime
    seconds: float
    machine: str


def as_json(heading: Heading, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The object of `--json`; ids in it are text, as readers of JSON round above 2^53."""
    ordered = sorted(outcomes, key=lambda each: each.plan.number)
    return {
        "seed": heading.seed,
        "runs_wanted": heading.wanted,
        "runs": len(ordered),
        "is_kept": bool(ordered) and not any(each.broken() for each in ordered),
        "began_at": heading.began_at.isoformat(timespec="seconds"),
        "seconds": round(heading.seconds, 1),
        "machine": heading.machine,
        "shortened_settings": {**SHORT_TIMES, **SHORTER_TIMES},
        **figures.as_json(ordered),
        "outcomes": [each.as_json() for each in ordered],
    }


def as_markdown(heading: Heading, outcomes: Sequence[Outcome], *, has_picture: bool = True) -> str:
    """The certificate as a person reads it."""
    picture = f"![Every run by its kind of fault, and the distributions]({NAME}.svg)\n" if has_picture else ""
    return "\n".join([*_head(heading, outcomes), picture, *_body(heading, outcomes)]) + "\n"


def write(folder: Path, heading: Heading, outcomes: Sequence[Outcome]) -> None:
    """All three files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.md").write_text(as_markdown(heading, outcomes))
    (folder / f"{NAME}.svg").write_text(draw(heading.seed, outcomes))
    content = orjson.dumps(as_json(heading, outcomes), option=orjson.OPT_INDENT_2)
    (folder / f"{NAME}.json").write_bytes(content)


def _head(heading: Heading, outcomes: Sequence[Outcome]) -> Iterator[str]:
    broken = [each for each in outcomes if each.broken()]
    verdict = f"**{len(broken)} of {len(outcomes)} runs broke the promise.**" if broken else "**The promise was kept.**"
    yield "# Crash certificate\n"
    verdict = verdict if outcomes else "**No run ended.**"
    yield f"{verdict} {len(outcomes)} of {heading.wanted} runs, seed {heading.seed},"
    yield f"{heading.began_at:%Y-%m-%d %H:%M} UTC, {heading.seconds:,.0f} s on {heading.machine}.\n"


def _body(heading: Heading, outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "## What is promised\n"
    yield from _promises(outcomes)
    yield "\n*Beyond the promise*: the volume died while the bucket had been out of reach since its last confirmed"
    yield "upload, or a second instance ran during an outage. There only acknowledged writes are promised.\n"
    yield "## What was measured\n"
    yield from _distributions(within(outcomes))
    yield "\nRuns for which everything is promised; intervals were shortened (`shortened_settings` in the JSON).\n"
    yield "## By kind of fault\n"
    yield from _kinds(outcomes)
    if broken := [each for each in outcomes if each.broken()]:
        yield "\n## What broke\n"
        yield from _broken(heading, broken)


def _promises(outcomes: Sequence[Outcome]) -> Iterator[str]:
    inside, outside = Totals.of(within(outcomes)), Totals.of(beyond(outcomes))
    yield f"| must be 0 | in {inside.runs:,} runs | in {outside.runs:,} runs beyond the promise |"
    yield "|---|--:|--:|"
    for title, name, base in PROMISES:
        yield f"| {title} | {_share(inside, name, base)} | {_share(outside, name, base)} |"
    again = "AI calls made again (allowed until the answer is stored)"
    yield f"| {again} | {inside.calls_repeated} | {outside.calls_repeated} |"


def _share(totals: Totals, name: str, base: str) -> str:
    return f"{getattr(totals, name):,} of {getattr(totals, base):,}"


def _distributions(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "| ms | runs | min | median | p95 | max |"
    yield "|---|--:|--:|--:|--:|--:|"
    for measure in MEASURES:
        found = Distribution.of(measured(outcomes, measure))
        cells = [found.min, found.median, found.p95, found.max] if found else []
        shown = " | ".join(f"{cell:,.0f}" for cell in cells) or "- | - | - | -"
        yield f"| {measure.title} | {found.count if found else 0:,} | {shown} |"


def _kinds(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "| kind | runs | volume lost | at the point | broken | median to first answer, ms |"
    yield "|---|--:|--:|--:|--:|--:|"
    for kind in KINDS:
        part = [each for each in outcomes if each.plan.kind == kind.name]
        if not part:
            continue
        times = Distribution.of(each.first_answer_ms for each in part if each.first_answer_ms is not None)
        lost, reached = sum(each.plan.is_volume_lost for each in part), sum(each.is_at_point for each in part)
        broken = sum(bool(each.broken()) for each in part)
        median = f"{times.median:,.0f}" if times else "-"
        yield f"| {kind.name} | {len(part)} | {lost} | {reached} | {broken} | {median} |"


def _broken(heading: Heading, broken: Sequence[Outcome]) -> Iterator[str]:
    for each in sorted(broken, key=lambda outcome: outcome.plan.number):
        plan = each.plan
        volume = "volume lost" if plan.is_volume_lost else "volume kept"
        yield f"### Run {plan.number}: {plan.kind}\n"
        yield f"{plan.point} ({plan.nth}), bucket {plan.network}, {volume}."
        yield f"Again: `tzurot certify --seed {heading.seed} --only {plan.number}`\n"
        yield from (f"- {sentence}" for sentence in each.broken())
        yield ""
