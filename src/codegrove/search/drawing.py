"""A search tree as text and as one static SVG picture, without any other package."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codegrove.search.scoring import share_passed
from codegrove.verdict import Status
from codegrove.xml_text import xml_text

if TYPE_CHECKING:  # the tree draws itself with this module in notebooks
    from codegrove.search.tree import Node, SearchTree

_PIES = "○◔◑◕●"
_ROW, _COLUMN, _RADIUS = 24, 170, 7
_GAP = 11
"""From the middle of a circle to its caption."""
_CHARACTER = 6.2
"""Width of a caption's character; a guess, since nobody knows the reader's font."""
_SHORTEST_EDGE = 22
_STYLE = (
    "<style>.codegrove-tree{color:#24262d;background:#fff}"
    ".codegrove-tree text{paint-order:stroke;stroke:#fff;stroke-width:3px}"
    "@media(prefers-color-scheme:dark){.codegrove-tree{color:#e6e6ea;background:#16181d}"
    ".codegrove-tree text{stroke:#16181d}}</style>"
)
_COLOURS = {"good": "#1a7f5a", "partly": "#b3541e", "bad": "#7a7a86", "line": "#c5c8d4", "path": "#0b62d6"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a drawn tree."""

    node: Node
    prefix: str
    """Branch lines to the left of the node."""
    label: str
    on_path: bool
    """Whether the node lies on the path to the answer."""
    folded: int = 0
    """Nodes below it that are not shown."""


def label(node: Node, tree: SearchTree) -> str:
    """Return a short name: what the node is, its first words, and how many tests its program passes."""
    if not node.parents:
        return tree.task.id
    words = " ".join(node.text.split())
    about = f" {words[:46]}…" if len(words) > 47 else f" {words}" if words else ""
    return f"{_pie(node)} #{node.id} {node.kind}{_tests(node)}{'' if node.kind == 'program' else about}"


