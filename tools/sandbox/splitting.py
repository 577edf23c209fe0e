"""What test text needs of the program, read without running it.

Everything here is decided by the text of the test alone. A candidate must have no say in how it is judged.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Collection

from codegrove.parsing import parse_python
from codegrove.tools.sandbox.describing import TEST

_INSPECTING = (
    "inspect",
    "importlib",
    "gc",
    "ctypes",
    "mock",
    "unittest.mock",
    "dis",
    "linecache",
    "tracemalloc",
)
"""Modules that look into, or change, what they are given."""
_INSIDES = {
    *(
        "__code__",
        "__globals__",
        "__closure__",
        "__defaults__",
        "__kwdefaults__",
        "__annotations__",
        "__dict__",
    ),
    *("__class__", "__bases__", "__mro__", "__subclasses__", "__module__", "__slots__", "__wrapped__"),
    *("__doc__", "__signature__", "__file__", "__members__", "__dataclass_fields__", "__isabstractmethod__"),
}
_SHARING = {
    *("redirect_stdout", "redirect_stderr", "assertWarns", "assertWarnsRegex", "assertLogs", "assertNoLogs"),
    *(
        "warns",
        "catch_warnings",
        "exists",
        "isfile",
        "isdir",
        "listdir",
        "remove",
        "unlink",
        "mkdir",
        "makedirs",
    ),
    *("chdir", "getcwd", "environ", "putenv"),
}
"""What a test shares with a program only inside one process: streams, warnings, files, environment."""
_SHARING_ROOTS = ("os", "contextlib", "self", "pytest", "warnings")
_SHARING_MODULES = ("tempfile", "pathlib", "shutil", "logging")
_STREAMS = ("stdin", "stdout", "stderr")
_FIXTURES_OF_PROCESS = ("monkeypatch", "mocker")


class NeedsFixtures(ValueError):
    """Test functions with parameters that only a test runner could fill."""


def free_names(code: str, entry_point: str | None) -> tuple[list[str], list[str]]:
    """Return the global names that a test uses, and those among them that it does not define itself, sorted.

    Built-in names are the test's own, whatever a program makes of them, unless one is the entry point.

    Raises:
        SyntaxError: if the test does not parse.
    """
    used: set[str] = set()
    top = symtable.symtable(code, TEST, "exec")
    own = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    waiting = [top]
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_global() or (table is top and symbol.is_referenced()):
                used.add(symbol.get_name())
            if symbol.is_declared_global() and symbol.is_assigned():
                own.add(symbol.get_name())
    used = {n for n in used if n == entry_point or not (hasattr(builtins, n) or n.startswith("__"))}
    return sorted(used), sorted(used - own)


def why_together(code: str, names: Collection[str], tree: ast.Module | None = None) -> str:
    """Say why a test must run in the program's own process; empty if it need not.

    Args:
        code: the test.
        names: global names that it expects of the program.
        tree: what it parses to, if that is known.
    """
    finder = _Finder(set(names))
    finder.visit(tree or parse_python(code))
    return finder.reason


class _Finder(ast.NodeVisitor):
    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.modules: set[str] = set()
        """Names under which the program's module is imported."""
        self.reason = ""

    def _found(self, reason: str) -> None:
        self.reason = self.reason or reason

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name in (*_INSPECTING, *_SHARING_MODULES):
                self._found(f"it imports {alias.name}")
            if alias.name == "candidate":
                self.modules.add(alias.asname or alias.name)
            if alias.name == "__main__":
                self._found("it imports __main__")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if any(alias.name in _SHARING for alias in node.names):
            self._found("it shares streams or files with the program")
        if (
            module in (*_INSPECTING, *_SHARING_MODULES)
            or module == "__main__"
            or (module == "unittest" and _has(node, "mock"))
        ):
            self._found(f"it imports from {module}")
        elif module == "candidate" and _has(node, "*"):
            self._found("it imports everything of the program")
        elif module == "candidate":
            self.names |= {alias.asname or alias.name for alias in node.names}

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in ("globals", "__import__", "vars", "open"):
            self._found(f"it uses {node.id}")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for argument in node.args.args:
            if argument.arg in _FIXTURES_OF_PROCESS:
                self._found(f"it uses {argument.arg}")
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in _INSIDES:
            self._found(f"it uses {node.attr}")
        if node.attr in _SHARING and isinstance(node.value, (ast.Name, ast.Attribute)):
            root = node.value.value if isinstance(node.value, ast.Attribute) else node.value
            if isinstance(root, ast.Name) and root.id in _SHARING_ROOTS:
                self._found(f"it uses {ast.unparse(node)}")
        if node.attr in _STREAMS and isinstance(node.ctx, ast.Store):
            self._found(f"it replaces {ast.unparse(node)}")
        if node.attr == "modules" and isinstance(node.value, ast.Name) and node.value.id == "sys":
            self._found("it uses sys.modules")
        if not isinstance(node.ctx, ast.Load) and self._is_module(node.value):
            self._found("it changes the program's module")
        self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None and self._mentions(node.type):
            self._found("it catches an exception class of the program")
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if any(self._mentions(base) for base in node.bases):
            self._found("it derives a class from one of the program")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        asks_type = any(
            isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "type"
            for part in ast.walk(node)
        )
        if asks_type and any(
            isinstance(part, ast.Name) and part.id in self.names for part in node.comparators
        ):
            self._found("it asks for a class of the program")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        asks = name in ("isinstance", "issubclass", "assertIsInstance", "assertNotIsInstance")
        if asks and len(node.args) > 1 and self._mentions(node.args[1]):
            self._found("it asks for a class of the program")
        if (
            name in ("raises", "assertRaises", "assertRaisesRegex")
            and node.args
            and self._mentions(node.args[0])
        ):
            self._found("it expects an exception class of the program")
        if name in ("patch", "setattr", "delattr") and node.args and self._is_module(node.args[0]):
            self._found("it changes the program's module")
        self.generic_visit(node)

    def _mentions(self, node: ast.expr) -> bool:
        """Whether a class of the program is meant: its name, an attribute of it, or one of several."""
        match node:
            case ast.Tuple(elts=parts):
                return any(map(self._mentions, parts))
            case ast.Attribute(value=value):
                return self._mentions(value)
            case ast.Name(id=name):
                return name in self.names or name in self.modules
        return False

    def _is_module(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id in self.modules


def _has(node: ast.ImportFrom, name: str) -> bool:
    return any(alias.name == name for alias in node.names)


def with_calls_of_tests(code: str, tree: ast.Module | None = None) -> str:
    """Return a test with calls of the test functions and classes it defines and does not run itself.

    A closing ``unittest.main()`` is left out: it would end the process with an exit code and no result.

    Args:
        code: the test.
        tree: what it parses to, if that is known.

    Raises:
        SyntaxError: if it does not parse.
        NeedsFixtures: if a function has parameters that nothing here fills.
    """
    tree = tree or parse_python(code)
    plain: list[str] = []
    other: list[str] = []
    for statement in tree.body:
        name = getattr(statement, "name", "")
        if isinstance(statement, ast.FunctionDef) and name.startswith("test") and not _used(tree, name):
            if not statement.decorator_list:
                _require_filled(name, statement.args, set())
                plain.append(f"{name}()")
            else:
                _require_filled(name, statement.args, _filled(statement.decorator_list))
                other.append(name)
        elif _is_test_class(statement) and not _used(tree, name):
            other.append(name)
    if other:
        plain.append(f"__run_tests__({', '.join(other)})")
    return _without(code, _calls_of_runner(tree)) + "".join(f"\n{call}" for call in plain)


def _is_test_class(node: ast.stmt) -> bool:
    if not isinstance(node, ast.ClassDef):
        return False
    return node.name.startswith("Test") or any("TestCase" in ast.unparse(base) for base in node.bases)


def _used(tree: ast.Module, name: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
        for node in ast.walk(tree)
    )


def _calls_of_runner(tree: ast.Module) -> list[ast.Expr]:
    """Return the statements that have unittest run what the text defines."""
    names = {"unittest.main"}
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "unittest":
            names |= {alias.asname or alias.name for alias in statement.names if alias.name == "main"}
    return [
        statement
        for statement in tree.body
        if isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and ast.unparse(statement.value.func) in names
    ]


def _without(code: str, statements: list[ast.Expr]) -> str:
    """Return the text without some of its statements, every other one in its place."""
    lines = code.encode().split(b"\n")  # columns of the tree count bytes
    for statement in reversed(statements):
        first, last = statement.lineno - 1, (statement.end_lineno or statement.lineno) - 1
        rest = lines[last][statement.end_col_offset :]
        kept = lines[first][: statement.col_offset] + b"None" + rest
        lines[first : last + 1] = [kept, *[b""] * (last - first)]
    return b"\n".join(lines).decode()


def _filled(decorators: list[ast.expr]) -> set[str] | None:
    """Return the parameters that decorators fill; None if that is their own business."""
    names: set[str] = set()
    for decorator in decorators:
        text = ast.unparse(decorator)
        if "parametrize" not in text:
            return None if "mark" not in text else names
        first = decorator.args[0] if isinstance(decorator, ast.Call) and decorator.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            names |= {part.strip() for part in first.value.split(",")}
        elif isinstance(first, (ast.List, ast.Tuple)):
            names |= {str(item.value) for item in first.elts if isinstance(item, ast.Constant)}
    return names


def _require_filled(name: str, arguments: ast.arguments, filled: set[str] | None) -> None:
    if filled is None:
        return
    wanted = [argument.arg for argument in [*arguments.posonlyargs, *arguments.args]]
    wanted = wanted[: len(wanted) - len(arguments.defaults)]
    missing = [argument for argument in wanted if argument not in filled]
    if missing:
        raise NeedsFixtures(f"nothing here fills the parameters of {name}: {', '.join(missing)}")
