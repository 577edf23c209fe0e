"""A recipe as text and as one static SVG picture: who takes part, and where work goes, without LangGraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegrove.search.policy import ActionKind
from codegrove.search.registry import make_policy
from codegrove.xml_text import xml_text

if TYPE_CHECKING:  # a recipe draws itself with this module in notebooks
    from codegrove.graphs.recipe.schema import Recipe

_WIDTH, _BOX, _LEFT, _MIDDLE, _RIGHT = 760, 30, 20, 210, 600
_LINE, _GAP = 15, 18
_STYLE = (
    "<style>.codegrove-recipe{color:#24262d;background:#fff}.codegrove-recipe .quiet{fill:#5d6170}"
    "@media(prefers-color-scheme:dark){.codegrove-recipe{color:#e6e6ea;background:#16181d}"
    ".codegrove-recipe .quiet{fill:#a3a8b8}}</style>"
)
_ARROW = (
    '<defs><marker id="codegrove-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
    ' orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="#8b90a0"/></marker></defs>'
)


def text(recipe: Recipe) -> str:
    """Return what a reader wants to know first: the method, its agents with prompt and model, and its limits."""
    lines = [f"{recipe.name}: {recipe.about}" if recipe.about else recipe.name]
    if recipe.paper is not None:
        where = f"arXiv {recipe.paper.arXiv}" if recipe.paper.arXiv else recipe.paper.url
        lines.append(f"paper: {recipe.paper.title}" + (f" ({where})" if where else ""))
    kind = recipe.policy.model_dump(include={"kind"})["kind"]
    settings = recipe.policy.model_dump(mode="json", exclude_defaults=True, exclude={"kind"})
    set_here = "".join(f", {name}={value}" for name, value in settings.items())
    lines.append(f"policy: {kind}{set_here}")
    width = max(map(len, recipe.agents))
    for action, agent in recipe.agents.items():
        lines.append(f"  {action:<{width}}  {agent.role:<8}  {agent.prompt}  {recipe.model_for(action)}")
    limits = recipe.budget.model_dump(exclude_none=True, exclude_defaults=True)
    lines.append("budget: " + (", ".join(f"{name} {limit}" for name, limit in limits.items()) or "no limit"))
    lines.append(f"workers: {recipe.workers}, seed: {recipe.seed}")
    return "\n".join(lines)


def svg(recipe: Recipe) -> str:
    """Return one self-contained SVG element: the controller, the roles with their actions, and the tools.

    Every step leads back to the controller; these arrows are the double ones.
    """
    policy = make_policy(recipe.policy)
    kinds = policy.actions
    present = [kind for kind in ActionKind if kind in kinds.values()]
    roles = [kind for kind in present if kind is not ActionKind.EXECUTE]
    traces = getattr(policy, "traces", False)
    places: dict[ActionKind, tuple[float, list[str]]] = {}
    boxes, y = [], float(_GAP)
    for role in roles:
        actions = [
            f"{action} · {recipe.model_for(action)}" for action in recipe.agents if kinds.get(action) is role
        ]
        if traces and role in (ActionKind.CRITIC, ActionKind.DEBUGGER):
            actions.append("sees a trace of the failing run, where asked for")
        height = _BOX + _LINE * len(actions)
        places[role] = (y + height / 2, actions)
        boxes.append(_box(_MIDDLE, y, 270, height, role.value, actions))
        y += height + _GAP
    bottom = max(y, 110.0)
    centre = bottom / 2
    boxes.append(_box(_LEFT, centre - _BOX / 2, 110, _BOX, "controller", []))
    edges = []
    writers = [role for role in roles if role in (ActionKind.CODER, ActionKind.DEBUGGER)]
    for role in roles:
        middle = places[role][0]
        approved = role is ActionKind.PLANNER and "plan" in recipe.approve
        back = role not in writers and not approved
        edges.append(_edge(_LEFT + 110, centre, _MIDDLE, middle, both=back))
        if approved:
            boxes.append(_box(_RIGHT, middle - _BOX / 2, 110, _BOX, "approve", []))
            edges.append(_edge(_MIDDLE + 270, middle, _RIGHT, middle))
    if writers or ActionKind.EXECUTE in present:
        at = sum(places[role][0] for role in writers) / len(writers) if writers else centre
        boxes.append(_box(_RIGHT, at - _BOX / 2, 110, _BOX, "execute", []))
        edges += [_edge(_MIDDLE + 270, places[role][0], _RIGHT, at) for role in writers]
        # `execute` leads back to the controller; a policy may also ask for it directly.
        way = f"M{_RIGHT + 55} {at + _BOX / 2:.0f}V{bottom + 4:.0f}H{_LEFT + 55}V{centre + _BOX / 2:.0f}"
        edges.append(_path(way, both=ActionKind.EXECUTE in present))
    total = int(bottom) + _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {total}" width="{_WIDTH}"'
        f' height="{total}" font-family="system-ui, sans-serif" font-size="11" role="img"'
        f' class="codegrove-recipe" aria-label="recipe {xml_text(recipe.name)}">{_STYLE}{_ARROW}'
        f"{''.join(edges)}{''.join(boxes)}</svg>"
    )


def _box(x: float, y: float, width: float, height: float, title: str, lines: list[str]) -> str:
    rows = "".join(
        f'<text x="{x + 10:.0f}" y="{y + _BOX + 8 + _LINE * number:.0f}" class="quiet">'
        f"{xml_text(_clip(line))}</text>"
        for number, line in enumerate(lines)
    )
    return (
        f'<rect x="{x:.0f}" y="{y:.1f}" width="{width:.0f}" height="{height:.0f}" rx="5" fill="none"'
        ' stroke="currentColor" stroke-opacity=".55"/>'
        f'<text x="{x + 10:.0f}" y="{y + 19:.1f}" font-weight="600" fill="currentColor">'
        f"{xml_text(title)}</text>{rows}"
    )


def _edge(x0: float, y0: float, x1: float, y1: float, *, both: bool = False) -> str:
    return _path(f"M{x0:.0f} {y0:.1f}L{x1:.0f} {y1:.1f}", both=both)


def _path(way: str, *, both: bool) -> str:
    start = ' marker-start="url(#codegrove-arrow)"' if both else ""
    return f'<path d="{way}" fill="none" stroke="#8b90a0"{start} marker-end="url(#codegrove-arrow)"/>'


def _clip(line: str) -> str:
    return line if len(line) <= 50 else f"{line[:49]}…"
