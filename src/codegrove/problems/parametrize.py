"""The argument sets of a test function, written with ``pytest.mark.parametrize``."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping

from codegrove.errors import TaskError


def expand(
    function: ast.FunctionDef | ast.AsyncFunctionDef,
    name: str,
    assigned: Mapping[str, ast.expr],
    *,
    is_method: bool = False,
) -> list[dict[str, ast.expr]]:
    """Return the arguments of each run of a test function; one empty set where it has no parameters.

    Args:
        function: the test.
        name: file name, for messages.
        assigned: module-level variables, as cases may be listed in one.
        is_method: whether the first parameter is the instance.

    Raises:
        TaskError: for fixtures, other decorators, asynchronous tests, and cases that are not written out.
    """
    where = f"{name}:{function.lineno}: {function.name}"
    if isinstance(function, ast.AsyncFunctionDef):
        raise TaskError(
            f"{where} is asynchronous, which is not supported; call asyncio.run inside a plain test"
        )
    axes = [_cases(decorator, where, assigned) for decorator in function.decorator_list]
    runs = [
        {key: value for case in combination for key, value in case.items()}
        for combination in itertools.product(*axes)
    ]
    given = function.args
    parameters = [a.arg for a in [*given.posonlyargs, *given.args]][1 if is_method else 0 :]
    optional = parameters[len(parameters) - len(given.defaults) :] if given.defaults else []
    for run in runs:
        fixtures = [p for p in parameters if p not in run and p not in optional]
        if fixtures:
            raise TaskError(
                f"{where} takes {', '.join(fixtures)}: fixtures are not supported; prepare the data inside the "
                "test, or list cases with pytest.mark.parametrize"
            )
    return runs


def _cases(decorator: ast.expr, where: str, assigned: Mapping[str, ast.expr]) -> list[dict[str, ast.expr]]:
    if not isinstance(decorator, ast.Call) or not ast.unparse(decorator.func).endswith("mark.parametrize"):
        raise TaskError(
            f"{where} has the decorator {ast.unparse(decorator)[:60]}; only pytest.mark.parametrize is supported"
        )
    if len(decorator.args) < 2:
        raise TaskError(f"{where}: parametrize needs names and a list of cases as its first two arguments")
    names, is_single = _names(decorator.args[0], where)
    listed = decorator.args[1]
    if isinstance(listed, ast.Name):
        listed = assigned.get(listed.id, listed)
    if not isinstance(listed, (ast.List, ast.Tuple)):
        raise TaskError(
            f"{where}: the cases of parametrize must be written out as a list; found {ast.unparse(listed)[:60]}"
        )
    return [
        dict(
            zip(
                names,
                [case] if is_single and not _is_param(case) else _values(case, len(names), where),
                strict=True,
            )
        )
        for case in listed.elts
    ]


def _is_param(case: ast.expr) -> bool:
    return isinstance(case, ast.Call) and ast.unparse(case.func) in ("param", "pytest.param")


def _names(node: ast.expr, where: str) -> tuple[list[str], bool]:
    """Return the names, and whether it is one name as plain text, whose cases are plain values."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(
        isinstance(p, str) and p.strip().isidentifier() for p in parts
    ):
        raise TaskError(f"{where}: expected parameter names as text; found {ast.unparse(node)[:60]}")
    return [part.strip() for part in parts], isinstance(value, str) and len(parts) == 1


def _values(case: ast.expr, count: int, where: str) -> list[ast.expr]:
    if isinstance(case, ast.Call) and _is_param(case):
        if any(keyword.arg != "id" for keyword in case.keywords):
            raise TaskError(
                f"{where}: marks on single cases are not supported; found {ast.unparse(case)[:60]}"
            )
        values = case.args
    elif isinstance(case, (ast.Tuple, ast.List)):
        values = case.elts
    else:
        raise TaskError(f"{where}: expected a case with {count} values; found {ast.unparse(case)[:60]}")
    if len(values) != count:
        raise TaskError(f"{where}: expected a case with {count} values; found {ast.unparse(case)[:60]}")
    return values
