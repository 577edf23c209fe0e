"""Ordinary programs, right and wrong, get the verdict they deserve."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codegrove.task import AssertTest, CallTest, StdioTest, Test
from codegrove.tools.sandbox import Limits, ProcessSandbox, Sandbox
from codegrove.tools.sandbox.containment import LEVELS
from codegrove.verdict import Status

ADD = "def add(a, b):\n    return a + b\n"
QUICK = Limits(wall_seconds=10, test_seconds=0.3)


def call(args: str, expected: str, *, tolerance: float = 0.0, kwargs: str = "{}") -> CallTest:
    return CallTest(args=args, expected=expected, tolerance=tolerance, kwargs=kwargs)


def test_it_is_a_sandbox(sandbox: ProcessSandbox) -> None:
    assert isinstance(sandbox, Sandbox)
    assert sandbox.level in LEVELS


async def test_results_stand_in_the_order_of_the_tests(sandbox: ProcessSandbox) -> None:
    tests = [call("(1, 2)", "3"), call("(1, 2)", "4"), call("(1, 'a')", "0"), call("([1], [2])", "[1, 2]")]
    verdict = await sandbox.judge(ADD, tests, entry_point="add")
    assert verdict.status is Status.CRASHED
    assert [r.status for r in verdict.results] == ["passed", "failed", "crashed", "passed"]
    assert [r.output for r in verdict.results] == ["3", "3", "", "[1, 2]"]
    error = verdict.results[2].error
    assert error is not None
    assert (error.type, error.line, error.trace) == ("TypeError", 2, ((2, "add"),))
    assert "unsupported operand" in error.message
    assert (verdict.error, verdict.limit, verdict.note) == (None, "", "")
    assert verdict.level == sandbox.level
    assert verdict.seconds > 0
    assert verdict.cpu_seconds > 0
    assert verdict.memory_mb > 1


BENIGN = {
    "printing": "import sys\ndef f(x):\n    print('x' * 1000)\n    print('e', file=sys.stderr)\n    return x",
    "recursion": (
        "import sys\nsys.setrecursionlimit(6000)\ndef g(n):\n    return 0 if n == 0 else 1 + g(n - 1)\n"
        "def f(x):\n    return g(5000) - 5000 + x"
    ),
    "threads": (
        "from threading import Thread\ndef f(x):\n    seen = []\n"
        "    threads = [Thread(target=seen.append, args=(i,)) for i in range(8)]\n"
        "    [t.start() for t in threads]\n    [t.join() for t in threads]\n"
        "    return x if len(seen) == 8 else None"
    ),
    "thread pool": (
        "from concurrent.futures import ThreadPoolExecutor\ndef f(x):\n    with ThreadPoolExecutor(4) as pool:\n"
        "        return sum(pool.map(int, '0' * 9)) + x"
    ),
    "dataclasses": (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n"
        "    x: int\n    y: int = 0\ndef f(x):\n    return P(x).x if P(x) == P(x, 0) else None"
    ),
    "typing": (
        "from typing import *\nclass T(NamedTuple):\n    a: int\nU = TypeVar('U')\nclass G(Generic[U]): pass\n"
        "def f(x: List[int]) -> Optional[int]:\n    return T(x).a if get_type_hints(T) else None"
    ),
    "enums": "import enum\nclass C(enum.Enum):\n    A = 1\ndef f(x):\n    return C(1).value - 1 + x",
    "temporary files": (
        "import os, tempfile\ndef f(x):\n    with tempfile.NamedTemporaryFile('w+') as file:\n"
        "        file.write(str(x)); file.seek(0)\n        open('here', 'w').write(file.read())\n"
        "    assert os.path.expanduser('~') == os.getcwd() == tempfile.gettempdir()\n"
        "    return int(open('here').read())"
    ),
    "generators": "def g(x):\n    yield from range(x)\n    return\ndef f(x):\n    return len(list(g(x)))",
    "asyncio": (
        "import asyncio\nasync def g(x):\n    await asyncio.sleep(0)\n    return x\n"
        "def f(x):\n    return asyncio.run(g(x))"
    ),
    "children": (
        "import subprocess\ndef f(x):\n"
        "    return int(subprocess.run(['echo', str(x)], capture_output=True).stdout)"
    ),
    "fork": (
        "import os\ndef f(x):\n    r, w = os.pipe()\n    if os.fork() == 0:\n"
        "        os.write(w, b'7')\n        os._exit(0)\n    os.wait()\n"
        "    return x if os.read(r, 1) == b'7' else None"
    ),
    "main guard": "def f(x):\n    return x\nif __name__ == '__main__':\n    raise SystemExit(f(int(input())))",
    "own exceptions": (
        "def f(x):\n    try:\n        raise ValueError(x)\n"
        "    except ValueError as e:\n        return e.args[0]"
    ),
    "random": "import random\ndef f(x):\n    return x if random.random() >= 0 else None",
    "exec and globals": "exec('def f(x):\\n    return globals()[\"y\"] + x')\ny = 0",
    "inspect": "import inspect\ndef f(x):\n    return x if 'return x if' in inspect.getsource(f) else None",
    "memory": "def f(x):\n    data = bytearray(300_000_000)\n    return x",
    "left thread": (
        "import threading, time\n"
        "def f(x):\n    threading.Thread(target=time.sleep, args=(60,)).start()\n    return x"
    ),
    "closed output": "import sys\ndef f(x):\n    sys.stdout.close()\n    return x",
    "fork that returns": "import os\ndef f(x):\n    os.fork()\n    return x",
    "warnings": "import warnings\nx = '\\d'\nwarnings.warn('w')\nassert (1, 'always')\ndef f(x):\n    return x",
    "numpy": "import numpy as np\ndef f(x):\n    return np.array([x]).sum()",
}


NEED_CHILDREN = ("children", "fork", "fork that returns")


@pytest.mark.parametrize("name", BENIGN)
async def test_ordinary_programs_are_not_punished(sandbox: ProcessSandbox, name: str) -> None:
    tests: list[Test] = [call("(1,)", "1"), AssertTest(code="assert f(2) == 2"), call("(3,)", "3")]
    limits = replace(sandbox.limits, children=name in NEED_CHILDREN)
    verdict = await sandbox.judge(BENIGN[name], tests, entry_point="f", limits=limits)
    assert verdict.passed, verdict


async def test_printed_text_is_kept_and_clipped(sandbox: ProcessSandbox) -> None:
    verdict = await sandbox.judge(BENIGN["printing"], [call("(1,)", "1")] * 9, entry_point="f")
    assert verdict.stdout.startswith("xxx")
    assert len(verdict.stdout) == 4000
    assert "[9009 characters" in verdict.stdout
    assert verdict.stderr == "e\n" * 9


async def test_each_test_gets_fresh_arguments(sandbox: ProcessSandbox) -> None:
    program = "def f(xs, d={}):\n    xs.append(len(xs))\n    return xs"
    verdict = await sandbox.judge(program, [call("([5],)", "[5, 1]")] * 3, entry_point="f")
    assert verdict.passed


async def test_keyword_arguments_and_tolerance(sandbox: ProcessSandbox) -> None:
    program = "def f(a, *, b):\n    return {'r': (a + b) / 3}"
    tests = [
        call("(0.1,)", "{'r': 0.1}", kwargs="{'b': 0.2}", tolerance=1e-9),
        call("(1,)", "{'r': 1.01}", kwargs="{'b': 2}", tolerance=1e-9),
    ]
    verdict = await sandbox.judge(program, tests, entry_point="f")
    assert [r.status for r in verdict.results] == ["passed", "failed"]


async def test_large_values_cross(sandbox: ProcessSandbox) -> None:
    program = "def f(n):\n    return 'ab' * n, list(range(1000))"
    expected = repr(("ab" * 500_000, list(range(1000))))
    verdict = await sandbox.judge(program, [call("(500_000,)", expected)] * 2, entry_point="f")
    assert verdict.passed
    assert len(verdict.results[0].output) <= 2000


async def test_large_inputs_cross(sandbox: ProcessSandbox) -> None:
    numbers = str(list(range(200_000)))
    verdict = await sandbox.judge(
        "def f(x):\n    return len(x)", [call(f"({numbers},)", "200000")], entry_point="f"
    )
    assert verdict.passed
    verdict = await sandbox.judge(
        "print(sum(map(int, input().split())))",
        [StdioTest(stdin=numbers[1:-1].replace(",", ""), expected=str(sum(range(200_000))))],
    )
    assert verdict.passed


async def test_a_hang_costs_one_test_only(sandbox: ProcessSandbox) -> None:
    program = "def f(x):\n    while x == 2:\n        pass\n    return x"
    verdict = await sandbox.judge(
        program, [call(f"({i},)", str(i)) for i in range(5)], entry_point="f", limits=QUICK
    )
    assert [r.status for r in verdict.results] == ["passed", "passed", "timed_out", "passed", "passed"]
    assert verdict.status is Status.TIMED_OUT
    error = verdict.results[2].error
    assert error is not None
    assert error.type == "TimeLimit"
    assert error.line in (2, 3)
    assert 0.3 <= verdict.results[2].seconds < 5


async def test_the_whole_run_is_bounded(sandbox: ProcessSandbox) -> None:
    tests = [call(f"({i},)", str(i)) for i in range(50)]
    limits = Limits(wall_seconds=0.5, test_seconds=0.2)
    program = "def f(x):\n    while x:\n        pass\n    return x"
    verdict = await sandbox.judge(program, tests, entry_point="f", limits=limits)
    assert [r.status for r in verdict.results] == ["passed"] + ["timed_out"] * 49
    assert verdict.limit == "wall"
    assert verdict.error is not None
    assert 0.5 <= verdict.seconds < 5


async def test_fail_fast_leaves_the_rest_unjudged(sandbox: ProcessSandbox) -> None:
    tests = [call(f"({i}, 1)", "2") for i in (1, 1, 5, 1, 6)]
    verdict = await sandbox.judge(ADD, tests, entry_point="add", fail_fast=True)
    assert [r.status for r in verdict.results] == ["passed", "passed", "failed", "unjudged", "unjudged"]
    assert verdict.status is Status.FAILED
    scripts = [StdioTest(stdin=f"{i}\n", expected="1") for i in (1, 2, 1)]
    verdict = await sandbox.judge("print(input())", scripts, fail_fast=True)
    assert [r.status for r in verdict.results] == ["passed", "failed", "unjudged"]


async def test_a_text_that_is_no_program(sandbox: ProcessSandbox) -> None:
    verdict = await sandbox.judge("x = 1\ndef f(:\n", [call("(1,)", "1")] * 2, entry_point="f")
    assert verdict.status is Status.INVALID
    assert [r.status for r in verdict.results] == ["invalid", "invalid"]
    assert verdict.error is not None
    assert (verdict.error.type, verdict.error.line) == ("SyntaxError", 2)


@pytest.mark.parametrize("tests", [[call("(1,)", "1")], [StdioTest(stdin="", expected="")], []])
async def test_errors_that_only_the_compiler_finds(sandbox: ProcessSandbox, tests: list[Test]) -> None:
    verdict = await sandbox.judge("x = 1\nreturn x\n", tests, entry_point="f")
    assert verdict.status is Status.INVALID
    assert verdict.error is not None
    assert (verdict.error.type, verdict.error.line) == ("SyntaxError", 2)
    assert verdict.error.message == "'return' outside function"


async def test_a_missing_entry_point_names_what_there_is(sandbox: ProcessSandbox) -> None:
    verdict = await sandbox.judge("def g(): pass\nclass A: pass\n", [call("()", "1")], entry_point="f")
    assert verdict.status is Status.INVALID
    assert verdict.error is not None
    assert verdict.error.message == "expected a function named 'f'; the program defines g, A"


async def test_a_crash_while_loading_is_every_tests_crash(sandbox: ProcessSandbox) -> None:
    verdict = await sandbox.judge(
        "def f(x): return x\n\nf(1) / 0\n", [call("(1,)", "1")] * 2, entry_point="f"
    )
    assert verdict.status is Status.CRASHED
    assert verdict.error is not None
    assert (verdict.error.type, verdict.error.line) == ("ZeroDivisionError", 3)
    assert [r.status for r in verdict.results] == ["crashed", "crashed"]


async def test_without_tests_the_program_is_only_loaded(sandbox: ProcessSandbox) -> None:
    verdict = await sandbox.judge(ADD, [], entry_point="add")
    assert (verdict.status, verdict.note, verdict.results) == (Status.UNJUDGED, "no tests", ())
    assert (await sandbox.judge("1 / 0", [])).status is Status.CRASHED
    assert (await sandbox.judge(ADD, [], entry_point="sub")).status is Status.INVALID
    assert (await sandbox.judge("while True: pass", [], limits=QUICK)).status is Status.TIMED_OUT


async def test_a_test_that_cannot_be_used_is_not_the_programs_fault(sandbox: ProcessSandbox) -> None:
    tests: list[Test] = [
        call("(1)", "1"),
        call("(1, 2)", "f(3)"),
        AssertTest(code="assert ("),
        call("(1, 2)", "3"),
    ]
    verdict = await sandbox.judge(ADD, tests, entry_point="add", fail_fast=True)
    assert [r.status for r in verdict.results] == ["unjudged", "unjudged", "unjudged", "passed"]
    assert verdict.status is Status.UNJUDGED
    assert "test 0 cannot be used: expected a tuple" in verdict.note
    verdict = await sandbox.judge(ADD, [call("(1, 2)", "3")])
    assert verdict.status is Status.UNJUDGED
    assert "no entry point" in verdict.note


# -- assert tests ------------------------------------------------------------------------------------------

CHECK = """
METADATA = {'author': 'somebody'}


