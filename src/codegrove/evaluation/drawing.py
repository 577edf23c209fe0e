"""A comparison as one static SVG picture, for notebooks: rates with intervals, and solved against calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from codegrove.evaluation.curves import Curve
from codegrove.evaluation.summary import SIMULATION
from codegrove.xml_text import xml_text

if TYPE_CHECKING:  # a comparison shows itself with this module
    from codegrove.evaluation.comparison import Comparison

_COLOURS = ("#1a6fd8", "#cc5a14", "#168a64", "#9a54c4", "#a9780e", "#1587a3", "#cf3d74", "#748092")
_ROW, _NAME, _SCALE, _CHART = 24, 190, 250, 330
_STYLE = (
    "<style>.codegrove-comparison{color:#24262d;background:#fff}"
    "@media(prefers-color-scheme:dark){.codegrove-comparison{color:#e6e6ea;background:#16181d}}</style>"
)


def html(comparison: Comparison) -> str:
    """Return the picture with what must be said beside it."""
    lines = [SIMULATION] if comparison.simulated else []
    lines += [f"Not ranked: {reason}" for reason in comparison.refusals]
    lines += [f"Warning: {warning}" for warning in comparison.warnings]
    said = "".join(f"<p>{xml_text(line)}</p>" for line in lines)
    return f"{said}{svg(comparison)}"


def svg(comparison: Comparison) -> str:
    """Return one self-contained SVG element: pass@1 with its intervals, and the curves of all that are ranked."""
    rows = comparison.methods
    curves = [curve for curve in comparison.curves if curve.axis == "calls"] if comparison.ranked else []
    height = max(_ROW * (len(rows) + 2) + 8, 230 if curves else 0)
    width = _NAME + _SCALE + 60 + (_CHART + 40 if curves else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" font-family="system-ui, sans-serif" font-size="12" role="img"'
        f' class="codegrove-comparison" aria-label="comparison of {len(rows)} methods">{_STYLE}',
        f'<text x="{_NAME}" y="16" fill="currentColor" opacity=".65">solved (pass@1), {comparison.level} interval'
        "</text>",
        *_rates(comparison),
        *(_lines(curves, height) if curves else ()),
        "</svg>",
    ]
    return "".join(parts)


def _rates(comparison: Comparison) -> Iterator[str]:
    rows = comparison.methods
    most = max(max(row.pass_1.high for row in rows), 0.05)

    def x(share: float) -> str:
        return f"{_NAME + share / most * _SCALE:.1f}"

    for index, row in enumerate(rows):
        y, colour, rate = _ROW * (index + 1) + 14, _COLOURS[index % len(_COLOURS)], row.pass_1
        name = row.label if len(row.label) <= 26 else f"{row.label[:25]}…"
        yield (
            f"<g><title>{xml_text(row.label)}: {row.solved} of {row.attempts} attempts</title>"
            f'<text x="{_NAME - 12}" y="{y + 4}" text-anchor="end" fill="currentColor">{xml_text(name)}</text>'
            f'<path d="M{x(0)} {y}H{x(most)}" stroke="currentColor" opacity=".12"/>'
            f'<path d="M{x(rate.low)} {y}H{x(rate.high)}" stroke="{colour}" stroke-width="2"/>'
            f'<circle cx="{x(rate.value)}" cy="{y}" r="4.5" fill="{colour}"/>'
            f'<text x="{_NAME + _SCALE + 10}" y="{y + 4}" fill="currentColor">{100 * rate.value:.1f} %</text></g>'
        )


def _lines(curves: Sequence[Curve], height: int) -> Iterator[str]:
    left, top, bottom = _NAME + _SCALE + 90, 26, height - 26
    end = max(1, *(curve.end for curve in curves))
    most = max(0.05, *(max(curve.solved) for curve in curves))

    def at(spent: float, share: float) -> str:
        return f"{left + spent / end * _CHART:.1f} {bottom - share / most * (bottom - top):.1f}"

    yield f'<text x="{left}" y="16" fill="currentColor" opacity=".65">solved within this many calls</text>'
    yield f'<path d="M{at(0, most)}L{at(0, 0)}L{at(end, 0)}" fill="none" stroke="currentColor" opacity=".35"/>'
    for text, place, anchor in (
        (f"{100 * most:.0f} %", (left - 5, top + 4), "end"),
        ("0", (left - 5, bottom + 4), "end"),
        (f"{end:,} calls", (left + _CHART, bottom + 18), "end"),
    ):
        yield f'<text x="{place[0]}" y="{place[1]}" text-anchor="{anchor}" fill="currentColor">{text}</text>'
    for index, curve in enumerate(curves):
        ends = [*curve.spent[1:], curve.end]
        steps = "L".join(
            f"{at(spent, share)}L{at(until, share)}"
            for spent, until, share in zip(curve.spent, ends, curve.solved, strict=True)
        )
        colour = _COLOURS[index % len(_COLOURS)]
        title = f"<title>{xml_text(curve.label)}</title>"
        yield f'<path d="M{steps}" fill="none" stroke="{colour}" stroke-width="2">{title}</path>'
