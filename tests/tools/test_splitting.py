"""What the text of a test says about where it can run."""

from __future__ import annotations

import pytest

from codegrove.tools.sandbox.splitting import (
    NeedsFixtures,
    free_names,
    why_together,
    with_calls_of_tests,
)


def reason(code: str) -> str:
    return why_together(code, free_names(code, "f")[1])


def test_free_names_are_what_a_test_expects_of_the_program() -> None:
    code = (
        "import math\nx = f(1)\ndef check(c):\n    y = g(c, len([h for i in c]))\n    return y, LIMIT, math.pi\n"
        "f = memo(f)\ncheck(x)"
    )
    used, expected = free_names(code, "f")
    assert expected == ["LIMIT", "g", "h", "memo"]
    assert set(used) >= {"f", "LIMIT", "g", "h", "memo"}
    assert free_names("assert sum([1]) == sorted(x)", "sum")[1] == ["sum", "x"]


@pytest.mark.parametrize(
    "code",
    [
        "import inspect\nassert inspect.getsource(f)",
        "from unittest import mock\nwith mock.patch('candidate.g'): f(1)",
        "from unittest.mock import patch\nf(1)",
        "import candidate\ncandidate.g = None\nf(1)",
        "import candidate as c\nsetattr(c, 'g', None)\nf(1)",
        "from candidate import *\nf(1)",
        "import sys\nsys.modules['candidate'].g = 1",
        "def test_a(monkeypatch): f(1)",
        "assert isinstance(f(1), P)",
        "assert isinstance(f(1), (int, P))",
        "assert type(f(1)) is P",
        "try:\n    f(1)\nexcept E:\n    pass",
        "try:\n    f(1)\nexcept (E, ValueError):\n    pass",
        "import pytest\nwith pytest.raises(E): f(1)",
        "self.assertRaises(E, f)",
        "class Q(P): pass",
        "assert f.__code__.co_argcount == 1",
        "assert f.__doc__",
        "assert 'g' in globals()",
        "import io, contextlib\nout = io.StringIO()\nwith contextlib.redirect_stdout(out): f(1)",
        "from contextlib import redirect_stdout\nf(1)",
        "import sys, io\nsys.stdout = io.StringIO()\nf(1)",
        "f('a')\nassert open('a').read() == ''",
        "import tempfile\nf(1)",
        "import os\nf(1)\nassert os.path.exists('a')",
    ],
)
def test_tests_that_need_the_programs_process(code: str) -> None:
    assert reason(code)


@pytest.mark.parametrize(
    "code",
    [
        "assert f(g(1)) == [f(2)]",
        "assert isinstance(f(1), int) and type(f(1)) is int",
        "import pytest\nwith pytest.raises(ValueError): f(1)",
        "s = Stack()\ns.push(1)\nassert s.items == [1]",
        "class Node:\n    def __init__(self, v): self.v = v\nassert isinstance(f(Node(1)), Node)",
        "from candidate import f as g\nassert g(1) == 1",
        "import sys, os, math, random\nassert f(sys.maxsize, os.sep, math.pi) == 1",
        "xs = [1]\nxs.remove(1)\nassert f(xs) == []",
    ],
)
def test_tests_that_can_be_split(code: str) -> None:
    assert reason(code) == ""


def test_test_functions_and_classes_are_called() -> None:
    code = (
        "import unittest, pytest\ndef test_a():\n    f(1)\ndef test_b(x=1):\n    f(x)\n"
        "def test_c():\n    f(1)\ntest_c()\n"
        "@pytest.mark.parametrize('x', [1])\ndef test_d(x):\n    f(x)\nclass TestE(unittest.TestCase): pass\n"
        "def helper(): pass"
    )
    assert with_calls_of_tests(code) == f"{code}\ntest_a()\ntest_b()\n__run_tests__(test_d, TestE)"
    assert with_calls_of_tests("assert f(1)") == "assert f(1)"
    with pytest.raises(NeedsFixtures, match="test_a: capsys"):
        with_calls_of_tests("def test_a(capsys): pass")