def check(candidate):
    assert candidate(1, 2) == 3
    assert candidate([1], [2]) == [1, 2], "lists"
    for i in range(5):
        assert candidate(i, i) == 2 * i
    assert abs(candidate(0.1, 0.2) - 0.3) < 1e-6
    assert True


check(add)
"""


@pytest.mark.parametrize(
    ("program", "status", "message", "output"),
    [
        (ADD, "passed", "", ""),
        ("def add(a, b):\n    return None\n", "failed", "assert candidate(1, 2) == 3", "None"),
        ("def add(a, b):\n    return 3\n", "failed", "lists", "3"),
        (
            "def add(a, b):\n    return a + b if a != 3 else 'three'\n",
            "failed",
            "assert candidate(i, i) == 2 * i",
            "'three'",
        ),
        (
            "def add(a, b):\n    return a + b if type(a) != float else 1.0\n",
            "failed",
            "assert abs(candidate(0.1, 0.2) - 0.3) < 1e-6",
            "1.0",
        ),
        ("def add(a, b):\n    raise KeyError(a)\n", "crashed", "1", ""),
        ("def add(a, b):\n    assert a == 9, 'inside'\n", "failed", "inside", ""),
    ],
)
async def test_a_check_function_as_benchmarks_have_it(
    sandbox: ProcessSandbox, program: str, status: str, message: str, output: str
) -> None:
    verdict = await sandbox.judge(program, [AssertTest(code=CHECK)], entry_point="add")
    result = verdict.results[0]
    assert (result.status, result.output) == (status, output)
    if status != "passed":
        assert result.error is not None
        assert result.error.message == message
        in_program = status == "crashed" or message == "inside"
        assert result.error.line == (2 if in_program else None)
    assert "G1" in verdict.guarantees
    assert verdict.note == ""


async def test_assert_tests_do_not_see_each_other(sandbox: ProcessSandbox) -> None:
    tests = [
        AssertTest(code="x = 1\nadd = None"),
        AssertTest(code="x"),
        AssertTest(code="assert add(1, 2) == 3"),
    ]
    verdict = await sandbox.judge(ADD, tests, entry_point="add")
    assert [r.status for r in verdict.results] == ["passed", "crashed", "passed"]


async def test_call_tests_carry_the_guarantee_that_the_judge_compared(sandbox: ProcessSandbox) -> None:
    verdict = await sandbox.judge(ADD, [call("(1, 2)", "3")], entry_point="add")
    assert set(sandbox.guarantees) < set(verdict.guarantees)
    assert "G1" in verdict.guarantees


# -- programs that read stdin --------------------------------------------------------------------------------

SCRIPTS = {
    "input": "a = int(input('prompt '[:0]))\nb = int(input())\nprint(a + b)",
    "main guard": "def main():\n    print(int(input()) + int(input()))\nif __name__ == '__main__':\n    main()",
    "sys.stdin": "import sys\nprint(sum(map(int, sys.stdin)))",
    "read all": "import sys\nprint(sum(map(int, sys.stdin.read().split())), end='  \\n\\n')",
    "bytes": "import sys\nsys.stdout.buffer.write(b'%d' % sum(map(int, sys.stdin.buffer.read().split())))",
    "descriptor": "import os\nprint(sum(map(int, os.read(0, 100).split())))",
    "open 0": "print(sum(map(int, open(0))))",
    "sys.exit": "import sys\nprint(int(input()) + int(input()))\nsys.exit(0)",
    "exit": "print(int(input()) + int(input()))\nexit()",
    "thread": (
        "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(64 << 20)\n"
        "def main():\n    print(int(input()) + int(input()))\nthreading.Thread(target=main).start()"
    ),
    "atexit": "import atexit\natexit.register(lambda: print(x))\nx = int(input()) + int(input())",
    "main module": "import sys\nx = int(input()) + int(input())\nprint(sys.modules['__main__'].x)",
}


@pytest.mark.parametrize("name", SCRIPTS)
async def test_scripts_run_as_programs(sandbox: ProcessSandbox, name: str) -> None:
    tests = [StdioTest(stdin="1\n2\n", expected="3\n"), StdioTest(stdin="1\n2\n", expected="4\n")]
    verdict = await sandbox.judge(SCRIPTS[name], tests)
    assert [r.status for r in verdict.results] == ["passed", "failed"], verdict
    assert verdict.results[1].output.rstrip() == "3"


async def test_scripts_that_do_not_end_well(sandbox: ProcessSandbox) -> None:
    program = (
        "import os, sys\nkind = input()\nprint('right', flush=True)\n"
        "if kind == 'raise': raise ValueError('v')\nif kind == 'exit': sys.exit(3)\n"
        "if kind == 'leave': os._exit(0)\nif kind == 'hang':\n    while True: pass\n"
        "if kind == 'more': input()\n"
    )
    kinds = ("fine", "raise", "exit", "leave", "hang", "more", "fine")
    tests = [StdioTest(stdin=kind, expected="right") for kind in kinds]
    verdict = await sandbox.judge(program, tests, limits=QUICK)
    assert [r.status for r in verdict.results] == [
        *("passed", "crashed", "crashed", "crashed", "timed_out", "crashed", "passed")
    ]
    assert all(result.output == "right\n" for result in verdict.results)
    errors = [result.error and (result.error.type, result.error.line) for result in verdict.results]
    assert errors[1:4] == [("ValueError", 4), ("SystemExit", 5), ("EarlyExit", None)]
    assert errors[5] == ("EOFError", 9)


async def test_scripts_start_from_nothing_each_time(sandbox: ProcessSandbox) -> None:
    program = "import os\nprint(os.path.exists('seen'))\nopen('seen', 'w').close()"
    verdict = await sandbox.judge(program, [StdioTest(stdin="", expected="False")] * 2)
    assert verdict.passed


async def test_mixed_kinds_keep_their_order(sandbox: ProcessSandbox) -> None:
    program = ADD + "if __name__ == '__main__':\n    print(add(1, 2))\n"
    tests: list[Test] = [
        StdioTest(stdin="", expected="3"),
        call("(1, 2)", "3"),
        StdioTest(stdin="", expected="4"),
        AssertTest(code="assert add(1, 1) == 2"),
    ]
    verdict = await sandbox.judge(program, tests, entry_point="add")
    assert [r.status for r in verdict.results] == ["passed", "passed", "failed", "passed"]


async def test_equal_runs_give_equal_texts(sandbox: ProcessSandbox) -> None:
    program = (
        "import random\ndef f(x):\n    if x: raise ValueError(object())\n"
        "    return list({'a', 'b', 'c', 'd'}), random.random()"
    )
    tests = [call("(0,)", "1"), call("(1,)", "1")]
    one, two = [await sandbox.judge(program, tests, entry_point="f") for _ in range(2)]
    texts = [[(r.status, r.output, r.error) for r in verdict.results] for verdict in (one, two)]
    assert texts[0] == texts[1]
    assert one.results[1].error is not None
    assert one.results[1].error.message == "<object object at 0x...>"
