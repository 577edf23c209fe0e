"""Where a program differs from another one of the same design, as a list of single repairs."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from codegrove.models.sim.scopes import Definition, Import, regions
from codegrove.models.sim.trees import SINGLE, Edit, Path, children


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where the program departs, with the edit that takes the departure back."""

    edit: Edit
    line: int
    """Line in the program, from 1; where something is missing, the line before it."""
    wanted: str
    """What should stand there; empty when something has to go."""


def differences(
    program: ast.Module, reference: ast.Module, entry_point: str | None, given: frozenset[str]
) -> list[Difference]:
    """Return the places where a program departs from the reference; none means the same program.

    Imports, docstrings, annotations and code that the entry point does not reach are not compared, but for
    an import the reference needs and the program lacks.
    """
    return _Comparison(entry_point).modules(program, reference, given)


class _Comparison:
    def __init__(self, entry_point: str | None) -> None:
        self._entry_point = entry_point
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._known: dict[int, int] = {}
        self._found: list[Difference] = []

    def modules(self, program: ast.Module, reference: ast.Module, given: frozenset[str]) -> list[Difference]:
        wanted = [node for _, node in regions(reference, self._entry_point, given)]
        own = {node.name: index for index, node in enumerate(program.body) if isinstance(node, Definition)}
        self._imports(program, reference)
        for node in wanted:
            if not isinstance(node, Definition):
                continue
            if node.name in own:
                index = own[node.name]
                self._node(program.body[index], node, (("body", index),), program.body[index])
            else:
                self._insert((("body", _after_imports(program)),), [node], 1)
        plain = [node for node in wanted if not isinstance(node, Definition)]
        if self._entry_point is None or plain:
            self._top_level(program, plain)
        return self._found

    def _imports(self, program: ast.Module, reference: ast.Module) -> None:
        there = {self._number(node) for node in program.body if isinstance(node, Import)}
        for node in reference.body:
            if isinstance(node, Import) and self._number(node) not in there:
                self._insert((("body", 0),), [node], 1)

    def _top_level(self, program: ast.Module, wanted: Sequence[ast.stmt]) -> None:
        places = [i for i, node in enumerate(program.body) if not isinstance(node, Definition | Import)]
        own = [program.body[i] for i in places]
        end = len(program.body)
        if self._entry_point is not None:
            there = {self._number(node) for node in own}
            missing = [node for node in wanted if self._number(node) not in there]
            for node in missing:
                self._insert((("body", _after_imports(program)),), [node], 1)
            return
        self._aligned(own, wanted, (), "body", [*places, end], 1)

    def _node(self, own: ast.AST, wanted: ast.AST, path: Path, place: ast.AST) -> None:
        if self._number(own) == self._number(wanted):
            return
        if isinstance(own, ast.stmt):
            place = own
        if type(own) is not type(wanted):
            self._replace(path, wanted, place)
            return
        slots: list[tuple[ast.AST, ast.AST, Path]] = []
        blocks: list[str] = []
        for field in own._fields:
            if field in _IGNORED:
                continue
            mine, other = getattr(own, field, None), getattr(wanted, field, None)
            if isinstance(mine, ast.AST) and isinstance(other, ast.AST):
                slots.append((mine, other, (*path, (field, SINGLE))))
            elif field in _BLOCKS and isinstance(mine, list) and isinstance(other, list):
                blocks.append(field)
            elif isinstance(mine, list) and isinstance(other, list) and len(mine) == len(other):
                pairs = list(zip(mine, other, strict=True))
                if all(isinstance(a, ast.AST) and isinstance(b, ast.AST) for a, b in pairs):
                    slots.extend((a, b, (*path, (field, i))) for i, (a, b) in enumerate(pairs))
                elif mine != other:
                    self._replace(path, wanted, place)
                    return
            elif mine != other or type(mine) is not type(other):
                self._replace(path, wanted, place)
                return
        changed = [slot for slot in slots if self._number(slot[0]) != self._number(slot[1])]
        if len(changed) > 1 and isinstance(own, ast.expr):
            # Several departures inside one expression, such as swapped operands, are one mistake.
            self._replace(path, wanted, place)
            return
        for mine_node, other_node, inner in changed:
            self._node(mine_node, other_node, inner, place)
        for field in blocks:
            mine_block, other_block = getattr(own, field), getattr(wanted, field)
            line = getattr(own, "lineno", 1)
            self._aligned(mine_block, other_block, path, field, range(len(mine_block) + 1), line)

    def _aligned(
        self,
        own: Sequence[ast.AST],
        wanted: Sequence[ast.AST],
        path: Path,
        field: str,
        places: Sequence[int],
        line: int,
    ) -> None:
        """Compare two lists of statements; `places` gives each own statement's index, and the end's."""
        left = [self._number(node) for node in own]
        right = [self._number(node) for node in wanted]
        if left == right:
            return
        matcher = SequenceMatcher(None, left, right, autojunk=False)
        for tag, low, high, from_, to in matcher.get_opcodes():
            if tag == "equal":
                continue
            for mine, other in self._paired(own[low:high], wanted[from_:to]):
                before = low + (mine if mine is not None else 0)
                if mine is not None and other is not None:
                    node = own[low + mine]
                    inner = (*path, (field, places[low + mine]))
                    self._node(node, wanted[from_ + other], inner, node)
                elif mine is not None:
                    gone = own[low + mine]
                    self._found.append(
                        Difference(
                            edit=Edit(path=(*path, (field, places[low + mine])), new=()),
                            line=getattr(gone, "lineno", line),
                            wanted="",
                        )
                    )
                elif other is not None:
                    before = low + self._insert_at(own[low:high], wanted[from_:to], other)
                    near = getattr(own[before - 1], "lineno", line) if before else line
                    self._insert((*path, (field, places[before])), [wanted[from_ + other]], near)

    def _insert_at(self, own: Sequence[ast.AST], wanted: Sequence[ast.AST], index: int) -> int:
        """Return how many of the own statements stand before the place where `wanted[index]` belongs."""
        count = 0
        for mine, other in self._paired(own, wanted):
            if other is not None and other >= index:
                break
            count += mine is not None
        return count

    def _paired(
        self, own: Sequence[ast.AST], wanted: Sequence[ast.AST]
    ) -> list[tuple[int | None, int | None]]:
        """Align two differing runs of statements so that the departures are few (edit distance)."""
        rows, columns = len(own), len(wanted)
        cost = [[0.0] * (columns + 1) for _ in range(rows + 1)]
        for i in range(rows + 1):
            for j in range(columns + 1):
                if i == 0 or j == 0:
                    cost[i][j] = float(i + j)
                    continue
                pair = cost[i - 1][j - 1] + self._pair_cost(own[i - 1], wanted[j - 1])
                cost[i][j] = min(pair, cost[i - 1][j] + 1, cost[i][j - 1] + 1)
        steps: list[tuple[int | None, int | None]] = []
        i, j = rows, columns
        while i or j:
            both = i and j and cost[i - 1][j - 1] + self._pair_cost(own[i - 1], wanted[j - 1])
            if i and j and cost[i][j] == both:
                i, j = i - 1, j - 1
                steps.append((i, j))
            elif i and cost[i][j] == cost[i - 1][j] + 1:
                i -= 1
                steps.append((i, None))
            else:
                j -= 1
                steps.append((None, j))
        return steps[::-1]

    def _pair_cost(self, own: ast.AST, wanted: ast.AST) -> float:
        if type(own) is not type(wanted):
            return 1.9
        mine = {self._number(node) for _, node in children(own)}
        other = {self._number(node) for _, node in children(wanted)}
        return 1.5 * (1 - len(mine & other) / max(len(mine | other), 1))

    def _replace(self, path: Path, wanted: ast.AST, place: ast.AST) -> None:
        self._found.append(
            Difference(
                edit=Edit(path=path, new=(wanted,)), line=getattr(place, "lineno", 1), wanted=_short(wanted)
            )
        )

    def _insert(self, path: Path, new: Sequence[ast.AST], line: int) -> None:
        self._found.append(
            Difference(edit=Edit(path=path, new=tuple(new), width=0), line=line, wanted=_short(new[0]))
        )

    def _number(self, node: ast.AST) -> int:
        """Return a number that equal subtrees share."""
        known = self._known.get(id(node))
        if known is not None:
            return known
        parts: list[Any] = [type(node)]
        for field in node._fields:
            if field in _IGNORED:
                continue
            value = getattr(node, field, None)
            if isinstance(value, ast.AST):
                parts.append(self._number(value))
            elif isinstance(value, list):
                parts.append(tuple(self._number(v) if isinstance(v, ast.AST) else v for v in value))
            else:
                parts.append((type(value), value if isinstance(value, str) else repr(value)))
        number = self._numbers.setdefault(tuple(parts), len(self._numbers))
        self._known[id(node)] = number
        return number


_IGNORED = frozenset(
    {"annotation", "returns", "ctx", "type_comment", "kind", "decorator_list", "type_params"}
)
_BLOCKS = frozenset({"body", "orelse", "finalbody", "handlers"})


def _after_imports(program: ast.Module) -> int:
    places = [index for index, node in enumerate(program.body) if isinstance(node, Import)]
    return places[-1] + 1 if places else 0


def _short(node: ast.AST) -> str:
    """Return the first line of a node's text; empty for operators, which have no text of their own."""
    if isinstance(node, ast.stmt | ast.expr):
        return ast.unparse(node).strip().splitlines()[0]
    return ""
