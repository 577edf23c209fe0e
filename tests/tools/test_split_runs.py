"""Assert tests in a process of their own: what tests can rely on, and what programs cannot do about it."""
# ruff: noqa: E501 - programs read better in few lines

from __future__ import annotations

from dataclasses import replace

import pytest

from codegrove.task import AssertTest, CallTest, Test
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.sandbox.assert_tests import Way, plan
from codegrove.verdict import Status, TestResult, Verdict

LIMITS = Limits(wall_seconds=20, test_seconds=5)
QUICK = Limits(wall_seconds=10, test_seconds=0.4)


async def judge(
    sandbox: ProcessSandbox, program: str, *codes: str, limits: Limits = LIMITS, way: Way = Way.SPLIT
) -> Verdict:
    """Judge asserts about ``f`` that are run in the given way."""
    if way is Way.SPLIT:
        codes = tuple(f"[].copy()\n{code}" for code in codes)  # more than is understood without running it
    assert [plan(code, "f").way for code in codes] == [way] * len(codes)
    return await sandbox.judge(
        program, [AssertTest(code=code) for code in codes], entry_point="f", limits=limits
    )


async def result(sandbox: ProcessSandbox, program: str, code: str, limits: Limits = LIMITS) -> TestResult:
    return (await judge(sandbox, program, code, limits=limits)).results[0]


