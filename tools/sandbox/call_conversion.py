"""Test text that is nothing but calls with literal arguments and claims about their results, read as such.

``assert f(1, [2]) == 3``, ``assert abs(f(x) - 0.5) < 1e-6``, a HumanEval ``check(candidate)`` made of these: the
calls are made by the candidate's process, which gets to know their arguments only; the claims are evaluated here,
on the decoded results, by `plain_expressions`. Anything else is not converted; nothing is executed.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import operator
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codegrove.parsing import parse_python
from codegrove.tools.sandbox import plain_expressions as plain
from codegrove.tools.sandbox.asserts import left_operand
from codegrove.tools.sandbox.plain_expressions import NotPlain
from codegrove.tools.sandbox.source_text import SourceText
from codegrove.tools.sandbox.values import show

_MOST_CALLS = 2000
_MOST_CLAIMS = 5000
_MOST_SHOWN = 1000
_IMMUTABLE = (int, float, complex, str, bytes, bool, type(None), range)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One assertion, or one part of an ``and``."""

    test: ast.expr
    """Results of calls appear in it as names, see `answer_name`."""
    names: Mapping[str, object]
    """Values of its other names."""
    needs: int
    """How many answers there must be before it can be evaluated."""
    shown: Sequence[ast.expr]
    """What to show of it when it fails."""
    source: str
    message: ast.expr | None
    """To be evaluated when the claim fails; None if that cannot be done here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A test as calls and claims."""

    calls: tuple[tuple[tuple[object, ...], dict[str, object]], ...]
    """Positional and named arguments of each call, in order."""
    claims: tuple[Claim, ...]


