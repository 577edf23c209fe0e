"""Visible tests made of the examples in a docstring or statement."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass

from codegrove.examples import Example, Form, find_examples
from codegrove.examples.source import (
    ROW_ERRORS,
    calls_function,
    is_literal,
    parse_expression,
    parse_quietly,
    parse_stub,
)
from codegrove.task import AssertTest, CallTest

FLOAT_TOLERANCE = 1e-6
"""Absolute tolerance where an example states a float: people write such values rounded."""

_ARGUMENT_FORMS = (Form.INPUT_OUTPUT, Form.SENTENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleTests:
    """The usable examples of a text as tests, how each was written, and what could not be used."""

    tests: tuple[CallTest | AssertTest, ...] = ()
    forms: tuple[Form, ...] = ()
    """One for each test."""
    dropped: tuple[str, ...] = ()
    """One line for each example that is no test, with its line number and the reason."""


def example_tests(text: str, entry_point: str) -> ExampleTests:
    """Return the examples of a function in its source or in a statement as visible tests.

    An example becomes a `CallTest` when arguments and value are literals, and an `AssertTest` when it uses
    nothing but builtins, the names of the source and the doctest lines before it. Two examples that
    contradict each other are both dropped, repetitions are taken once.
    """
    scope = _Scope.of(text, entry_point)
    setup: list[str] = []
    found: list[tuple[Example, CallTest | AssertTest]] = []
    dropped: list[str] = []
    for example in find_examples(text, entry_point):
        try:
            test = (
                _doctest(example, scope, setup) if example.form is Form.DOCTEST else _stated(example, scope)
            )
        except _Unusable as why:
            dropped.append(f"line {example.line}: {_one_line(example.call)}: {why}")
            continue
        if test is not None and all(test != other for _, other in found):
            found.append((example, test))
    contradicted = {_call_of(test) for _, test in found if _values_for(test, [t for _, t in found]) > 1}
    dropped += [
        f"line {example.line}: {_one_line(example.call)}: contradicts another example"
        for example, test in found
        if isinstance(test, CallTest) and _call_of(test) in contradicted
    ]
    kept = [(e, t) for e, t in found if not (isinstance(t, CallTest) and _call_of(t) in contradicted)]
    return ExampleTests(
        tests=tuple(test for _, test in kept), forms=tuple(e.form for e, _ in kept), dropped=tuple(dropped)
    )


class _Unusable(Exception):
    """Why an example cannot be a test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """What is known about the function and the names around it."""

    entry_point: str
    names: frozenset[str]
    """Names an example may use."""
    parameters: tuple[str, ...] | None = None
    """Positional parameters; None when the signature is not known."""
    required: int = 0
    """How many of them have no default."""
    variadic: bool = False
    """Whether it takes any number of arguments, or arguments by keyword only."""
    prints: bool = False
    """Whether the signature says that it returns nothing: then an output was printed."""
    may_be_none: bool = False
    """Whether an example without output can mean None."""

    @classmethod
    def of(cls, text: str, entry_point: str) -> _Scope:
        names = frozenset({*dir(builtins), entry_point})
        tree = parse_stub(text, entry_point)
        if tree is None:
            return cls(entry_point=entry_point, names=names)
        functions = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
        function = next((f for f in reversed(functions) if f.name == entry_point), None)
        names |= {name for node in tree.body for name in bound_names(node)}
        if function is None:
            return cls(entry_point=entry_point, names=names)
        given = function.args
        parameters = tuple(a.arg for a in [*given.posonlyargs, *given.args])
        returns = ast.unparse(function.returns) if function.returns else ""
        return cls(
            entry_point=entry_point,
            names=names,
            parameters=parameters,
            required=len(parameters) - len(given.defaults),
            variadic=given.vararg is not None or given.kwarg is not None or bool(given.kwonlyargs),
            prints=returns == "None",
            may_be_none=("None" in returns or "Optional" in returns) if returns else "None" in text,
        )


