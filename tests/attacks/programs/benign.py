"""Ordinary programs, some of them demanding. All are right: not passing one of them is a fault of the sandbox."""

from __future__ import annotations

from dataclasses import dataclass

from codegrove.task import AssertTest, CallTest, StdioTest, Test


@dataclass(frozen=True, slots=True)
class Benign:
    """A right program and its tests."""

    id: str
    program: str
    tests: tuple[Test, ...]
    entry_point: str | None = "f"
    language: str = "python"


def _calls(*pairs: tuple[str, str]) -> tuple[Test, ...]:
    return tuple(CallTest(args=args, expected=expected) for args, expected in pairs)


_FUNCTIONS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "prints": (
        "import sys\ndef f(x):\n    print('debug', x)\n    print('more', file=sys.stderr)\n    return x + 1",
        (("(1,)", "2"), ("(2,)", "3")),
    ),
    "recursion-to-5000": (
        "import sys\nsys.setrecursionlimit(10_000)\ndef f(n):\n    return 0 if n == 0 else 1 + f(n - 1)",
        (("(5000,)", "5000"),),
    ),
    "threads": (
        "import threading\ndef f(n):\n    seen = []\n    lock = threading.Lock()\n    def work(i):\n"
        "        with lock: seen.append(i * i)\n"
        "    threads = [threading.Thread(target=work, args=(i,)) for i in range(n)]\n"
        "    for t in threads: t.start()\n    for t in threads: t.join()\n    return sum(seen)",
        (("(4,)", "14"),),
    ),
    "thread-pool": (
        "from concurrent.futures import ThreadPoolExecutor\ndef f(n):\n"
        "    with ThreadPoolExecutor(4) as pool: return list(pool.map(lambda i: i + 1, range(n)))",
        (("(5,)", "[1, 2, 3, 4, 5]"),),
    ),
    "queue-between-threads": (
        "import queue, threading\ndef f(n):\n    q = queue.Queue()\n"
        "    t = threading.Thread(target=lambda: [q.put(i) for i in range(n)])\n    t.start()\n"
        "    got = [q.get(timeout=1) for _ in range(n)]\n    t.join()\n    return got",
        (("(3,)", "[0, 1, 2]"),),
    ),
    "classes": (
        "class Stack:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.append(x)\n"
        "    def pop(self): return self.items.pop()\n    @property\n    def size(self): return len(self.items)\n"
        "def f(xs):\n    s = Stack()\n    for x in xs: s.push(x)\n    return [s.pop() for _ in range(s.size)]",
        (("([1, 2, 3],)", "[3, 2, 1]"),),
    ),
    "data-classes": (
        "from dataclasses import dataclass, field, asdict, replace\n"
        "@dataclass(order=True, frozen=True)\nclass P:\n"
        "    x: int\n    y: int = 0\n    tags: list[str] = field(default_factory=list, compare=False)\n"
        "def f(x):\n    return asdict(replace(min(P(x, 2), P(x, 1)), x=9))",
        (("(3,)", "{'x': 9, 'y': 1, 'tags': []}"),),
    ),
    "enumerations-and-named-tuples": (
        "import enum\nfrom collections import namedtuple\nfrom typing import NamedTuple\n"
        "class C(enum.IntEnum):\n    A = 4\n"
        "P = namedtuple('P', 'x y')\nclass Q(NamedTuple):\n    z: int\ndef f(x):\n    return (C.A, P(1, x), Q(x))",
        (("(2,)", "(4, (1, 2), (2,))"),),
    ),
    "temporary-files": (
        "import os, tempfile\ndef f(x):\n    with tempfile.TemporaryDirectory() as d:\n"
        "        p = os.path.join(d, 'a')\n        with open(p, 'w') as file: file.write(str(x))\n"
        "        with open(p) as file: a = int(file.read())\n"
        "    with tempfile.NamedTemporaryFile('w+') as t:\n        t.write('12'); t.flush(); t.seek(0)\n"
        "        return a + int(t.read())",
        (("(3,)", "15"),),
    ),
    "file-in-working-folder": (
        "import os, pathlib\ndef f(x):\n    os.makedirs('out/deep', exist_ok=True)\n"
        "    pathlib.Path('out/deep/a.txt').write_text('é' * x)\n"
        "    return [p.name for p in pathlib.Path('out').rglob('*.txt')], len(open('out/deep/a.txt').read())",
        (("(3,)", "(['a.txt'], 3)"),),
    ),
    "memory-of-300-megabytes": (
        "def f(n):\n    a = bytearray(n * 1_000_000)\n    a[::4096] = b'x' * len(a[::4096])\n    return len(a)",
        (("(300,)", "300000000"),),
    ),
    "in-place-changes": (
        "def f(a):\n    a.sort()\n    a.append(0)\n    return a",
        (("([3, 1, 2],)", "[1, 2, 3, 0]"), ("([3, 1, 2],)", "[1, 2, 3, 0]")),
    ),
    "generators-used-inside": (
        "def g(n):\n    for i in range(n):\n        got = yield i\ndef f(n):\n"
        "    return list(g(n)), sum(x for x in g(n))",
        (("(4,)", "([0, 1, 2, 3], 6)"),),
    ),
    "large-answer": ("def f(n):\n    return list(range(n))", (("(20000,)", str(list(range(20000)))),)),
    "long-text": ("def f(n):\n    return 'ab' * n", (("(50000,)", repr("ab" * 50000)),)),
    "decimals-and-fractions": (
        "from decimal import Decimal, getcontext\nfrom fractions import Fraction\ndef f(n):\n"
        "    getcontext().prec = 30\n"
        "    return str(Decimal(1) / Decimal(n)), str(Fraction(n, 6)), float(Fraction(1, 4))",
        (("(3,)", "('0.333333333333333333333333333333', '1/2', 0.25)"),),
    ),
    "dates": (
        "from datetime import date, datetime, timedelta\nimport calendar, time\ndef f(y):\n"
        "    return [(date(y, 2, 28) + timedelta(days=1)).isoformat(), calendar.isleap(y),"
        " datetime.strptime('01/02/2020', '%d/%m/%Y').month, time.time() > 0]",
        (("(2024,)", "['2024-02-29', True, 2, True]"),),
    ),
    "regular-expressions": (
        "import re\ndef f(t):\n    return re.findall(r'(?<=a)\\d+', t), re.sub(r'(\\w)\\1', r'<\\1>', t)",
        (("('a12aa3bb',)", "(['12', '3'], 'a12<a>3<b>')"),),
    ),
    "json-and-csv": (
        "import csv, io, json\ndef f(t):\n"
        "    return json.dumps(json.loads(t), sort_keys=True), list(csv.reader(io.StringIO('a,\"b,c\"')))",
        (('(\'{"b": [1, null], "a": 1.5}\',)', "('{\"a\": 1.5, \"b\": [1, null]}', [['a', 'b,c']])"),),
    ),
    "standard-library-tour": (
        "import bisect, collections, functools, heapq, itertools, math, operator, random, "
        "statistics, string, typing\n"
        "import array, base64, copy, hashlib, struct, textwrap, types, uuid, zlib, cmath, "
        "numbers, abc, contextlib\n"
        "from typing import List, Optional, Dict, Tuple, Any\n"
        "@functools.lru_cache(maxsize=None)\ndef fib(n: int) -> int:\n"
        "    return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
        "def f(xs: List[int]) -> List[Any]:\n    h = list(xs)\n    heapq.heapify(h)\n"
        "    return [heapq.heappop(h), bisect.bisect([1, 3, 5], 3), collections.Counter(xs).most_common(1)[0],\n"
        "            list(itertools.permutations('ab')), statistics.median(xs), "
        "functools.reduce(operator.mul, xs),\n"
        "            fib(60), math.gcd(12, 18), hashlib.md5(b'x').hexdigest()[:4],\n"
        "            zlib.decompress(zlib.compress(b'z')), struct.unpack('<H', b'\\x01\\x02')[0]]",
        (
            (
                "([3, 1, 3],)",
                "[1, 2, (3, 2), [('a', 'b'), ('b', 'a')], 3, 9, 1548008755920, 6, '9dd4', b'z', 513]",
            ),
        ),
    ),
    "random-numbers": (
        "import random\ndef f(n):\n    r = random.Random(7)\n    random.shuffle([1, 2])\n"
        "    return 0 <= r.random() < 1 and len({random.random() for _ in range(n)})",
        (("(10,)", "10"),),
    ),
    "deep-data": (
        "def f(n):\n    a = []\n    for _ in range(n): a = [a]\n    return a",
        (("(50,)", "[" * 51 + "]" * 51),),
    ),
    "unicode": (
        "def f(t):\n    return t[::-1], t.upper(), len(t), {'ключ': '値', '😀': t.encode()}",
        (("('añ😀',)", "('😀ña', 'AÑ😀', 3, {'ключ': '値', '😀': " + repr("añ😀".encode()) + "})"),),
    ),
    "float-corner-cases": (
        "def f(x):\n    return [0.1 + 0.2, -0.0, 1e308, 5e-324, 1 / 3, x]",
        (("(1e16,)", "[0.30000000000000004, -0.0, 1e308, 5e-324, 0.3333333333333333, 1e16]"),),
    ),
    "infinity": ("def f(x):\n    return [float('inf'), -float('inf')]", (("(1,)", "[1e999, -1e999]"),)),
    "big-integers": (
        "def f(n):\n    return 2 ** n, -(10 ** 30), 3 ** n % 10**9",
        (("(300,)", f"({2**300}, {-(10**30)}, {3**300 % 10**9})"),),
    ),
    "factorial-of-500": (
        "import math\ndef f(n):\n    return math.factorial(n)",
        (("(500,)", str(__import__("math").factorial(500))),),
    ),
    "stable-sorting": (
        "def f(xs):\n    return sorted(xs, key=lambda p: p[0]), sorted({'b', 'a', 'c'})",
        (("([(1, 'b'), (0, 'z'), (1, 'a')],)", "([(0, 'z'), (1, 'b'), (1, 'a')], ['a', 'b', 'c'])"),),
    ),
    "sets-bytes-none-complex": (
        "def f(x):\n    return {1, 2}, frozenset('ab'), b'\\x00\\xff', None, True, (), {}, 1 + 2j",
        (("(1,)", "({2, 1}, {'a', 'b'}, b'\\x00\\xff', None, True, (), {}, 1 + 2j)"),),
    ),
    "dictionary-subclasses": (
        "from collections import Counter, OrderedDict, defaultdict, deque\ndef f(t):\n"
        "    d = defaultdict(list)\n    d['k'].append(1)\n"
        "    return [dict(d), dict(Counter(t)), list(deque(t, 2))]",
        (("('aab',)", "[{'k': [1]}, {'a': 2, 'b': 1}, ['a', 'b']]"),),
    ),
    "counter-returned": (
        "from collections import Counter\ndef f(t):\n    return Counter(t)",
        (("('aab',)", "{'a': 2, 'b': 1}"),),
    ),
    "exceptions-caught": (
        "def f(x):\n    try:\n        1 / x\n    except ZeroDivisionError as e:\n"
        "        return str(e)\n    finally:\n        x = 1\n"
        "    try:\n        raise ExceptionGroup('g', [ValueError(1)])\n    except* ValueError:\n"
        "        pass\n    return 'none'",
        (("(0,)", "'division by zero'"), ("(1,)", "'none'")),
    ),
    "keeps-state-in-globals": (
        "memo = {}\ndef f(n):\n    if n not in memo:\n"
        "        memo[n] = n if n < 2 else f(n - 1) + f(n - 2)\n    return memo[n]",
        (("(90,)", "2880067194370816120"), ("(10,)", "55")),
    ),
    "closures-and-decorators": (
        "import functools\ndef twice(g):\n    @functools.wraps(g)\n"
        "    def h(*a, **k): return g(g(*a, **k))\n    return h\n"
        "@twice\ndef f(x): return x * 3",
        (("(2,)", "18"),),
    ),
    "pattern-matching": (
        "def f(x):\n    match x:\n        case [a, *rest]: return a + len(rest)\n        case {'k': v}: return v\n"
        "        case _: return -1",
        (("([5, 1, 1],)", "7"), ("({'k': 2},)", "2"), ("(0,)", "-1")),
    ),
    "asynchronous-inside": (
        "import asyncio\nasync def g(x):\n    await asyncio.sleep(0.001)\n    return x + 1\n"
        "def f(x):\n    async def both(): return await asyncio.gather(g(x), g(x + 1))\n"
        "    return asyncio.run(both())",
        (("(1,)", "[2, 3]"),),
    ),
    "evaluates-text": (
        "def f(t):\n    names = {}\n    exec('y = 2', names)\n    return eval(t) + names['y']",
        (("('1 + 2',)", "5"),),
    ),
    "environment-and-platform": (
        "import os, platform, sys\ndef f(x):\n"
        "    return isinstance(os.getcwd(), str) and bool(os.environ.get('HOME')) and sys.version_info >= (3, 11)",
        (("(1,)", "True"),),
    ),
    "main-guard": (
        "def f(x):\n    return x + 1\nif __name__ == '__main__':\n    raise SystemExit('not for tests')",
        (("(1,)", "2"),),
    ),
    "leaves-a-daemon-thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "def f(x):\n    return x",
        (("(1,)", "1"),),
    ),
    "busy-for-a-moment": (
        "def f(n):\n    t = 0\n    for i in range(n): t += i\n    return t",
        (("(1000000,)", "499999500000"),),
    ),
    "output-of-50-kilobytes": (
        "def f(n):\n    for i in range(n): print('x' * 99)\n    return n",
        (("(500,)", "500"),),
    ),
    "changed-recursion-in-a-big-thread": (
        "import sys, threading\ndef f(n):\n    sys.setrecursionlimit(50_000)\n    threading.stack_size(64 << 20)\n"
        "    out = []\n    def g(k): return 0 if k == 0 else 1 + g(k - 1)\n"
        "    t = threading.Thread(target=lambda: out.append(g(n)))\n    t.start(); t.join()\n    return out[0]",
        (("(20000,)", "20000"),),
    ),
}

