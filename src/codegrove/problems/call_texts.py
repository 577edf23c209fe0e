"""Hidden and visible tests of functions and methods as asserts, where a plain comparison would be too strict."""

from __future__ import annotations

from collections.abc import Sequence

from codegrove.problems.json_values import python_literal
from codegrove.task import AssertTest, Origin

_AS_LIST = "result = list(result) if isinstance(result, tuple) else result\n"
_ITEMS_AS_LISTS = """\
if isinstance(result, list):
    result = [list(item) if isinstance(item, tuple) else item for item in result]
"""


def call_assert(
    function: str,
    arguments: Sequence[object],
    values: Sequence[object],
    *,
    deep: bool = False,
    origin: Origin = Origin.HIDDEN,
) -> AssertTest:
    """Return a test that calls a function and accepts any of some values; a tuple is as good as a list.

    Args:
        function: what is called, as Python text, e.g. ``Solution().add``.
        values: the values, each of which is right.
        deep: whether tuples inside a list are as good as lists, too.
    """
    call = f"{function}({', '.join(map(python_literal, arguments))})"
    claims = [f"result == {python_literal(value)}" for value in values]
    code = f"result = {call}\n"
    if any(isinstance(value, list) for value in values):
        code += _AS_LIST + (_ITEMS_AS_LISTS if deep else "")
    code += f"assert {' or '.join(dict.fromkeys(claims))}"
    if "nan" in code or "inf" in code:
        code = f"from math import inf, nan\n{code}"
    return AssertTest(code=code, origin=origin)