def bound_names(node: ast.stmt) -> set[str]:
    """Return the names that a top-level statement defines: functions, classes, imports and variables."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def free_names(node: ast.AST) -> set[str]:
    """Return the names that a piece of code reads and does not bind itself."""
    bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    bound |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - bound


def call_test(
    call: ast.expr, expected: ast.expr, entry_point: str, *, tolerance: float = 0.0
) -> CallTest | None:
    """Return ``call == expected`` as a `CallTest`; None unless it calls the function with literals only."""
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == entry_point):
        return None
    values = [*call.args, *(k.value for k in call.keywords), expected]
    if not all(is_literal(value) for value in values) or any(k.arg is None for k in call.keywords):
        return None
    args = ", ".join(ast.unparse(arg) for arg in call.args)
    kwargs = ", ".join(f"{k.arg!r}: {ast.unparse(k.value)}" for k in call.keywords)
    return CallTest(
        args=f"({args},)" if len(call.args) == 1 else f"({args})",
        kwargs=f"{{{kwargs}}}",
        expected=ast.unparse(expected),
        tolerance=tolerance,
    )


def _stated(example: Example, scope: _Scope) -> CallTest | AssertTest:
    if example.form is Form.ASSERT:
        return _assertion(example.call, scope)
    call, expected = parse_expression(example.call), parse_expression(example.expected)
    if not isinstance(call, ast.expr) or not example.call:
        raise _Unusable("the input cannot be read")
    if expected is None:
        raise _Unusable("the value cannot be read, or it is not clear where it ends")
    if example.form in _ARGUMENT_FORMS:
        call = _by_position(call, scope)
    _check_arguments(call, scope)
    test = call_test(call, expected, scope.entry_point, tolerance=_tolerance(expected))
    if test is not None:
        return test
    if example.form is not Form.COMPARISON:
        raise _Unusable("it uses something other than literal values")
    return _assertion(f"assert {ast.unparse(call)} == {ast.unparse(expected)}", scope)


def _assertion(code: str, scope: _Scope, setup: list[str] | None = None) -> CallTest | AssertTest:
    """Return statements as a test, after the doctest lines before them unless they are one plain comparison."""
    tree = parse_quietly(code)
    if isinstance(tree.body[0], ast.Assert) and isinstance(tree.body[0].test, ast.Compare):
        compare = tree.body[0].test
        if [type(op) for op in compare.ops] == [ast.Eq]:
            expected = compare.comparators[0]
            test = call_test(compare.left, expected, scope.entry_point, tolerance=_tolerance(expected))
            if test is not None:
                _check_arguments(compare.left, scope)
                return test
    before = setup or []
    known = {
        *scope.names,
        *(name for line in before for node in parse_quietly(line).body for name in bound_names(node)),
    }
    unknown = free_names(tree) - known
    if unknown:
        raise _Unusable(f"it uses {', '.join(sorted(unknown))}, which nothing defines")
    return AssertTest(code="\n".join([*before, code]))


def _doctest(example: Example, scope: _Scope, setup: list[str]) -> CallTest | AssertTest | None:
    """Return a doctest as a test; None when it only prepares for later ones (it is then added to `setup`)."""
    source, output = example.call, example.expected
    try:
        statements = parse_quietly(source).body
    except ROW_ERRORS:
        raise _Unusable("it does not parse") from None
    statement = statements[0] if len(statements) == 1 else None
    shows = any(calls_function(s, scope.entry_point) for s in statements)
    if isinstance(statement, ast.Assert) and shows and not output:
        return _assertion(ast.unparse(statement), scope, setup)
    if not isinstance(statement, ast.Expr) or not (shows or output):
        if not output:
            setup.append(ast.unparse(ast.Module(body=statements, type_ignores=[])))
            return None
        raise _Unusable("it has an output, but is no expression")
    if not shows:
        return None
    if "doctest:" in source and "SKIP" in source:
        raise _Unusable("it is marked to be skipped")
    return _shown(statement.value, source, output, scope, setup)


def _shown(
    value: ast.expr, source: str, output: str, scope: _Scope, setup: list[str]
) -> CallTest | AssertTest | None:
    """Return a doctest whose expression calls the function."""
    is_comparison = isinstance(value, ast.Compare)
    code = ast.unparse(value)
    if is_comparison and output in ("", "True"):
        return _assertion(f"assert {code}", scope, setup)
    if not output:
        if not scope.may_be_none or "#" in source:
            raise _Unusable("it shows no output")
        output = "None"
    if output.startswith("Traceback (most recent call last)"):
        return _raising(code, output.split("\n")[-1], scope, setup)
    if "..." in output:
        raise _Unusable("its output is abbreviated")
    expected = parse_expression(output)
    if scope.prints or expected is None or not is_literal(expected):
        return _printing(code, output, scope, setup)
    _check_arguments(value, scope)
    test = call_test(value, expected, scope.entry_point, tolerance=_tolerance(expected))
    if test is not None:
        return test
    equal = ast.Compare(left=value, ops=[ast.Eq()], comparators=[expected])
    return _assertion(f"assert {ast.unparse(equal)}", scope, setup)


def _raising(code: str, last_line: str, scope: _Scope, setup: list[str]) -> CallTest | AssertTest:
    error = last_line.split(":")[0].strip()
    if not error.isidentifier():
        raise _Unusable("the exception in its output cannot be read")
    return _assertion(
        f"try:\n    {code}\nexcept {error}:\n    pass\nelse:\n    raise AssertionError('{error} expected')",
        scope,
        setup,
    )


def _printing(code: str, output: str, scope: _Scope, setup: list[str]) -> CallTest | AssertTest:
    """Return a test that compares what an interpreter would print."""
    return _assertion(
        "with redirect_stdout(StringIO()) as printed:\n"
        f"    value = {code}\n"
        "    if value is not None:\n"
        "        print(repr(value))\n"
        "printed_lines = [line.strip() for line in printed.getvalue().strip().splitlines()]\n"
        f"assert printed_lines == {output.splitlines()!r}, printed_lines",
        scope,
        ["from contextlib import redirect_stdout", "from io import StringIO", *setup],
    )


def _by_position(call: ast.expr, scope: _Scope) -> ast.expr:
    """Return a call with its values in the order of the parameters, under whatever names they are listed."""
    if not isinstance(call, ast.Call) or not call.keywords:
        return call
    if scope.parameters is None:
        raise _Unusable("the parameters of the function are not known")
    values = {k.arg: k.value for k in call.keywords}
    known = [name for name in values if name in scope.parameters]
    if len(known) == len(values):
        names = [name for name in scope.parameters if name in values]
        if names != list(scope.parameters[: len(names)]):
            return call
        ordered = [values[name] for name in names]
    elif len(values) == len(scope.parameters) and all(
        place == scope.parameters.index(name) for place, name in enumerate(values) if name in scope.parameters
    ):
        ordered = list(values.values())
    else:
        raise _Unusable("its names are not the parameters of the function")
    return ast.Call(func=call.func, args=[*call.args, *ordered], keywords=[])


def _check_arguments(call: ast.expr, scope: _Scope) -> None:
    """Raise where a call cannot fit the signature."""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or scope.parameters is None:
        return
    if (
        call.func.id != scope.entry_point
        or scope.variadic
        or any(isinstance(a, ast.Starred) for a in call.args)
    ):
        return
    count = len(call.args) + len(call.keywords)
    if not scope.required <= count <= len(scope.parameters):
        raise _Unusable(f"it has {count} arguments where the function takes {len(scope.parameters)}")


def _tolerance(expected: ast.expr) -> float:
    is_float = any(isinstance(n, ast.Constant) and isinstance(n.value, float) for n in ast.walk(expected))
    return FLOAT_TOLERANCE if is_float else 0.0


def _call_of(test: CallTest | AssertTest) -> str:
    return f"{test.args} {test.kwargs}" if isinstance(test, CallTest) else test.code


def _values_for(test: CallTest | AssertTest, tests: list[CallTest | AssertTest]) -> int:
    return len({t.expected for t in tests if isinstance(t, CallTest) and _call_of(t) == _call_of(test)})


def _one_line(code: str) -> str:
    flat = " ".join(code.split())
    return f"`{flat}`" if len(flat) <= 80 else f"`{flat[:77]}...`"