_SCRIPTS = {
    "input": "a = int(input())\nb = int(input())\nprint(a + b)",
    "sys-stdin-lines": "import sys\nprint(sum(int(line) for line in sys.stdin))",
    "sys-stdin-read": "import sys\nprint(sum(map(int, sys.stdin.read().split())))",
    "sys-stdin-readline": "import sys\nreadline = sys.stdin.readline\nprint(int(readline()) + int(readline()))",
    "buffer": "import sys\nprint(sum(map(int, sys.stdin.buffer.read().split())))",
    "buffer-lines": "import sys\nprint(sum(int(line) for line in sys.stdin.buffer))",
    "open-zero": "print(sum(map(int, open(0).read().split())))",
    "dev-stdin": "print(sum(map(int, open('/dev/stdin').read().split())))",
    "os-read": "import os\nprint(sum(map(int, os.read(0, 1000).split())))",
    "input-until-end": (
        "t = 0\nwhile True:\n    try: t += int(input())\n    except EOFError: break\nprint(t)"
    ),
    "file-input": "import fileinput\nprint(sum(int(line) for line in fileinput.input()))",
    "main-guard": (
        "import sys\ndef main():\n    a, b = map(int, sys.stdin)\n    print(a + b)\n"
        "if __name__ == '__main__':\n    main()"
    ),
    "big-thread": (
        "import sys, threading\nsys.setrecursionlimit(10**5)\nthreading.stack_size(1 << 26)\n"
        "def main(): print(int(input()) + int(input()))\nt = threading.Thread(target=main)\nt.start()\nt.join()"
    ),
    "exit-zero": "import sys\nprint(int(input()) + int(input()))\nsys.exit(0)",
    "hard-written": "import os, sys\nos.write(1, b'%d\\n' % sum(map(int, sys.stdin)))",
    "at-exit": "import atexit, sys\nt = sum(map(int, sys.stdin))\natexit.register(print, t)",
    "buffer-write": "import sys\nsys.stdout.buffer.write(str(sum(map(int, sys.stdin))).encode() + b'\\n')",
    "redirected": (
        "import contextlib, io\nb = io.StringIO()\nwith contextlib.redirect_stdout(b):\n"
        "    print(int(input()) + int(input()))\nprint(b.getvalue().strip())"
    ),
}