def answer_name(number: int) -> str:
    """Return the name under which a claim finds the result of a call. No Python name looks like it."""
    return f"#{number}"


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
    except Exception:  # noqa: BLE001 - constants of a test may raise anything, and do so when it is run as it is
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
    inside: bool = False

    def __post_init__(self) -> None:
        self.functions = {self.entry_point}

    def read(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
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
                self._call(call)
            case _:
                raise NotPlain(type(statement).__name__)

    def _bind(self, name: str, value: object) -> None:
        known = name in self.functions or name in self.checks or hasattr(builtins, name)
        if known or name.startswith("__"):
            raise NotPlain(name)
        self.fresh.pop(name, None)
        self.names[name] = value

    def _import(self, aliases: list[ast.alias]) -> None:
        for alias in aliases:
            if alias.name.partition(".")[0] not in sys.stdlib_module_names:
                raise NotPlain(alias.name)
            name = alias.asname or alias.name.partition(".")[0]
            self._bind(name, plain.MATH)
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
            self._bind(name, plain.math_item(alias.name) if module == "math" else None)
            if module != "math":
                del self.names[name]

    def _assign(self, name: str, value: ast.expr) -> None:
        if isinstance(value, ast.Call) and self._is_call(value):
            number = self._call(value)
            self._bind(name, None)
            del self.names[name]
            self.fresh[name] = number
            return
        self._bind(name, self._constant(value))

    def _constant(self, node: ast.expr) -> Any:
        plain.check(node, self.names)
        return plain.evaluate(node, self.names)

    def _loop(self, loop: ast.For) -> None:
        targets = loop.target.elts if isinstance(loop.target, ast.Tuple) else None
        for item in self._constant(loop.iter):
            if targets is None:
                self._bind(_name_of(loop.target), item)
            else:
                for target, part in zip(targets, item, strict=True):
                    self._bind(_name_of(target), part)
            self.read(loop.body)
        if isinstance(loop.iter, ast.Name):
            self.names.pop(loop.iter.id, None)  # calls may have changed what is in it

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
        self.names = {name: value for name, value in self.names.items() if name not in parameters}
        self.functions, self.fresh, self.inside = self.functions | parameters, {}, True
        body = check.body
        if isinstance(body[-1], ast.Return) and body[-1].value is None:
            body = body[:-1]
        if _assigned(body) & outer[0].keys():
            raise NotPlain("a local variable that hides a global one")
        self.read(body)
        self.names, self.functions, self.fresh = outer
        self.inside = False

    def _is_call(self, node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.functions
        )

    def _call(self, call: ast.Call) -> int:
        """Note a call; its number says which answer is its result."""
        args = tuple(self._constant(argument) for argument in call.args)
        kwargs = {_keyword(keyword): self._constant(keyword.value) for keyword in call.keywords}
        for name in _names_in([*call.args, *(keyword.value for keyword in call.keywords)]):
            if not isinstance(self.names.get(name.id), _IMMUTABLE):
                self.names.pop(name.id, None)  # the call may change it; who uses it again is not converted
        self.calls.append((args, kwargs))
        if len(self.calls) > _MOST_CALLS:
            raise NotPlain("too many calls")
        return len(self.calls) - 1

    def _assert(self, statement: ast.Assert) -> None:
        source = self.source.segment(statement)
        same: dict[str, int] = {}
        test = statement.test
        parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
        shown: list[ast.expr] = []
        for part in parts:
            replacer = _Replacer(self, None if statement.msg is None else same)
            replaced = replacer.visit(part)
            names = dict(self.names) | {answer_name(number): 0 for number in replacer.numbers}
            plain.check(replaced, names)
            shown = [*shown, *(ast.Name(id=answer_name(n), ctx=ast.Load()) for n in replacer.called)]
            left = left_operand(replaced)
            claim = Claim(
                test=replaced,
                names=dict(self.names),
                needs=max(replacer.numbers, default=-1) + 1,
                shown=tuple(shown) if shown or left is None else (left,),
                source=source,
                message=None if statement.msg is None else self._message(statement.msg, same),
            )
            self.claims.append(claim)
            if len(self.claims) > _MOST_CLAIMS:
                raise NotPlain("too many claims")

    def _message(self, node: ast.expr, same: dict[str, int]) -> ast.expr | None:
        """Return a message in which calls are the ones that the assertion makes; None for any other."""
        if isinstance(node, ast.Constant) and node.value is not ...:
            return node
        node = _Known(self, same).visit(node)
        try:
            names = dict(self.names) | {answer_name(number): 0 for number in range(len(self.calls))}
            for part in node.values if isinstance(node, ast.JoinedStr) else [node]:
                plain.check(part.value if isinstance(part, ast.FormattedValue) else part, names)
        except NotPlain:
            return None
        return node


class _Replacing(ast.NodeVisitor):
    """Returns another expression with some parts replaced. The tree stays as it is: a loop reads it again."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return node

    def generic_visit(self, node: ast.AST) -> Any:
        same, fields = True, {}
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                fields[name] = self.visit(value)
                same = same and fields[name] is value
            elif isinstance(value, list):
                fields[name] = [self.visit(item) if isinstance(item, ast.AST) else item for item in value]
                same = same and all(map(operator.is_, fields[name], value))
            else:
                fields[name] = value
        return node if same else ast.copy_location(type(node)(**fields), node)


class _Known(_Replacing):
    """Replaces calls that were made already by their answers."""

    def __init__(self, reader: _Reader, same: Mapping[str, int]) -> None:
        self.reader, self.same = reader, same

    def visit_Call(self, node: ast.Call) -> ast.expr:
        number = self.same.get(ast.dump(node))
        if number is None:
            return self.generic_visit(node)  # type: ignore[no-any-return]
        return ast.Name(id=answer_name(number), ctx=ast.Load())

    def visit_Name(self, node: ast.Name) -> ast.expr:
        number = self.reader.fresh.get(node.id)
        return node if number is None else ast.Name(id=answer_name(number), ctx=ast.Load())


class _Replacer(_Replacing):
    """Replaces calls and variables that hold results. Calls must happen whatever their neighbours are.

    Args:
        same: where to note which call is which, if anybody is going to ask.
    """

    def __init__(self, reader: _Reader, same: dict[str, int] | None) -> None:
        self.reader = reader
        self.same = same
        self.called: list[int] = []
        self.numbers: list[int] = []

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not self.reader._is_call(node):
            return ast.Call(
                func=node.func,
                args=[self.visit(argument) for argument in node.args],
                keywords=[self.visit(keyword) for keyword in node.keywords],
            )
        self.called.append(self.reader._call(node))
        if self.same is not None:
            self.same[ast.dump(node)] = self.called[-1]
        return self._answer(self.called[-1])

    def visit_Name(self, node: ast.Name) -> ast.expr:
        number = self.reader.fresh.get(node.id)
        if number is None:
            return node
        if number != len(self.reader.calls) - 1:
            raise NotPlain("a result that a later call may have changed")
        return self._answer(number)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return ast.BoolOp(op=node.op, values=self._unconditional(node.values, 1))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        left, *others = self._unconditional([node.left, *node.comparators], 2)
        return ast.Compare(left=left, ops=node.ops, comparators=others)

    def _unconditional(self, nodes: list[ast.expr], sure: int) -> list[ast.expr]:
        replaced = []
        for place, node in enumerate(nodes):
            before = len(self.called)
            replaced.append(self.visit(node))
            if place >= sure and len(self.called) > before:
                raise NotPlain("a call that may not happen")
        return replaced

    def _answer(self, number: int) -> ast.expr:
        self.numbers.append(number)
        return ast.Name(id=answer_name(number), ctx=ast.Load())


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


class Failure(Exception):
    """A claim that does not hold, or could not be worked out."""

    def __init__(self, message: str, shown: tuple[object, ...], error: Exception | None = None) -> None:
        super().__init__(message)
        self.message, self.shown, self.error = message, shown, error


def examine(claim: Claim, answers: Sequence[object]) -> None:
    """Evaluate a claim.

    Raises:
        Failure: unless it holds.
    """
    found = {answer_name(number): answer for number, answer in enumerate(answers)}
    names = {**claim.names, **found}
    try:
        if plain.evaluate(claim.test, names):
            return
    except Exception as error:  # noqa: BLE001 - of Python, about values that do not fit
        raise Failure("", (), error) from None
    shown: list[object] = []
    for node in claim.shown:
        with contextlib.suppress(Exception):
            shown.append(plain.evaluate(node, names))
    message = ""
    with contextlib.suppress(Exception):
        message = _written(claim.message, names)
    raise Failure(message or claim.source, tuple(shown))


def _written(node: ast.expr | None, names: Mapping[str, object]) -> str:
    if node is None:
        return ""
    if not isinstance(node, ast.JoinedStr):
        return str(plain.evaluate(node, names))
    texts = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            value = plain.evaluate(part.value, names)
            plainly = isinstance(value, str) and part.conversion == -1
            texts.append(str(value) if plainly else show(value, most_items=_MOST_SHOWN))
        else:
            texts.append(str(plain.evaluate(part, names)))
    return "".join(texts)
