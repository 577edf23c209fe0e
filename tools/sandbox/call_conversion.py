"""Test text that is nothing but calls with literal arguments and claims about their results, read as such.

``assert f(1, [2]) == 3``, ``assert abs(f(x) - 0.5) < 1e-6``, a HumanEval ``check(candidate)`` made of these: the
calls are made by the candidate's process, which gets to know their arguments only; the claims are evaluated here,
on the decoded results, see `claims`. Anything else is not converted; nothing is executed. Reading takes bounded
work and memory: the test may be a model's.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from codegrove.parsing import parse_python
from codegrove.tools.sandbox import plain_expressions as plain
from codegrove.tools.sandbox.asserts import left_operand
from codegrove.tools.sandbox.claims import Claim
from codegrove.tools.sandbox.given_objects import changeable, require_unshared
from codegrove.tools.sandbox.plain_expressions import answer_name
from codegrove.tools.sandbox.plain_functions import MATH, Budget, NotPlain, math_item
from codegrove.tools.sandbox.replaced_calls import KnownAnswers, NewAnswers
from codegrove.tools.sandbox.source_text import SourceText

_MOST_CALLS = 2000
_MOST_CLAIMS = 5000
_WORK_OF_READING = 1_000_000


def _of_program(*_: object) -> None:
    """Stands for the function under test among the variables: it has no value that could be computed with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A test as calls and claims."""

    calls: tuple[tuple[tuple[object, ...], dict[str, object]], ...]
    """Positional and named arguments of each call, in order."""
    claims: tuple[Claim, ...]


def convert(code: str, entry_point: str | None, tree: ast.Module | None = None) -> Converted | None:
    """Read a test as calls of the entry point and claims; None if it is, or may be, more than that.

    Args:
        code: the test.
        entry_point: name of the function under test.
        tree: what the test parses to, if that is known; it is not changed. Then only ``\\n`` ends a line of the
            test.

    Raises:
        SyntaxError: if it does not parse.
    """
    if tree is None:
        code = code.replace("\r\n", "\n").replace("\r", "\n")
        tree = parse_python(code)
    if entry_point is None:
        return None
    reader = _Reader(SourceText(code), entry_point)
    try:
        reader.read(tree.body)
    except (NotPlain, RecursionError, MemoryError):
        return None
    if not reader.calls:
        return None
    return Converted(calls=tuple(reader.calls), claims=tuple(reader.claims))


@dataclass(slots=True)
class _Reader:
    source: SourceText
    entry_point: str
    names: dict[str, object] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    """Names of the function under test."""
    checks: dict[str, ast.FunctionDef] = field(default_factory=dict)
    fresh: dict[str, int] = field(default_factory=dict)
    """Variables that hold a result, with the number of calls made when it was new."""
    calls: list[tuple[tuple[object, ...], dict[str, object]]] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    given: set[int] = field(default_factory=set)
    """Ids of the lists, dicts and sets that calls were given. `calls` keeps them alive."""
    found: dict[int, tuple[object, set[int]]] = field(default_factory=dict)
    """Values by their ids, which last as long as they do, with what can be changed in them."""
    inside: bool = False
    budget: Budget = field(default_factory=lambda: Budget(_WORK_OF_READING))

    def __post_init__(self) -> None:
        self.functions = {self.entry_point}
        self.names[self.entry_point] = _of_program

    @property
    def made(self) -> int:
        """How many calls were made so far."""
        return len(self.calls)

    def read(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        self.budget.spend()
        match statement:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Expr(value=ast.Name(id=name)) if hasattr(builtins, name) and name not in self.names:
                pass
            case ast.Import(names=aliases):
                self._import(aliases)
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                self._import_from(module, aliases)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assign(name, value)
            case ast.Assert():
                self._assert(statement)
            case ast.For(orelse=[]):
                self._loop(statement)
            case ast.FunctionDef(name=name) if not self.inside:
                self._bind(name, None)
                del self.names[name]
                self.checks[name] = statement
            case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as call) if name in self.checks:
                self._check(self.checks[name], call)
            case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as call) if name in self.functions:
                self.call(call)
            case _:
                raise NotPlain(type(statement).__name__)

    def _bind(self, name: str, value: object) -> None:
        known = name in self.functions or name in self.checks or hasattr(builtins, name)
        if known or name.startswith("__"):
            raise NotPlain(name)
        if not self._changeable(value).isdisjoint(self.given):
            raise NotPlain("an object that a call may have changed")
        self.fresh.pop(name, None)
        self.names[name] = value

    def _changeable(self, value: object) -> set[int]:
        """Return `changeable` of a value, found once. Nothing changes the values here."""
        self.budget.spend()
        if isinstance(value, (int, float, str, bytes, type(None))):
            return set()
        known = self.found.get(id(value))
        if known is None:
            known = self.found[id(value)] = (value, changeable(value, self.budget))
        return known[1]

    def _import(self, aliases: list[ast.alias]) -> None:
        for alias in aliases:
            if alias.name.partition(".")[0] not in sys.stdlib_module_names:
                raise NotPlain(alias.name)
            name = alias.asname or alias.name.partition(".")[0]
            self._bind(name, MATH)
            if alias.name != "math":
                del self.names[name]

    def _import_from(self, module: str, aliases: list[ast.alias]) -> None:
        if module not in sys.stdlib_module_names:
            raise NotPlain(module)
        for alias in aliases:
            if alias.name == "*" and module == "typing":
                continue
            name = alias.asname or alias.name
            if name == "*":
                raise NotPlain("*")
            self._bind(name, math_item(alias.name) if module == "math" else None)
            if module != "math":
                del self.names[name]

    def _assign(self, name: str, value: ast.expr) -> None:
        if isinstance(value, ast.Call) and self.is_call(value):
            number = self.call(value)
            self._bind(name, None)
            del self.names[name]
            self.fresh[name] = number
            return
        self._bind(name, self._constant(value))

    def _constant(self, node: ast.expr) -> Any:
        plain.check(node, self.names)
        try:
            return plain.evaluate(node, self.names, self.budget)
        except plain.ERRORS as error:  # it is raised when the test is run as it is
            raise NotPlain(str(error)) from None

    def _loop(self, loop: ast.For) -> None:
        targets = loop.target.elts if isinstance(loop.target, ast.Tuple) else None
        items = self._constant(loop.iter)
        for item in _items(items):
            self.budget.spend()
            if id(items) in self.given:
                raise NotPlain("a loop over what a call may have changed")
            if targets is None:
                self._bind(_name_of(loop.target), item)
            else:
                parts = _items(item)
                if len(parts) != len(targets):
                    raise NotPlain("a row of another length")
                for target, part in zip(targets, parts, strict=True):
                    self._bind(_name_of(target), part)
            self.read(loop.body)

    def _check(self, check: ast.FunctionDef, call: ast.Call) -> None:
        """Read the body of a function of the test where it is called."""
        arguments = check.args
        simple = not (check.decorator_list or call.keywords or arguments.vararg or arguments.kwarg)
        plainly = [*arguments.posonlyargs, *arguments.args]
        if not simple or arguments.kwonlyargs or arguments.defaults or len(plainly) != len(call.args):
            raise NotPlain("a function that is not called plainly")
        for argument in call.args:
            if not (isinstance(argument, ast.Name) and argument.id == self.entry_point):
                raise NotPlain("an argument that is not the entry point")
        outer = self.names, self.functions, self.fresh
        parameters = {parameter.arg for parameter in plainly}
        if parameters & self.checks.keys():
            raise NotPlain("a parameter that hides a function")
        self.names = {**self.names, **dict.fromkeys(parameters, _of_program)}
        self.functions, self.fresh, self.inside = self.functions | parameters, {}, True
        body = check.body
        if isinstance(body[-1], ast.Return) and body[-1].value is None:
            body = body[:-1]
        if _assigned(body) & outer[0].keys():
            raise NotPlain("a local variable that hides a global one")
        self.read(body)
        self.names, self.functions, self.fresh = outer
        self._forget_given()
        self.inside = False

    def is_call(self, node: ast.AST) -> bool:
        """Whether a node calls the function under test."""
        return (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.functions
        )

    def call(self, call: ast.Call) -> int:
        """Note a call; its number says which answer is its result."""
        args = tuple(self._constant(argument) for argument in call.args)
        kwargs = {_keyword(keyword): self._constant(keyword.value) for keyword in call.keywords}
        require_unshared([*args, *kwargs.values()], self.budget)
        self.calls.append((args, kwargs))
        if len(self.calls) > _MOST_CALLS:
            raise NotPlain("too many calls")
        if next(_names_in([*call.args, *(keyword.value for keyword in call.keywords)]), None) is not None:
            self.given |= changeable((args, kwargs), self.budget)
            self._forget_given()
        return len(self.calls) - 1

    def _forget_given(self) -> None:
        """Drop the variables with something that a call may have changed. Who uses one again is not converted."""
        for name, value in list(self.names.items()):
            if not self._changeable(value).isdisjoint(self.given):
                del self.names[name]

    def _assert(self, statement: ast.Assert) -> None:
        source = self.source.segment(statement)
        same: dict[str, int] = {}
        test = statement.test
        parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
        shown: list[ast.expr] = []
        for part in parts:
            replacer = NewAnswers(self, None if statement.msg is None else same)
            replaced = replacer.visit(part)
            plain.check(replaced, self.names)
            self._try_constants(replaced)
            shown = [*shown, *(ast.Name(id=answer_name(n), ctx=ast.Load()) for n in replacer.called)]
            left = left_operand(replaced)
            message = None if statement.msg is None else self._message(statement.msg, same)
            used = {name.id for name in _names_in([replaced, *([message] if message else ())])}
            claim = Claim(
                test=replaced,
                names={name: self.names[name] for name in used if name in self.names},
                answers=frozenset(replacer.numbers),
                needs=self.made,
                shown=tuple(shown) if shown or left is None else (left,),
                source=source,
                message=message,
            )
            self.claims.append(claim)
            if len(self.claims) > _MOST_CLAIMS:
                raise NotPlain("too many claims")

    def _try_constants(self, node: ast.expr) -> None:
        """Refuse a claim of which it is known now that it cannot be evaluated, whatever the answers are."""
        for part in plain.constant_parts(node):
            try:
                plain.evaluate(part, self.names, self.budget)
            except NotPlain:
                raise
            except plain.ERRORS:
                pass  # it is raised where the claim is evaluated, if it comes to that

    def _message(self, node: ast.expr, same: dict[str, int]) -> ast.expr | None:
        """Return a message in which calls are the ones that the assertion makes; None for any other."""
        if isinstance(node, ast.Constant) and node.value is not ...:
            return node
        node = KnownAnswers(self, same).visit(node)
        try:
            for part in node.values if isinstance(node, ast.JoinedStr) else [node]:
                plain.check(part.value if isinstance(part, ast.FormattedValue) else part, self.names)
        except NotPlain:
            return None
        return node


def _items(value: Any) -> Sequence[Any]:
    """Return what a loop over a value goes through."""
    if not isinstance(value, (list, tuple, set, frozenset, dict, str, bytes, range)):
        raise NotPlain("a loop over something that has no items")
    return value if isinstance(value, (list, tuple, range)) else list(value)


def _name_of(node: ast.expr) -> str:
    if not isinstance(node, ast.Name):
        raise NotPlain("a target that is no name")
    return node.id


def _keyword(keyword: ast.keyword) -> str:
    if keyword.arg is None:
        raise NotPlain("**")
    return keyword.arg


def _names_in(nodes: Sequence[ast.AST]) -> Iterator[ast.Name]:
    """Yield the names in trees. Most of a test is literals: `ast.walk` would take several times as long."""
    waiting: list[Any] = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant) or not isinstance(node, ast.AST):
            continue
        if isinstance(node, ast.Name):
            yield node
            continue
        for part in node._fields:
            value = getattr(node, part, None)
            if isinstance(value, list):
                waiting += value
            else:
                waiting.append(value)


def _assigned(body: Sequence[ast.stmt]) -> set[str]:
    return {name.id for name in _names_in(body) if isinstance(name.ctx, ast.Store)}