_ASSERTS = {
    "plain": ("def f(x):\n    return x + 1", "assert f(1) == 2\nassert f(2) == 3, 'message'"),
    "check": (
        "def f(x):\n    return x + 1",
        "METADATA = {'author': 'x'}\n\ndef check(candidate):\n    assert candidate(1) == 2\n"
        "    for i in range(20):\n        assert candidate(i) == i + 1\ncheck(f)",
    ),
    "in-place": ("def f(a):\n    a.sort()", "a = [2, 1]\nassert f(a) is None\nassert a == [1, 2]"),
    "raises": (
        "def f(x):\n    if x < 0: raise ValueError('negative')\n    return x",
        "try:\n    f(-1)\nexcept ValueError as e:\n    assert 'negative' in str(e)\nelse:\n    assert False",
    ),
    "tolerance": (
        "def f(x):\n    return x / 3",
        "import math\nassert math.isclose(f(1), 0.333333, rel_tol=1e-4)\nassert abs(f(1) - 1/3) < 1e-9",
    ),
    "helper-in-test": (
        "def f(x):\n    return list(range(x))",
        "def total(a):\n    return sum(a)\nassert total(f(4)) == 6\nassert len(f(0)) == 0 and f(3)[-1] == 2",
    ),
    "prints": ("def f(x):\n    print(x)\n    return x", "assert f(1) == 1\nprint('done')"),
    "many": ("def f(x):\n    return x * x", "\n".join(f"assert f({i}) == {i * i}" for i in range(200))),
    "random-inputs": (
        "def f(a):\n    return sorted(a)",
        "import random\nr = random.Random(1)\nfor _ in range(20):\n    a = [r.randrange(9) for _ in range(9)]\n"
        "    assert f(list(a)) == sorted(a)",
    ),
}


def benign() -> list[Benign]:
    """Return the programs that must pass."""
    made = [Benign(name, program + "\n", _calls(*pairs)) for name, (program, pairs) in _FUNCTIONS.items()]
    numbers = StdioTest(stdin="19\n23\n", expected="42\n")
    made += [
        Benign(f"script-{name}", program + "\n", (numbers, numbers), None)
        for name, program in _SCRIPTS.items()
    ]
    lines = "".join(f"{i}\n" for i in range(10_000))
    copy = "import sys\nfor line in sys.stdin:\n    print(line.strip())\n"
    made.append(Benign("script-large-output", copy, (StdioTest(stdin=lines, expected=lines),), None))
    echo = "print(input()[::-1])\n"
    made.append(Benign("script-unicode", echo, (StdioTest(stdin="añ😀\n", expected="😀ña\n"),), None))
    made += [
        Benign(f"assert-{name}", program + "\n", (AssertTest(code=code),))
        for name, (program, code) in _ASSERTS.items()
    ]
    return made