def rows(tree: SearchTree, *, answer: int | None = None, most: int | None = None) -> list[Row]:
    """Return the tree line by line, depth first, without recursion.

    Args:
        answer: the node whose path is marked and never folded.
        most: lines at most; None shows everything. Branches off the path with the lowest best reward are
            folded first; the newest node always stays.
    """
    path = {node.id for node in tree.path(answer)} if answer is not None else set()
    shown = _shown(tree, path, most)
    result: list[Row] = []
    stack: list[tuple[int, str, str]] = [(tree.root.id, "", "")]
    while stack:
        node_id, prefix, below = stack.pop()
        node = tree[node_id]
        children = [child for child in node.children if child in shown and tree[child].parents[0] == node_id]
        hidden = sum(1 for child in node.children if child not in shown)
        result.append(Row(node, prefix, label(node, tree), node_id in path, hidden))
        for index, child in reversed(list(enumerate(children))):
            last = index == len(children) - 1
            stack.append((child, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  ")))
    return result


def text(tree: SearchTree, *, answer: int | None = None, most: int | None = None) -> str:
    """Return the tree as plain text; ``*`` marks the path to the answer."""
    lines = []
    for row in rows(tree, answer=answer, most=most):
        mark = " *" if row.on_path else ""
        more = f"  (+{row.folded})" if row.folded else ""
        lines.append(f"{row.prefix}{row.label}{mark}{more}")
    return "\n".join(lines)


def svg(tree: SearchTree, *, answer: int | None = None, most: int = 60) -> str:
    """Return the tree as one self-contained SVG element, root at the left.

    Args:
        answer: the node whose path is drawn thick.
        most: nodes shown at most, chosen as in `rows`.
    """
    shown = rows(tree, answer=answer, most=most)
    y_of = _heights(tree, [row.node for row in shown])
    depth = max(row.node.depth for row in shown)
    width, height = depth * _COLUMN + 190, int(max(y_of.values())) + _ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" font-family="system-ui, sans-serif" font-size="11" role="img"'
        f' class="codegrove-tree" aria-label="search tree of {xml_text(tree.task.id)}">{_STYLE}'
    ]
    captions = {row.node.id: _caption(row, tree) for row in shown}
    parts.extend(_edge(row, y_of, captions) for row in shown if row.node.parents)
    parts.extend(_dot(row, y_of[row.node.id], captions[row.node.id]) for row in shown)
    parts.append("</svg>")
    return "".join(parts)


def _pie(node: Node) -> str:
    share = share_passed(node.verdict, node.tests)
    if node.verdict is not None and node.verdict.status in (Status.INVALID, Status.CRASHED):
        return "■" if not share else _PIES[round(share * 4)]
    if share is None:
        return "·"
    return _PIES[4 if share == 1 else min(3, round(share * 4))]


def _tests(node: Node) -> str:
    if node.verdict is None or not node.tests:
        return ""
    return f" {node.verdict.passed_count}/{len(node.tests)}"


def _shown(tree: SearchTree, path: set[int], most: int | None) -> set[int]:
    if most is None or len(tree) <= most:
        return set(range(len(tree)))
    # Whatever is shown needs its ancestors shown, so whole upward paths are added while they fit.
    shown = {tree.root.id, *path}
    newest = len(tree) - 1
    by_worth = sorted(
        range(1, len(tree)), key=lambda i: (i != newest, -max(tree[i].best, tree[i].reward or 0.0), i)
    )
    for node_id in by_worth:
        if len(shown) >= most:
            break
        missing = []
        for node in tree.upwards(node_id):
            if node.id in shown:
                break
            missing.append(node.id)
        if len(shown) + len(missing) <= most:
            shown.update(missing)
    return shown


def _heights(tree: SearchTree, nodes: Iterable[Node]) -> dict[int, float]:
    """Place leaves on rows of their own, parents in the middle of their children."""
    order = list(nodes)
    visible = {node.id for node in order}
    heights: dict[int, float] = {}
    next_row = float(_ROW)
    for node in order:
        if not any(child in visible for child in node.children):
            heights[node.id] = next_row
            next_row += _ROW
    for node in reversed(order):
        if node.id not in heights:
            below = [heights[c] for c in node.children if c in visible and c in heights]
            heights[node.id] = sum(below) / len(below)
    return heights


def _edge(row: Row, y_of: dict[int, float], captions: dict[int, str]) -> str:
    """Draw the line from behind the parent's caption to the circle."""
    node, parent = row.node, row.node.parents[0]
    x1, y0, y1 = _x(node.depth) - _RADIUS - 2, y_of[parent], y_of[node.id]
    behind = _x(node.depth - 1) + _GAP + _CHARACTER * len(captions[parent]) + 4
    x0 = min(behind, x1 - _SHORTEST_EDGE)
    middle = (x0 + x1) / 2
    colour, stroke = (_COLOURS["path"], 2.2) if row.on_path else (_COLOURS["line"], 1.1)
    return (
        f'<path d="M{x0:.1f} {y0:.1f}C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1} {y1:.1f}" fill="none"'
        f' stroke="{colour}" stroke-width="{stroke}"/>'
    )


def _caption(row: Row, tree: SearchTree) -> str:
    node = row.node
    caption = tree.task.id if not node.parents else f"#{node.id}{_tests(node)}"
    if node.parents and node.text and node.kind != "program":
        words = " ".join(node.text.split())
        caption += f" {words[:16]}…" if len(words) > 17 else f" {words}"
    return caption + (f" +{row.folded}" if row.folded else "")


def _dot(row: Row, y: float, caption: str) -> str:
    node = row.node
    x = _x(node.depth)
    share = share_passed(node.verdict, node.tests)
    colour = _COLOURS["good" if share == 1 else "partly" if share is not None else "bad"]
    title = xml_text(f"#{node.id} {node.kind}\n{node.text[:300]}".strip())
    return (
        f"<g><title>{title}</title>{_pie_shape(x, y, share, colour)}"
        f'<text x="{x + _GAP}" y="{y + 4:.1f}" fill="currentColor">{xml_text(caption)}</text></g>'
    )


def _x(depth: int) -> int:
    return 20 + depth * _COLUMN


def _pie_shape(x: float, y: float, share: float | None, colour: str) -> str:
    radius = 4 if share is None else _RADIUS
    fill = colour if share == 1 else "none"
    circle = (
        f'<circle cx="{x}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{colour}" stroke-width="1.5"/>'
    )
    if share is None or share in (0.0, 1.0):
        return circle
    angle = 2 * math.pi * share
    end_x, end_y = x + _RADIUS * math.sin(angle), y - _RADIUS * math.cos(angle)
    large = int(share > 0.5)
    return circle + (
        f'<path d="M{x} {y:.1f}V{y - _RADIUS:.1f}A{_RADIUS} {_RADIUS} 0 {large} 1 {end_x:.2f} {end_y:.2f}Z"'
        f' fill="{colour}"/>'
    )
