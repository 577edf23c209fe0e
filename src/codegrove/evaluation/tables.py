"""A comparison as text, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from rich import markup
from rich.console import Console, RenderableType
from rich.table import Table

from codegrove.evaluation.arms import budget_text, models_text
from codegrove.evaluation.pairs import Pair
from codegrove.evaluation.summary import COSTS, SIMULATION, Cost, Rate, Summary

if TYPE_CHECKING:  # a comparison shows itself with this module
    from codegrove.evaluation.comparison import Comparison

FORMAT = 1
"""Version of the JSON layout; the HTML page refuses any other."""
UNKNOWN = "unknown"
MOST_PAIRS = 40
"""Pairs shown as text; all are in JSON and HTML."""
_WIDTH = 180
"""Columns of text that goes to no terminal."""


def text(comparison: Comparison, width: int = _WIDTH) -> str:
    """Return the comparison as plain text."""
    out = io.StringIO()
    # In a notebook rich would put every line on display instead of writing it into `out`.
    show(comparison, Console(file=out, width=width, color_system=None, force_jupyter=False))
    return out.getvalue().rstrip("\n")


def show(comparison: Comparison, console: Console) -> None:
    """Print the comparison."""
    for part in _parts(comparison):
        console.print(part)


def width_for(stream: TextIO) -> int | None:
    """Return None for a terminal, which knows its own width, and a generous one for anything else."""
    return None if stream.isatty() else _WIDTH


def to_json(comparison: Comparison) -> str:
    """Return everything as ASCII JSON."""
    content: dict[str, Any] = {
        "kind": "comparison",
        "format": FORMAT,
        "ranked": comparison.ranked,
        "simulated": comparison.simulated,
        **asdict(comparison),
    }
    for row, method in zip(content["methods"], comparison.methods, strict=True):
        row["gap"] = None if method.gap is None else {**row["gap"], "value": method.gap.value}
        row["models_text"] = models_text(method.models)
        row["budget_text"] = budget_text(method.budget)
    for row, pair in zip(content["pairs"], comparison.pairs, strict=True):
        row["significant"] = pair.significant
    return json.dumps(content, ensure_ascii=True, allow_nan=False)


def to_csv(comparison: Comparison) -> str:
    """Return one row per method. What is unknown or not available is empty; shares are between 0 and 1."""
    out = io.StringIO()
    rows = [_flat(comparison, method) for method in comparison.methods]
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _parts(comparison: Comparison) -> Iterator[RenderableType]:
    first = comparison.methods[0]
    if len(comparison.groups) == 1:
        yield f"{_plain(first.benchmark)}: {first.problems} problems, {budget_text(first.budget)} per attempt"
    if comparison.simulated:
        yield f"[bold magenta]{SIMULATION}[/]"
    if comparison.refusals:
        yield "[bold red]Not ranked: these methods cannot be compared with each other.[/]"
    yield from (f"[red]  - {_plain(reason)}[/]" for reason in comparison.refusals)
    yield _table(comparison, _rate_columns(comparison))
    yield ""
    yield _table(comparison, _COST_COLUMNS)
    if comparison.pairs:
        yield ""
        yield _pairs(comparison.pairs)
    if len(comparison.pairs) > MOST_PAIRS:
        yield f"({len(comparison.pairs) - MOST_PAIRS} more pairs; all are in JSON and HTML)"
    yield ""
    yield from (f"[yellow]Warning: {_plain(warning)}[/]" for warning in comparison.warnings)
    yield from (f"[dim]{_plain(note)}[/]" for note in comparison.notes)


_Column = tuple[str, Callable[[Summary], str]]


def _rate_columns(comparison: Comparison) -> list[_Column]:
    rows = comparison.methods
    columns: list[_Column] = [("pass@1", lambda row: _share(row.pass_1))]
    if len(comparison.groups) > 1:
        columns.insert(0, ("problems", lambda row: str(row.problems)))
        columns.insert(1, ("budget", lambda row: budget_text(row.budget)))
    if any(row.pass_1_judged for row in rows):
        columns.append(("judged only", lambda row: _share(row.pass_1_judged)))
    if any(row.unjudged for row in rows):
        columns.append(("unjudged", lambda row: str(row.unjudged)))
    if any(row.ungraded for row in rows):
        columns.append(("ungraded", lambda row: str(row.ungraded)))
    for k in comparison.ks:
        if any(row.pass_k.get(k) for row in rows):
            columns.append((f"pass@{k}", lambda row, k=k: _share(row.pass_k[k])))  # type: ignore[misc]
            columns.append((f"1@{k}", lambda row, k=k: _share(row.choose_k[k])))  # type: ignore[misc]
    return [*columns, ("gap", lambda row: "-" if row.gap is None else f"{100 * row.gap.value:+.1f}")]


_COST_COLUMNS: list[_Column] = [
    ("calls", lambda row: _cost(row.costs["calls"], ".1f")),
    ("tokens", lambda row: _cost(row.costs["tokens"], ",.0f")),
    ("dollars", lambda row: _cost(row.costs["dollars"], ".4f")),
    ("programs run", lambda row: _cost(row.costs["executions"], ".1f")),
    ("seconds", lambda row: _cost(row.costs["seconds"], ".1f")),
]
"""Mean and median of one attempt."""


def _table(comparison: Comparison, columns: Sequence[_Column]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("method" if columns is not _COST_COLUMNS else "mean / median", overflow="fold")
    for name, _ in columns:
        table.add_column(name, justify="right", overflow="fold")
    for row in comparison.methods:
        mark = " (simulation)" if row.simulated else ""
        table.add_row(_plain(row.label) + mark, *(value(row) for _, value in columns))
    return table


def _pairs(pairs: tuple[Pair, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("A", "B"):
        table.add_column(name, overflow="fold")
    for name in ("A - B, points", "only A", "only B", "both", "neither", "p", "p (Holm)"):
        table.add_column(name, justify="right")
    for pair in sorted(pairs, key=lambda pair: pair.p)[:MOST_PAIRS]:
        # Adding 0.0 turns a negative zero into a positive one.
        of_a, low, high = (100 * share + 0.0 for share in (pair.difference, pair.low, pair.high))
        points = f"{of_a:+.1f} [{low:+.1f}, {high:+.1f}]"
        counts = (pair.only_a, pair.only_b, pair.both, pair.neither)
        figures = [points, *("-" if count is None else str(count) for count in counts)]
        p = _p(pair.p_adjusted)
        table.add_row(
            _plain(pair.a),
            _plain(pair.b),
            *map(_plain, figures),
            _p(pair.p),
            f"[bold]{p} *[/]" if pair.significant else f"{p}  ",
        )
    return table


def _plain(text: str) -> str:
    """Return text that is neither markup nor a command to the terminal, whatever a recipe or file calls itself."""
    return markup.escape(
        "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    )


def _share(rate: Rate | None) -> str:
    if rate is None:
        return "-"
    return _plain(f"{100 * rate.value:.1f} [{100 * rate.low:.1f}, {100 * rate.high:.1f}]")


def _cost(cost: Cost | None, form: str) -> str:
    return UNKNOWN if cost is None else f"{_number(cost.mean, form)} / {_number(cost.median, form)}"


def _number(value: float, form: str) -> str:
    return f"{value:{form}}" if value else "0"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _flat(comparison: Comparison, row: Summary) -> dict[str, object]:
    flat: dict[str, object] = {
        "method": row.label,
        "recipe": row.recipe,
        "models": models_text(row.models),
        "simulated": row.simulated,
        "benchmark": row.benchmark,
        "budget": budget_text(row.budget),
        "ranked": comparison.ranked,
        "problems": row.problems,
        "attempts": row.attempts,
        "solved": row.solved,
        "unjudged": row.unjudged,
        "ungraded": row.ungraded,
        **_flat_rate("pass@1", row.pass_1),
        **_flat_rate("pass@1_judged_only", row.pass_1_judged),
    }
    for k in (k for k in comparison.ks if k > 1):
        flat |= _flat_rate(f"pass@{k}", row.pass_k[k]) | _flat_rate(f"pass_1@{k}", row.choose_k[k])
    gap = row.gap
    flat |= {
        "visible": None if gap is None else round(gap.visible, 6),
        "hidden": None if gap is None else round(gap.hidden, 6),
        "gap": None if gap is None else round(gap.value, 6),
        "misled": None if gap is None or gap.misled is None else round(gap.misled, 6),
    }
    for name in COSTS:
        cost = row.costs[name]
        for part in ("mean", "median", "total"):
            flat[f"{name}_{part}"] = None if cost is None else round(getattr(cost, part), 6)
    return flat


def _flat_rate(name: str, rate: Rate | None) -> dict[str, object]:
    parts = {"": "value", "_low": "low", "_high": "high"}
    return {
        name + end: None if rate is None else round(getattr(rate, part), 6) for end, part in parts.items()
    }
