"""The certificate as a picture: a cell a run by its kind of fault, and what was measured as strips of dots."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from random import Random

from bot.sandbox.certificate.figures import MEASURES, Distribution, Measure, measured, within
from bot.sandbox.certificate.outcome import Outcome
from bot.sandbox.certificate.plan import KINDS

WIDTH, MARGIN, LABELS = 960, 24, 220
CELL, GAP, ROW = 14, 3, 20
STRIP = 74
COLUMNS = (WIDTH - LABELS - 2 * MARGIN) // (CELL + GAP)
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #59636e }
  .title { font-size: 18px; font-weight: 600 } .paper { fill: #ffffff } .axis { stroke: #d1d9e0 }
  .kept { fill: #2da44e } .beyond { fill: #2da44e; fill-opacity: .3; stroke: #2da44e } .broken { fill: #cf222e }
  .cross { stroke: #ffffff; stroke-width: 2 } .mark { stroke: #1f2328; stroke-width: 2 }
  .dot { fill: #0969da; fill-opacity: .45 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .paper { fill: #0d1117 } .axis { stroke: #3d444d }
    .kept { fill: #3fb950 } .beyond { fill: #3fb950; stroke: #3fb950 } .broken { fill: #f85149 }
    .dot { fill: #58a6ff } .mark { stroke: #f0f6fc }
  }
"""
TOLD = 3
STEPS = (1, 2, 2.5, 5, 10)
MARKS = 5
"""How many parts the scale of a strip has, at most."""


def draw(seed: int, outcomes: Sequence[Outcome]) -> str:
    """The whole picture as SVG, readable on light and dark paper."""
    cells, height = _cells(outcomes, top=96)
    strips: list[str] = []
    for measure in MEASURES:
        strips += _strip(measure, within(outcomes), top=height)
        height += STRIP
    broken = sum(bool(each.broken()) for each in outcomes)
    said = f"{broken} broke the promise" if broken else "the promise was kept in all of them"
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height + MARGIN}" role="img">',
        f"<title>{len(outcomes)} runs: {said}</title><style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height + MARGIN}" rx="6"/>',
        _text(MARGIN, 36, f"{len(outcomes)} crashes, seed {seed}: {said}", "title"),
        *_legend(60),
    ]
    return "\n".join([*head, *cells, *strips, "</svg>"]) + "\n"


def _legend(top: int) -> Iterator[str]:
    """One cell of each look with its meaning; the numbers are where they stand."""
    yield _box("kept", MARGIN, top) + _text(MARGIN + 20, top + 11, "everything promised, kept", "small")
    yield _box("kept", 214, top) + _hole(214, top) + _text(234, top + 11, "with the volume deleted", "small")
    yield _box("beyond", 396, top) + _text(416, top + 11, "only acknowledged writes promised, kept", "small")
    yield _box("broken", 666, top) + _cross(666, top) + _text(686, top + 11, "broken", "small")


def _cells(outcomes: Sequence[Outcome], top: int) -> tuple[list[str], int]:
    """A row of cells for each kind, as many rows as it needs; and where they end."""
    drawn: list[str] = []
    for kind in KINDS:
        part = sorted((each for each in outcomes if each.plan.kind == kind.name), key=lambda each: each.plan.number)
        if not part:
            continue
        drawn.append(_text(MARGIN, top + 11, kind.name))
        for position, outcome in enumerate(part):
            row, column = divmod(position, COLUMNS)
            drawn.append(_cell(outcome, LABELS + MARGIN + column * (CELL + GAP), top + row * (CELL + GAP)))
        top += ROW + (len(part) - 1) // COLUMNS * (CELL + GAP)
    return drawn, top + MARGIN


def _cell(outcome: Outcome, left: int, top: int) -> str:
    plan, broken = outcome.plan, outcome.broken()
    name = "broken" if broken else "beyond" if plan.is_beyond_promise else "kept"
    sign = _cross(left, top) if broken else _hole(left, top) if plan.is_volume_lost else ""
    told = "; ".join([f"run {plan.number}: {plan.point}, bucket {plan.network}", *broken[:TOLD]])
    return f"<g><title>{escape(told)}</title>{_box(name, left, top)}{sign}</g>"


def _box(name: str, left: int, top: int) -> str:
    return f'<rect class="{name}" x="{left}" y="{top}" width="{CELL}" height="{CELL}" rx="3"/>'


def _hole(left: int, top: int) -> str:
    return f'<circle class="paper" cx="{left + 7}" cy="{top + 7}" r="2.5"/>'


def _cross(left: int, top: int) -> str:
    return f'<path class="cross" d="M{left + 4} {top + 4}l6 6m0-6l-6 6"/>'


def _strip(measure: Measure, outcomes: Sequence[Outcome], top: int) -> list[str]:
    """Every value as a dot on a scale from 0, scattered a little so that equal ones do not hide each other."""
    values = measured(outcomes, measure)
    found = Distribution.of(values)
    figures = f"median {found.median:,.0f} ms, p95 {found.p95:,.0f} ms, max {found.max:,.0f} ms" if found else "no run"
    line, step = top + 32, _step(found.max if found else 0.0)
    scatter = Random(measure.key)  # noqa: S311 - the same picture every time
    dots = [_dot(value, step, line + scatter.uniform(-9, 9)) for value in values]
    return [
        _text(MARGIN, top + 8, f"{measure.title}: {figures} ({len(values)} runs)"),
        f'<line class="axis" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{line}" y2="{line}"/>',
        *(_text(_place(mark * step, step), line + 24, f"{mark * step:,.0f} ms", "small") for mark in range(MARKS)),
        *dots,
        *([_mark(_place(found.median, step), line)] if found else []),
    ]


def _step(largest: float) -> float:
    """The round distance between two marks, so that the largest value lies before the last."""
    power: float = 10.0 ** math.floor(math.log10(max(largest, 1.0) / MARKS))
    return next(step * power for step in STEPS if step * power * MARKS >= largest)


def _place(value: float, step: float) -> float:
    return MARGIN + value / (step * MARKS) * (WIDTH - 2 * MARGIN)


def _dot(value: float, step: float, height: float) -> str:
    return f'<circle class="dot" cx="{_place(value, step):.1f}" cy="{height:.1f}" r="3"/>'


def _mark(left: float, line: int) -> str:
    return f'<line class="mark" x1="{left:.1f}" x2="{left:.1f}" y1="{line - 11}" y2="{line + 11}"/>'


def _text(left: float, top: float, text: str, name: str = "") -> str:
    kind = f' class="{name}"' if name else ""
    return f'<text x="{left:.1f}" y="{top}"{kind}>{escape(text)}</text>'
