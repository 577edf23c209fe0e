"""Tests in Python files: what becomes a test, what it brings along, and what is refused."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import TaskError
from codegrove.problems.python_tests import read_tests
from codegrove.task import AssertTest, CallTest
from tests.problems.judging import passes
from tests.problems.test_find_examples import SOUP

PARTS = [
    "assert f(1) == 2",
    "def test_a():\n    x = f(1)\n    assert x",
    "def helper(x):\n    assert f(x)",
    "helper(2)",
    "x = 1",
    "x += f(2)",
    "for x in [1]:\n    assert f(x)",
    "class TestB:\n    def test_c(self):\n        assert f(x)",
    "class C(TestCase):\n    def test_c(self):\n        assert f(x)",
    "if __name__ == '__main__':\n    assert f(3)\n    x = 2",
    "import math as m",
    "from solution import f",
    "import solution as s\nassert s.f(2) == 3",
    "@mark.parametrize('a', [1, 2])\ndef test_p(a):\n    assert f(a) == 3",
    "def f(x):\n    pass",
    "async def g():\n    assert f(1)",
    "assert f(lambda y: y)(x := 3)",
    "match f(1):\n    case [x, *_]:\n        assert x",
    "try:\n    assert f(1)\nexcept* ValueError as e:\n    pass",
    "del x",
    "global x",
]
RIGHT = "def add(a, b):\n    return a + b"
WRONG = "def add(a, b):\n    return a - b"


def read(source: str, entry_point: str = "add") -> list[CallTest | AssertTest]:
    return [*read_tests(source, "t.py").tests(entry_point)]


def check(source: str, count: int) -> None:
    """The source holds so many tests; a right program passes them, a wrong one none."""
    found = read(source)
    assert len(found) == count
    assert all(passes(RIGHT, t, "add") for t in found)
    assert not any(passes(WRONG, t, "add") for t in found)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("assert add(1, 2) == 3\nassert add('a', 'b') == 'ab'", 2),
        ("cases = [(1, 2, 3)]\ncases.append((2, 2, 4))\nfor a, b, c in cases:\n    assert add(a, b) == c", 1),
        ("def test_it():\n    total = add(1, 2)\n    assert total == 3", 1),
        ("def check(f):\n    assert f(1, 2) == 3\ncheck(add)", 1),
        (
            "import math\nfrom math import pi as p\ndef test_it():\n    assert math.isclose(add(p, p), 2 * p)",
            1,
        ),
        ("BASE = 2\ndef twice():\n    return 2 * BASE\ndef test_it():\n    assert add(2, 2) == twice()\n", 1),
        (
            "class TestAdd:\n    def test_a(self):\n        assert add(1, 2) == 3\n"
            "    def test_b(self):\n        assert add(2, 2) == 4",
            2,
        ),
        (
            "import unittest\nclass Sums(unittest.TestCase):\n    def setUp(self):\n        self.one = 1\n"
            "    def test_a(self):\n        self.assertEqual(add(self.one, 1), 2)\n"
            "if __name__ == '__main__':\n    unittest.main()",
            1,
        ),
        (
            "def test_it():\n    with open_nothing():\n        assert add(1, 1) == 2\nclass open_nothing:\n"
            "    def __enter__(self): pass\n    def __exit__(self, *a): pass",
            1,
        ),
        ("if __name__ == '__main__':\n    print(add(1, 2))\n    assert add(1, 2) == 3", 1),
        (
            "@pytest.mark.parametrize('a', [1, 2])\n@pytest.mark.parametrize('b', (1, 3))\n"
            "def test_it(a, b):\n    assert add(a, b) == a + b",
            4,
        ),
        (
            "CASES = [(1, 2, 3), pytest.param(2, 2, 4, id='x')]\n@pytest.mark.parametrize('a, b, c', CASES)\n"
            "def test_it(a, b, c):\n    x = add(a, b)\n    assert x == c",
            2,
        ),
        ("@pytest.mark.parametrize(['a'], [(1,)])\ndef test_it(a, b=2):\n    assert add(a, b) == 3 and b", 1),
    ],
)
def test_each_kind_of_test(source: str, count: int) -> None:
    check(source, count)


@pytest.mark.parametrize(
    "source",
    [
        "from __main__ import add\nassert add(1, 2) == 3",
        "from solution import add\nassert add(1, 2) == 3",
        "from solution import add as plus\nassert plus(1, 2) == 3",
        "import solution\nassert solution.add(1, 2) == 3",
        "import solution as s\nassert s.add(1, 2) == 3",
        "from solution import *\nassert add(1, 2) == 3",
        "from .anything import add\nassert add(1, 2) == 3",
        "from . import sums\nassert sums.add(1, 2) == 3",
        "def test_it():\n    from solution import add\n    assert add(1, 2) == 3",
        "import math, solution\nassert solution.add(1, math.floor(2.5)) == 3",
    ],
)
def test_imports_of_the_program_disappear(source: str) -> None:
    check(source, 1)
    assert read_tests(source, "t.py").functions() == ["add"]


def test_a_module_is_under_test_when_the_entry_point_comes_from_it() -> None:
    found = read_tests("from strange_name import add\nassert add(1, 2) == 3", "t.py", entry_point="add")
    assert [t.describe("add") for t in found.tests("add")] == ["add(1, 2) == 3"]


def test_a_test_brings_only_what_it_needs() -> None:
    source = "import os\nimport math\nA = 1\nB = A\nC = 3\n"
    source += "def test_it():\n    x = add(B, 1)\n    assert math.sqrt(x) > 1"
    (test,) = read(source)
    assert isinstance(test, AssertTest)
    assert test.code.split("def test_it")[0].split("\n") == ["import math", "A = 1", "B = A", ""]


def test_one_plain_assert_becomes_a_call() -> None:
    assert read("def test_it():\n    '''Why.'''\n    assert add([1], b=2) == 3") == [
        CallTest(args="([1],)", kwargs="{'b': 2}", expected="3")
    ]


@pytest.mark.parametrize(
    ("source", "functions"),
    [
        ("assert set(add(1)) == {2}", ["add"]),
        ("assert add(mul(1)) == 2\nassert add(3) == 4", ["add"]),
        ("import math\nassert math.floor(add(1)) == 2", ["add"]),
        ("def mul(x): return x\nassert mul(add(1)) == 2", ["add"]),
        ("def check(f):\n    assert f(1)\ncheck(add)", ["add"]),
        ("assert decode(encode(1)) == 1", ["decode", "encode"]),
        ("assert 1 == 1", []),
    ],
)
def test_the_function_under_test_is_what_the_tests_call(source: str, functions: list[str]) -> None:
    assert read_tests(source, "t.py").functions() == functions


@given(SOUP | st.lists(st.sampled_from(PARTS), max_size=6).map("\n".join))
def test_any_source_is_read_or_refused(source: str) -> None:
    try:
        found = read_tests(source, "t.py")
    except TaskError as error:
        assert str(error).startswith("t.py")
        return
    for test in found.tests("f"):
        assert ast.parse(test.describe("f")) is not None
    found.functions()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("assert add(" + "-" * 2000 + "1)", "t.py: not Python that can be read"),
        ("assert add(1", "t.py:1: not Python: '(' was never closed in 'assert add(1'"),
        (
            "x = 1\ndef test_it(tmp_path):\n    pass",
            "t.py:2: test_it takes tmp_path: fixtures are not supported",
        ),
        ("async def test_it():\n    pass", "t.py:1: test_it is asynchronous, which is not supported"),
        (
            "import pytest\n@pytest.mark.skip\ndef test_it():\n    pass",
            "t.py:3: test_it has the decorator pytest.mark.skip;",
        ),
        ("@given(x)\ndef test_it(x):\n    pass", "t.py:2: test_it has the decorator given(x); only"),
        ("@mark.parametrize('a')\ndef test_it(a):\n    pass", "parametrize needs names and a list of cases"),
        (
            "@mark.parametrize('a', make())\ndef test_it(a):\n    pass",
            "must be written out as a list; found make()",
        ),
        (
            "@mark.parametrize(names, [1])\ndef test_it(a):\n    pass",
            "expected parameter names as text; found names",
        ),
        (
            "@mark.parametrize('a, b', [1])\ndef test_it(a, b):\n    pass",
            "expected a case with 2 values; found 1",
        ),
        (
            "@mark.parametrize('a, b', [(1,)])\ndef test_it(a, b):\n    pass",
            "expected a case with 2 values; found (1,)",
        ),
        (
            "@mark.parametrize('a', [pytest.param(1, marks=x)])\ndef test_it(a):\n    pass",
            "marks on single cases are not supported",
        ),
        ("@dec\nclass TestX:\n    pass", "decorators of test classes are not supported; found one on TestX"),
        ("class TestX:\n    def setup_method(self):\n        pass", "t.py:2: setup_method is not supported"),
        ("class T(TestCase):\n    def setUpClass(cls):\n        pass", "t.py:2: setUpClass is not supported"),
        (
            "import no_such_thing\nassert add(1)",
            "t.py:1: the tests import 'no_such_thing', which is not installed here",
        ),
        ("import solution.part\nassert add(1)", "t.py:1: 'import solution.part' is not supported"),
        ("assert add(1)\0", "t.py"),
    ],
)
def test_what_is_not_supported_is_said_with_file_and_line(source: str, message: str) -> None:
    with pytest.raises(TaskError) as error:
        read_tests(source, "t.py")
    assert message in str(error.value)
    assert str(error.value).startswith("t.py")
