"""Tests that users write in Python: top-level asserts, ``test_*`` functions and test classes.

The source is never executed here. Each test becomes statements of its own, with the imports and helpers of the
file that it needs in front.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from codegrove.errors import TaskError
from codegrove.examples.source import ROW_ERRORS, parse_quietly
from codegrove.problems.asserts import assert_test, functions_under_test
from codegrove.problems.docstring_examples import bound_names, free_names
from codegrove.problems.module_under_test import ModuleUnderTest
from codegrove.problems.parametrize import expand
from codegrove.task import AssertTest, CallTest

FRAMEWORKS = ("pytest", "unittest", "doctest", "hypothesis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One test of a file, without what it needs from the rest of the file."""

    line: int
    code: str
    tree: ast.Module
    defines: frozenset[str] = frozenset()
    """Names that the piece defines itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTests:
    """The tests of one source file."""

    pieces: tuple[Piece, ...]
    others: tuple[ast.stmt, ...]
    """Top-level statements that are no tests: imports, helpers, data, and the program where it is there too."""
    known: frozenset[str] = field(default=frozenset())
    """Names that are taken from the module under test."""

    def functions(self, among: Collection[str] = ()) -> list[str]:
        """Return the functions the tests may be about, the likeliest first.

        Args:
            among: names to choose from; without them, every function counts that the file does not define itself.
        """
        trees = [self._with_helpers(piece) for piece in self.pieces]
        found = functions_under_test(trees, known=among or self.known)
        if among or not trees:
            return found
        own = {name for statement in self.others for name in bound_names(statement)}
        # without a call of its own, the function may be handed to a helper: check(f)
        return [f for f in found if f not in own] or sorted(set.intersection(*map(_unbound, trees)) - own)

    def tests(self, entry_point: str, *, without: Collection[str] = ()) -> tuple[CallTest | AssertTest, ...]:
        """Return the tests of a function.

        Args:
            entry_point: the function.
            without: names that the program under test defines, so that tests must not bring them along.
        """
        left_out = {entry_point, *without}
        return tuple(
            assert_test(piece.code, entry_point, prelude=self._prelude(piece, left_out))
            for piece in self.pieces
        )

    def _prelude(self, piece: Piece, left_out: Collection[str]) -> str:
        return "\n".join(ast.unparse(node) for node in self._needed(piece, left_out))

    def _with_helpers(self, piece: Piece) -> ast.Module:
        helpers = [n for n in self._needed(piece, ()) if isinstance(n, ast.FunctionDef) and _holds_assert(n)]
        return ast.Module(body=[*piece.tree.body, *helpers], type_ignores=[])

    def _needed(self, piece: Piece, left_out: Collection[str]) -> list[ast.stmt]:
        """Return the statements of the file that a test needs, directly or through others, in their order."""
        wanted = free_names(piece.tree) - piece.defines
        needed: set[int] = set()
        grew = True
        while grew:
            grew = False
            for number, statement in enumerate(self.others):
                if number in needed or not self._is_needed(statement, wanted, left_out):
                    continue
                needed.add(number)
                wanted |= free_names(statement) | bound_names(statement)
                grew = True
        return [self.others[number] for number in sorted(needed)]

    @staticmethod
    def _is_needed(statement: ast.stmt, wanted: Collection[str], left_out: Collection[str]) -> bool:
        bound = bound_names(statement)
        if bound & set(left_out):
            return False
        if bound:
            return bool(bound & set(wanted))
        # `cases.append(...)` changes what a test needs; a lone call such as `print(f(2))` does not
        changed = {
            n.value.id
            for n in ast.walk(statement)
            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
        }
        return bool(changed & set(wanted))


def read_tests(
    source: str, name: str, *, modules_under_test: Collection[str] = (), entry_point: str | None = None
) -> PythonTests:
    """Return the tests of a Python file.

    Args:
        source: the file's text.
        name: its name, for messages.
        modules_under_test: module names that mean the program to write, besides the customary ones.
        entry_point: the function to write where it is known; a module it is imported from is under test.

    Raises:
        TaskError: naming file and line, for source that does not parse and for what is not supported: fixtures,
            marks other than ``parametrize``, asynchronous tests, setup and teardown.
    """
    tree = parse_user_file(source, name)
    module = ModuleUnderTest(name, {*modules_under_test}, entry_point)
    tree = module.without_imports(tree)
    return collect_tests(tree, name, known=frozenset(module.names))


def collect_tests(
    tree: ast.Module, name: str, *, known: frozenset[str] = frozenset(), entry_point: str | None = None
) -> PythonTests:
    """Sort the top-level statements of a file into tests and others, see `read_tests`.

    The entry point is no test, even if its name begins with ``test``.
    """
    pieces: list[Piece] = []
    others: list[ast.stmt] = []
    assigned = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    helpers = {
        n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and _holds_assert(n)
    }
    for statement in tree.body:
        is_program = isinstance(statement, ast.FunctionDef) and statement.name == entry_point
        found = [] if is_program else list(_pieces(statement, name, assigned, helpers))
        pieces += found
        if not (found or _is_start(statement) or isinstance(statement, ast.Pass)):
            others.append(statement)
    _need_frameworks(pieces, others, name)
    return PythonTests(pieces=tuple(pieces), others=tuple(others), known=known)


def parse_user_file(source: str, name: str) -> ast.Module:
    """Return the syntax tree of a user's file.

    Raises:
        TaskError: with file and line when it does not parse.
    """
    try:
        return parse_quietly(source)
    except SyntaxError as error:
        line = error.lineno or 1
        text = (error.text or "").strip()
        raise TaskError(
            f"{name}:{line}: not Python: {error.msg}{f' in {text[:80]!r}' if text else ''}"
        ) from None
    except ROW_ERRORS as error:
        raise TaskError(f"{name}: not Python that can be read: {error}") from None


def _pieces(
    statement: ast.stmt, name: str, assigned: dict[str, ast.expr], helpers: Collection[str]
) -> Iterator[Piece]:
    match statement:
        case ast.Assert():
            yield _piece([statement])
        case ast.FunctionDef() | ast.AsyncFunctionDef() if statement.name.startswith("test"):
            yield from _function_pieces(statement, name, assigned)
        case ast.ClassDef() if statement.name.startswith("Test") or _is_test_case(statement):
            yield from _class_pieces(statement, name, assigned)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            pass
        case ast.If() if _is_main_guard(statement):
            for inner in statement.body:
                if not isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
                    yield from _pieces(inner, name, assigned, helpers)
        case ast.Expr(value=ast.Call(func=ast.Name(id=called))) if called in helpers:
            yield _piece([statement])
        case ast.For() | ast.With() | ast.If() | ast.Try() | ast.While() if _holds_assert(statement):
            yield _piece([statement])


def _piece(
    statements: Sequence[ast.stmt], *, line: int | None = None, defines: Collection[str] = ()
) -> Piece:
    code = ast.unparse(ast.Module(body=list(statements), type_ignores=[]))
    # parsed again, as trees put together by hand lack positions and contexts
    return Piece(
        line=line or statements[0].lineno, code=code, tree=parse_quietly(code), defines=frozenset(defines)
    )


def _function_pieces(
    function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, assigned: dict[str, ast.expr]
) -> Iterator[Piece]:
    for arguments in expand(function, name, assigned):
        body = [
            s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        ]
        has_defaults = len(arguments) < len([*function.args.posonlyargs, *function.args.args])
        if len(body) == 1 and isinstance(body[0], ast.Assert) and not has_defaults:
            yield _piece([_Substitute(arguments).visit(_copy(body[0]))], line=function.lineno)
            continue
        plain = _copy(function)
        assert isinstance(plain, ast.FunctionDef)
        plain.decorator_list = []
        yield _piece(
            [plain, _call(ast.Name(plain.name), arguments)], line=function.lineno, defines=[plain.name]
        )


def _class_pieces(cls: ast.ClassDef, name: str, assigned: dict[str, ast.expr]) -> Iterator[Piece]:
    is_test_case = _is_test_case(cls)
    if cls.decorator_list:
        raise TaskError(
            f"{name}:{cls.lineno}: decorators of test classes are not supported; found one on {cls.name}"
        )
    plain = _copy(cls)
    assert isinstance(plain, ast.ClassDef)
    for method in plain.body:
        if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) and method.name.startswith("test"):
            method.decorator_list = []
    for method in cls.body:
        if not isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        _refuse_setup(method, name, is_test_case=is_test_case)
        if not method.name.startswith("test"):
            continue
        for arguments in expand(method, name, assigned, is_method=True):
            if is_test_case:
                # runs setUp, the test and tearDown, and lets exceptions through
                start = f"{cls.name}({method.name!r}).debug()"
                call: ast.stmt = parse_quietly(start).body[0]
            else:
                instance = ast.Call(func=ast.Name(cls.name), args=[], keywords=[])
                call = _call(ast.Attribute(value=instance, attr=method.name), arguments)
            yield _piece([plain, call], line=method.lineno, defines=[cls.name])


def _refuse_setup(method: ast.FunctionDef | ast.AsyncFunctionDef, name: str, *, is_test_case: bool) -> None:
    refused = (
        ("setUpClass", "tearDownClass")
        if is_test_case
        else ("setup_method", "teardown_method", "setup_class")
    )
    if method.name in refused or "fixture" in "".join(map(ast.unparse, method.decorator_list)):
        raise TaskError(
            f"{name}:{method.lineno}: {method.name} is not supported; prepare the data inside each test"
        )


def _call(function: ast.expr, arguments: dict[str, ast.expr]) -> ast.Expr:
    keywords = [ast.keyword(arg=key, value=value) for key, value in arguments.items()]
    return ast.Expr(value=ast.Call(func=function, args=[], keywords=keywords))


class _Substitute(ast.NodeTransformer):
    """Puts values in the place of names."""

    def __init__(self, values: dict[str, ast.expr]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._values.get(node.id, node)


def _copy(node: ast.stmt) -> ast.stmt:
    return parse_quietly(ast.unparse(node)).body[0]


def _holds_assert(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Assert) for n in ast.walk(node))


def _is_test_case(cls: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("TestCase") for base in cls.bases)


def _is_main_guard(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test)


def _is_start(statement: ast.stmt) -> bool:
    """Whether a statement only starts tests, or configures the framework."""
    marks = isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark"
    return marks or _is_main_guard(statement)


def _unbound(tree: ast.Module) -> set[str]:
    own = {
        n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    }
    return {name for name in free_names(tree) - own if not hasattr(builtins, name)}


def _need_frameworks(pieces: Sequence[Piece], others: Sequence[ast.stmt], name: str) -> None:
    """Refuse tests that need a framework which is not installed: they would fail for every program."""
    used = {n for piece in pieces for n in free_names(piece.tree)}
    for statement in others:
        if not isinstance(statement, (ast.Import, ast.ImportFrom)) or not bound_names(statement) & used:
            continue
        module = statement.module if isinstance(statement, ast.ImportFrom) else statement.names[0].name
        root = (module or "").partition(".")[0]
        if (
            root in FRAMEWORKS
            and root not in sys.stdlib_module_names
            and importlib.util.find_spec(root) is None
        ):
            raise TaskError(
                f"{name}:{statement.lineno}: the tests use {root}, which is not installed here; install it, "
                "or write plain asserts"
            )