RIGHT = {
    "loops": ("def f(x): return 2 * x", "for i in range(3):\n    j = i\n    assert f(j) == 2 * j"),
    "other functions of the program": (
        "def f(x): return [x]\ndef g(x): return x[0]",
        "assert all(g(f(i)) == i for i in range(3))",
    ),
    "changes of arguments": (
        "def f(x): x.append(3); x[0].clear()",
        "inner = [7]; x = [inner, 2]; r = f(x)\nassert r is None and x == [[], 2, 3] and x[0] is inner is not None",
    ),
    "rows that swap": (
        "def f(x): x[0], x[1] = x[1], x[0]",
        "a, b = [1], [2]\nx = [a, b]\nf(x)\nassert x[0] is b and x[1] is a",
    ),
    "dicts, sets and bytes change": (
        "def f(d, s, b): d['k'] = d.pop('j'); s.add(2); b += b'x'",
        "d, s, b = {'j': []}, {1}, bytearray(b'y')\nkept = d['j']\nf(d, s, b)\n"
        "assert (d, s, b) == ({'k': []}, {1, 2}, b'yx') and d['k'] is kept",
    ),
    "the argument comes back": ("def f(x): x.sort(); return x", "x = [2, 1]\nassert f(x) is x == [1, 2]"),
    "one list twice": ("def f(x, y): x.append(1); return y", "x = []\nassert f(x, x) == [1]"),
    "a list that holds itself": ("def f(x): return x[0] is x", "x = []\nx.append(x)\nassert f(x) is True"),
    "changes before an exception": (
        "def f(x):\n    x.clear()\n    raise KeyError(1)",
        "x = [1]\ntry:\n    f(x)\nexcept KeyError as e:\n    assert e.args == (1,) and x == []\nelse:\n    assert False",
    ),
    "own exceptions by their ancestor": (
        "class E(ValueError):\n    def __str__(self): return 'mine'\ndef f(x): raise E(x)",
        "try:\n    f(1)\nexcept ValueError as e:\n    assert str(e) == 'mine' and type(e).__name__ == 'E'\n"
        "else:\n    assert False",
    ),
    "generators": (
        "def f(n):\n    i = 0\n    while True:\n        yield i\n        i += n",
        "import itertools\nassert list(itertools.islice(f(2), 3)) == [0, 2, 4]\ng = f(1)\nnext(g)\nassert next(g) == 1",
    ),
    "iterators": (
        "def f(x): return map(str, x)",
        "assert list(f([1, 2])) == ['1', '2']\nassert sorted(f([3])) == ['3']",
    ),
    "views and ranges": (
        "def f(x): return x.keys() if x else range(3)",
        "for x in [{'a': 1}]:\n    assert f(x) == {'a'}\nassert f({}) == range(3) and len(f({})) == 3",
    ),
    "values of the standard library": (
        "from decimal import Decimal\nfrom fractions import Fraction\nimport datetime\n"
        "def f(x): return [Decimal('1.5') + x, Fraction(1, 3), datetime.date(2024, 2, 29)]",
        "from decimal import Decimal\nfrom fractions import Fraction\nimport datetime\n"
        "assert f(Decimal(1)) == [Decimal('2.5'), Fraction(1, 3), datetime.date(2024, 2, 29)]",
    ),
    "callbacks": (
        "def f(g, xs): return [g(x) for x in xs]",
        "seen = []\nassert f(lambda x: x + 1, [1, 2]) == [2, 3]\nf(seen.append, [5])\nassert seen == [5]\n"
        "assert f(str, [1]) == ['1']",
    ),
    "callbacks that raise": (
        "def f(g):\n    try:\n        return g()\n    except ValueError as e:\n        return str(e)",
        "def g():\n    raise ValueError('no')\nassert f(g) == 'no'",
    ),
    "functions as results": (
        "def f(n): return lambda x: x + n",
        "add = f(2)\nassert add(3) == 5 and callable(add)",
    ),
    "methods and attributes": (
        "class f:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.append(x); return self\n"
        "    def __len__(self): return len(self.items)\n    def __iter__(self): return iter(self.items)",
        "s = f()\ns.push(1).push(2)\nassert len(s) == 2 and s.items == [1, 2] and list(s) == [1, 2] and 2 in s\n"
        "s.items = []\nassert len(s) == 0",
    ),
    "objects of the test": (
        "def f(node): return node.value + (f(node.next) if node.next else 0)",
        "class Node:\n    def __init__(self, value, next=None):\n        self.value, self.next = value, next\n"
        "assert f(Node(1, Node(2))) == 3",
    ),
    "what a test may pass to be called": (
        "def f(g, xs): return [g(x) for x in xs]",
        "from functools import lru_cache, partial\nfrom operator import itemgetter\n@lru_cache\ndef h(x): return x + 1\n"
        "class P:\n    def __init__(self, x): self.x = x\n    def __eq__(self, other): return self.x == other.x\n"
        "assert f(str.upper, 'ab') == ['A', 'B'] and f(partial(pow, 2), [3]) == [8] and f(h, [1]) == [2]\n"
        "assert f(itemgetter(1), [(1, 2)]) == [2] and f(P, [1]) == [P(1)] and f('{:02d}'.format, [3]) == ['03']",
    ),
    "what a test may pass to be read": (
        "def f(c, o, n): return [c.name, c.value, o.write('hi'), n.size, n.twice(), o.lines]",
        "import enum, io\nfrom types import SimpleNamespace\nclass C(enum.Enum):\n    RED = 1\n"
        "class Out(io.StringIO):\n    lines = [7]\nclass N:\n    size = 3\n    def twice(self): return 6\n"
        "o = Out()\nassert f(C.RED, o, N()) == ['RED', 1, 2, 3, 6, [7]] and o.getvalue() == 'hi'\n"
        "assert f(C.RED, Out(), SimpleNamespace(size=1, twice=lambda: 2))[3:5] == [1, 2]",
    ),
    "what a program may change": (
        "def f(o): o.size, o.width = 4, 5; return o",
        "class Box:\n    size = 3\n    @property\n    def width(self): return self._width\n"
        "    @width.setter\n    def width(self, value): self._width = value\n"
        "b = Box()\nassert f(b) is b and (b.size, b.width, Box.size) == (4, 5, 3)",
    ),
    "coroutines": (
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x",
        "import asyncio\nasync def main():\n    return await f(3)\nassert asyncio.run(main()) == 3",
    ),
    "global values of the program": (
        "LIMIT = (1, 2)\ndef f(x): return x",
        "for _ in range(1):\n    assert f(LIMIT) == (1, 2)",
    ),
    "modules that the program imported": (
        "import math\nfrom math import sqrt\ndef f(x): return math.sqrt(x)",
        "import random\nassert abs(f(2) - sqrt(2)) < 1e-9 and math.isclose(f(random.choice([9])), 3.0)",
    ),
    "import of the program": ("def f(x): return x", "from candidate import f as g\nassert g(1) == 1"),
    "unittest": (
        "def f(x):\n    if x < 0: raise ValueError('negative')\n    return x",
        "import unittest\nclass TestF(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(1), 1)\n"
        "        with self.assertRaises(ValueError):\n            f(-1)\n"
        "if __name__ == '__main__':\n    unittest.main()",
    ),
    "a main function of the test": (
        "def f(x): return x",
        "ran = []\ndef main():\n    assert f(1) == 1\n    ran.append(1)\nmain()\nassert ran",
    ),
    "unittest that runs itself": (
        "def f(x): return x",
        "import unittest\nclass TestF(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f('ä'), 'ä')\n"
        "x = 'ä'; unittest.main(\n    argv=['x'],\n    exit=False,\n)\nassert f(x) == x",
    ),
    "pytest": (
        "def f(x):\n    if x < 0: raise ValueError('negative')\n    return x",
        "import pytest\n@pytest.mark.parametrize('x', [1, pytest.param(2)])\ndef test_a(x):\n    assert f(x) == x\n"
        "def test_b():\n    with pytest.raises(ValueError, match='neg'):\n        f(-1)",
    ),
    "copies": (
        "def f(x): x[0] = 9; return x",
        "import copy\nx = [1]\nassert f(copy.deepcopy(x)) == [9] and x == [1]",
    ),
    "threads in the test": (
        "def f(x): return x",
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n"
        "    assert list(pool.map(f, range(20))) == list(range(20))",
    ),
    "recursion": (
        "import sys\nsys.setrecursionlimit(6000)\ndef f(n): return n and 1 + f(n - 1)",
        "for n in [4000]:\n    m = f(n)\n    assert m == n",
    ),
    "printing": ("def f(x): print('x' * 5000); return x", "for i in [1]:\n    k = i\n    assert f(k) == 1"),
    "a fork that returns": (
        "import os\ndef f(x):\n    os.fork()\n    return x",
        "assert [f(1), f(2)] == [1, 2] != list([f(3)])",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
async def test_ordinary_tests_work_and_are_proof(sandbox: ProcessSandbox, name: str) -> None:
    program, code = RIGHT[name]
    verdict = await judge(sandbox, program, code, code, limits=replace(LIMITS, children=True))
    assert verdict.passed, verdict
    assert verdict.note == ""
    assert "G1" in verdict.guarantees


async def test_hypothesis_properties_run(sandbox: ProcessSandbox) -> None:
    code = (
        "from hypothesis import given, settings, strategies as st\n@settings(max_examples=20, database=None)\n"
        "@given(st.lists(st.integers()))\ndef test_sorted(xs):\n    assert f(xs) == sorted(xs)"
    )
    assert (await judge(sandbox, "def f(x): return sorted(x)", code)).passed
    wrong = await judge(sandbox, "def f(x): return sorted(set(x))", code)
    assert wrong.status is Status.FAILED


PROBE = "for i in [4]:\n    k = i\n    assert f(k) == 432198765"
"""Split, and false for any program that does not know the expected value."""


async def test_what_fails_is_reported_as_in_one_process(sandbox: ProcessSandbox) -> None:
    failed = await result(sandbox, "def f(x):\n    return [x]", PROBE)
    assert failed.error is not None
    assert (failed.status, failed.output) == (Status.FAILED, "[4]")
    assert (failed.error.type, failed.error.message) == ("AssertionError", "assert f(k) == 432198765")
    crashed = await result(sandbox, "def g(x):\n    return 1 / 0\ndef f(x):\n    return g(x)", PROBE)
    assert crashed.error is not None
    assert (crashed.status, crashed.error.type) == (Status.CRASHED, "ZeroDivisionError")
    assert crashed.error.trace == ((4, "f"), (2, "g"))
    inside = await result(sandbox, "def f(x):\n    assert x == 9, 'inside'", PROBE)
    assert inside.error is not None
    assert (inside.status, inside.error.message, inside.error.line) == (Status.FAILED, "inside", 2)
    slow = await result(sandbox, "def f(x):\n    while True: pass", PROBE, QUICK)
    assert slow.error is not None
    assert (slow.status, slow.error.type, slow.error.line) == (Status.TIMED_OUT, "TimeLimit", 2)
    test = await result(sandbox, "def f(x): return x", "f(1)\nwhile True: pass", QUICK)
    assert test.status is Status.TIMED_OUT


async def test_a_test_that_ends_its_program_leaves_the_others_alone(sandbox: ProcessSandbox) -> None:
    program = "import os\ndef f(x):\n    if x == 2: os._exit(0)\n    while x == 4: pass\n    return x"
    codes = [f"for i in [{n}]:\n    k = i\n    assert f(k) == {n}" for n in range(6)]
    verdict = await judge(sandbox, program, *codes, limits=QUICK)
    statuses = ["passed", "passed", "crashed", "passed", "timed_out", "passed"]
    assert [r.status for r in verdict.results] == statuses
    tests = [AssertTest(code=f"[].copy()\n{code}") for code in codes]
    verdict = await sandbox.judge(program, tests, entry_point="f", limits=QUICK, fail_fast=True)
    assert [r.status for r in verdict.results] == ["passed", "passed", "crashed", *["unjudged"] * 3]


async def test_programs_that_cannot_be_loaded(sandbox: ProcessSandbox) -> None:
    for program, status, kind in (
        ("1 / 0", "crashed", "ZeroDivisionError"),
        ("import os\nos._exit(0)", "crashed", "EarlyExit"),
        ("while True: pass", "timed_out", "TimeLimit"),
        ("def g(x): pass", "invalid", "MissingEntryPoint"),
    ):
        verdict = await judge(sandbox, program, PROBE, limits=QUICK)
        assert verdict.error is not None
        assert (verdict.status, verdict.error.type) == (status, kind), verdict


async def test_mixed_ways_keep_their_order(sandbox: ProcessSandbox) -> None:
    tests: list[Test] = [
        CallTest(args="(1,)", expected="1"),
        AssertTest(code="[].copy()\n" + PROBE.replace("432198765", "4")),
        AssertTest(code="assert f(2) == 2"),
        AssertTest(code="import inspect\nassert 'def f' in inspect.getsource(f)"),
        AssertTest(code=PROBE),
    ]
    verdict = await sandbox.judge("def f(x): return x", tests, entry_point="f")
    assert [r.status for r in verdict.results] == ["passed"] * 4 + ["failed"]
    assert verdict.note == "test 3 ran in the program's process (in-process): it imports inspect"


async def test_objects_that_decide_about_equality_are_marked(sandbox: ProcessSandbox) -> None:
    program = "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\ndef f(x): return P(x)"
    verdict = await judge(sandbox, program, "assert f(1) == P(1) != f(2)")
    assert verdict.passed
    assert "which decided themselves" in verdict.note
    assert "G1" not in verdict.guarantees


# -- forging -----------------------------------------------------------------------------------------------

SEARCH = """\
import gc, re, sys, linecache
def everything():
    frame = sys._getframe(1)
    while frame:
        yield from frame.f_code.co_consts
        yield from frame.f_locals.values()
        yield from frame.f_globals.values()
        frame = frame.f_back
    for obj in gc.get_objects():
        yield obj
        if type(obj) is dict:
            yield from list(obj.values())
        elif type(obj).__name__ == 'function':
            yield from obj.__code__.co_consts
    for lines in linecache.cache.values():
        yield from lines
def f(x):
    for obj in everything():
        if type(obj) in (list, tuple):
            for item in list(obj):
                if type(item) is int and item * 3 == 1296596295:
                    return item
        if type(obj) is int and obj * 3 == 1296596295:
            return obj
        if type(obj) in (str, bytes) and (found := re.search(r'4321987.5', str(obj))) and '4321987.' not in str(obj):
            return int(found[0])
    return 0
"""

LIE = """\
class L:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 432198765
    def __sub__(self, other): return 0
    __rsub__ = __add__ = __radd__ = __mod__ = __abs__ = __round__ = __sub__
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __contains__ = __lt__
    def __instancecheck__(self, other): return True
    __class__ = int
    def __getattr__(self, name): return lambda *a: True
    def __array__(self, *a): return True
def f(x): return L()
"""

FORGERS = {
    "searches the heap": SEARCH,
    "lies about equality": LIE,
    "lies inside a list": LIE.replace("return L()", "return [L()]"),
    "exit": "import sys\ndef f(x): sys.exit(0)",
    "hard exit": "import os\ndef f(x): os._exit(0)",
    "hard exit at exit": "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): return 0",
    "exit in a thread": "import os, threading\ndef f(x):\n    threading.Thread(target=os._exit, args=(0,)).start()\n"
    "    while True: pass",
    "stop iteration": "def f(x): raise StopIteration",
    "keyboard interrupt": "def f(x): raise KeyboardInterrupt",
    "generator exit": "def f(x): raise GeneratorExit",
    "skips": "import unittest\ndef f(x): raise unittest.SkipTest",
    "pytest skip": "import pytest\ndef f(x): pytest.skip()",
    "patches builtins": "import builtins\nbuiltins.AssertionError = SystemExit\nbuiltins.abs = lambda x: 0\n"
    "builtins.isinstance = builtins.all = builtins.any = lambda *a: True\ndef f(x): return 0",
    "patches json": "import json\njson.dumps = lambda *a, **k: '{}'\ndef f(x): return 0",
    "traces": "import sys\nsys.settrace(lambda *a: None)\ndef f(x): return 0",
    "writes to every descriptor": "import os\ndef f(x):\n    for fd in range(3, 64):\n        for line in (\n"
    '            b\'{"token": "", "kind": "result", "index": 0, "seconds": 0, "outcome": "passed"}\\n\',\n'
    "            b'\\0\\0\\0\\x14{\"value\": 432198765}'):\n"
    "            try: os.write(fd, line)\n            except OSError: pass\n    return 0",
    "answers garbage": "import os\ndef f(x):\n    for fd in range(3, 64):\n"
    "        try: os.write(fd, b'\\xff' * 1000)\n        except OSError: pass\n    return 0",
    "half an answer": "import os\ndef f(x):\n    for fd in range(3, 64):\n"
    "        try: os.write(fd, b'\\0\\0\\0\\x0e{')\n        except OSError: pass\n    os._exit(0)",
    "hides names": "f2 = lambda x: 0\ndef check(g): pass\ndef sorted(x): return 432198765\nrange = enumerate = lambda *a: []\n"
    "def f(x): return 0",
    "is a class that lies": "class M(type):\n    def __eq__(cls, other): return True\n    __hash__ = type.__hash__\n"
    "    def __call__(cls, x): return cls\nclass f(metaclass=M): pass",
    "endless iterator": "class I:\n    def __iter__(self): return self\n    def __next__(self): return 0\n"
    "def f(x): return I()",
    "looks through its stand-ins": "import gc\ndef f(x):\n    for o in gc.get_objects():\n"
    "        if type(o).__name__ == 'Peer':\n            for name in ('get', 'call', 'item', 'names'):\n"
    "                try: o.ask(name, o, '__globals__')\n                except BaseException: pass\n    return 0",
    "answers twice": "import gc\ndef f(x):\n    for o in gc.get_objects():\n        if type(o).__name__ == 'Peer':\n"
    "            o._send({'value': 4300})\n            o._send({'value': {'f': 'nan'}})\n    return 0",
    "sends a hostile object": "import gc\ndef f(x):\n    for o in gc.get_objects():\n        if type(o).__name__ == 'Peer':\n"
    "            o._send({'value': {'m': [-2, 'os:_exit']}})\n    return 0",
}

ASSERTS = (
    PROBE,
    "y = [f(i) for i in range(2)]\nassert y == [432198765, 432198765]",
    "assert abs(f(2) - 432198765.0) < 1e-6 and all(f(i) == 432198765 for i in range(2))",
    "import math\nz = f(2)\nw = z\nassert math.isclose(w, 432198765) and isinstance(w, int)",
    "import unittest\nclass TestF(unittest.TestCase):\n    def test_f(self):\n        self.assertEqual(f(3), 432198765)\n"
    "        self.assertTrue(432198764 < f(2) < 432198766)",
    "assert all(x == 432198765 for x in map(f, range(1, 4))) and len(list(map(f, range(1, 4)))) == 3",
    "def check(candidate):\n    try:\n        got = candidate(1)\n    except Exception:\n        got = None\n"
    "    assert got == 432198765\ncheck(f)",
    "try:\n    got = f(1)\nexcept BaseException:\n    pass\nelse:\n    assert got == 432198765",
)


@pytest.mark.parametrize("name", FORGERS)
async def test_no_forger_passes(sandbox: ProcessSandbox, name: str) -> None:
    last_is_harmless = ASSERTS[:-1]  # which passes what raises: only silence must not pass there
    codes = ASSERTS if "exit" in name and name != "exit" and name != "generator exit" else last_is_harmless
    limits = Limits(wall_seconds=8, test_seconds=0.5)
    verdict = await judge(sandbox, FORGERS[name], *codes, limits=limits)
    assert not any(r.passed for r in verdict.results), verdict
    after = await judge(sandbox, "def f(x): return 432198765", *ASSERTS)
    assert after.passed, after


@pytest.mark.parametrize("name", FORGERS)
async def test_no_forger_passes_calls(sandbox: ProcessSandbox, name: str) -> None:
    codes = (
        "assert f(1) == 432198765",
        "def check(c):\n    assert abs(c(1) - 432198765) < 1e-6\ncheck(f)",
        "assert f(1) in (432198765, 5)",
    )
    verdict = await judge(sandbox, FORGERS[name], *codes, way=Way.CALLS, limits=QUICK)
    assert not any(r.passed for r in verdict.results), verdict


READS_FRAMES = """\
import sys
def f(x):
    frame = sys._getframe(1)
    while frame.f_code.co_filename != '<test>':
        frame = frame.f_back
    numbers = [c for c in frame.f_code.co_consts if type(c) is int and c < 100_000]
    return max(numbers)
"""


async def test_tests_that_need_the_program_are_marked_and_watched(sandbox: ProcessSandbox) -> None:
    code = "import inspect\nassert inspect.isfunction(f)\nassert f(1) == 4321"
    honest = await judge(sandbox, "def f(x): return 4321", code, way=Way.TOGETHER)
    assert honest.passed
    assert not {"G1", "G3"} & set(honest.guarantees)
    assert "G14" in honest.guarantees
    assert "in-process" in honest.note
    wrong = await judge(sandbox, "def f(x): return 4320", code, way=Way.TOGETHER)
    assert (wrong.status, wrong.results[0].output) == (Status.FAILED, "4320")
    liar = await judge(sandbox, READS_FRAMES, code, way=Way.TOGETHER)
    assert liar.status is Status.CRASHED
    assert liar.results[0].error is not None
    assert liar.results[0].error.type == "Tampering"


async def test_a_program_that_skips_assertions_is_found_out(sandbox: ProcessSandbox) -> None:
    program = (
        "import sys\ndef skip(frame, event, arg):\n    if frame.f_code.co_filename == '<test>' and event == 'line':\n"
        "        last = frame.f_code.co_firstlineno + len(list(frame.f_code.co_lines()))\n"
        "    return skip\n"
        "class Quiet(BaseException): pass\n"
        "def f(x):\n    frame = sys._getframe()\n    while frame:\n        for name, value in list(frame.f_locals.items()):\n"
        "            if name == 'self' and type(value).__name__ == 'Run':\n"
        "                value.send('result', index=value.current, seconds=0.0, outcome='passed')\n"
        "                value.send('finished')\n                value.exit(0)\n        frame = frame.f_back\n"
    )
    code = "import inspect\nassert inspect.isfunction(f)\nassert f(1) == 4321"
    verdict = await judge(sandbox, program, code, way=Way.TOGETHER)
    assert verdict.status is Status.CRASHED
