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
STRIP = 62
COLUMNS = (WIDTH - LABELS - 2 * MARGIN) // (CELL + GAP)
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #59636e }
  .title { font-size: 18px; font-weight: 600 } .paper { fill: #ffffff } .axis { stroke: #d1d9e0 }
  .kept { fill: #2da44e } .beyond { fill: #2da44e; fill-opacity: .3; stroke: #2da44e } .broken { fill: #cf222e }
  .dot { fill: #0969da; fill-opacity: .45 } .mark { stroke: #1f2328; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .paper { fill: #0d1117 } .axis { stroke: #3d444d }
    .kept { fill: #3fb950 } .beyond { fill: #3fb950; stroke: #3fb950 } .broken { fill: #f85149 }
    .dot { fill: #58a6ff } .mark { stroke: #f0f6fc }
  }
"""
TICKS = (1, 10, 100, 1000, 10_000, 100_000)
FLOOR_MS, CEILING_MS = 1.0, 60_000.0


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
    entries = (("kept", "everything promised, kept"), ("beyond", "only acknowledged writes promised, kept"))
    left = MARGIN
    for name, meaning in (*entries, ("broken", "broken")):
        yield f'<rect class="{name}" x="{left}" y="{top}" width="{CELL}" height="{CELL}" rx="3"/>'
        yield _text(left + CELL + 6, top + 11, meaning, "small")
        left += 40 + 6 * len(meaning)


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
    plan = outcome.plan
    broken = outcome.broken()
    name = "broken" if broken else "beyond" if plan.is_beyond_promise else "kept"
    hole = "" if not plan.is_volume_lost else f'<circle class="paper" cx="{left + 7}" cy="{top + 7}" r="2.5"/>'
    title = escape(
        f"run {plan.number}: {plan.point}, bucket {plan.network}" + "".join(f"; {each}" for each in broken[:3])
    )
    box = f'<rect class="{name}" x="{left}" y="{top}" width="{CELL}" height="{CELL}" rx="3"/>'
    return f"<g><title>{title}</title>{box}{hole}</g>"


def _strip(measure: Measure, outcomes: Sequence[Outcome], top: int) -> list[str]:
    values = measured(outcomes, measure)
    found = Distribution.of(values)
    figures = f"median {found.median:,.0f} ms, p95 {found.p95:,.0f} ms, max {found.max:,.0f} ms" if found else "no run"
    scatter = Random(measure.key)  # noqa: S311 - only so that equal values do not hide each other
    line = top + 32
    return [
        _text(MARGIN, top + 8, f"{measure.title}: {figures} ({len(values)} runs)"),
        f'<line class="axis" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{line}" y2="{line}"/>',
        *(_text(_place(tick), line + 16, _tick(tick), "small") for tick in TICKS if tick <= CEILING_MS),
        *(
            f'<circle class="dot" cx="{_place(value):.1f}" cy="{line + scatter.uniform(-9, 9):.1f}" r="3"/>'
            for value in values
        ),
        *(_mark(_place(found.median), line) for _ in [0] if found),
    ]


def _mark(left: float, line: int) -> str:
    return f'<line class="mark" x1="{left:.1f}" x2="{left:.1f}" y1="{line - 11}" y2="{line + 11}"/>'


def _place(value_ms: float) -> float:
    share = math.log10(min(max(value_ms, FLOOR_MS), CEILING_MS) / FLOOR_MS) / math.log10(CEILING_MS / FLOOR_MS)
    return MARGIN + share * (WIDTH - 2 * MARGIN - 30)


def _tick(ms: int) -> str:
    return f"{ms} ms" if ms < 1000 else f"{ms // 1000} s"  # noqa: PLR2004 - milliseconds of a second


def _text(left: float, top: float, text: str, name: str = "") -> str:
    return f'<text x="{left:.1f}" y="{top}"{f" class={chr(34)}{name}{chr(34)}" if name else ""}>{escape(text)}</text>'
