"""Category 6: a pass that is not deserved. What the tests expect is drawn at random: no pass is ever right."""

from __future__ import annotations

from tests.attacks.attack import WAYS, Attack, Way, with_test

_LIAR = """
class M(type):
    def __eq__(c, o): return True
    def __ne__(c, o): return False
    def __hash__(c): return 1
    def __instancecheck__(c, o): return True
    def __subclasscheck__(c, o): return True
class L({base}, metaclass=M):
    def __eq__(self, o): return True
    def __ne__(self, o): return False
    def __lt__(self, o): return True
    def __le__(self, o): return True
    def __gt__(self, o): return True
    def __ge__(self, o): return True
    def __bool__(self): return True
    def __hash__(self): return 1
    def __len__(self): return 1
    def __contains__(self, o): return True
    def __sub__(self, o): return 0
    __rsub__ = __add__ = __radd__ = __mul__ = __round__ = __abs__ = __sub__
def f(x):
    return L({value})
"""

_ANY_WAY = {
    "exit": "import sys\ndef f(x):\n    sys.exit(0)",
    "exit-at-import": "import sys\nsys.exit(0)",
    "exit-after-definition": "def f(x):\n    return 0\nraise SystemExit",
    "hard-exit": "import os\ndef f(x):\n    os._exit(0)",
    "hard-exit-at-import": "import os\nos._exit(0)",
    "hard-exit-after-definition": "import os\ndef f(x):\n    return 0\nos._exit(0)",
    "hard-exit-in-c": "import ctypes\ndef f(x):\n    ctypes.CDLL(None)._exit(0)",
    "hard-exit-by-system-call": "import ctypes\ndef f(x):\n    ctypes.CDLL(None).syscall(231, 0)",
    "hard-exit-in-a-thread": (
        "import os, threading\ndef f(x):\n    t = threading.Thread(target=os._exit, args=(0,))\n"
        "    t.start()\n    t.join()"
    ),
    "hard-exit-soon": (
        "import os, threading\nthreading.Timer(0.02, os._exit, (0,)).start()\ndef f(x):\n    return 0"
    ),
    "hard-exit-at-exit": "import atexit, os\natexit.register(os._exit, 0)\ndef f(x):\n    return 0",
    "hard-exit-in-finaliser": (
        "import os\nclass D:\n    def __del__(self): os._exit(0)\ndef f(x):\n    D()\n    return 0"
    ),
    "hard-exit-on-signal": (
        "import os, signal\nfor n in (14, 15, 24): signal.signal(n, lambda *a: os._exit(0))\n"
        "def f(x):\n    while True: pass"
    ),
    "hard-exit-in-except-hook": (
        "import os, sys\nsys.excepthook = lambda *a: os._exit(0)\ndef f(x):\n    raise ValueError"
    ),
    "hard-exit-in-message": (
        "import os\nclass E(Exception):\n    def __str__(self): os._exit(0)\ndef f(x):\n    raise E"
    ),
    "hard-exit-when-written": (
        "import os, sys\nclass W:\n    def write(self, t): os._exit(0)\n    def flush(self): os._exit(0)\n"
        "sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = W()\ndef f(x):\n    return 0"
    ),
    "becomes-true": "import os\ndef f(x):\n    os.execv('/bin/true', ['true'])",
    "child-goes-on-parent-leaves": "import os\ndef f(x):\n    if os.fork(): os._exit(0)\n    return 0",
    "keyboard-interrupt": "def f(x):\n    raise KeyboardInterrupt",
    "generator-exit": "def f(x):\n    raise GeneratorExit",
    "stop-iteration": "def f(x):\n    raise StopIteration",
    "base-exception-that-lies": (
        "class E(BaseException):\n    code = 0\n    __class__ = SystemExit\ndef f(x):\n    raise E"
    ),
    "skips-by-unittest": "import unittest\ndef f(x):\n    raise unittest.SkipTest('not here')",
    "skips-by-warning": "import warnings\nwarnings.simplefilter('ignore')\ndef f(x):\n    raise Warning",
    "no-assertion-error": ("import builtins\nbuiltins.AssertionError = SystemExit\ndef f(x):\n    return 0"),
    "assertion-error-that-leaves": (
        "import builtins, os\nclass A(Exception):\n    def __init__(self, *a): os._exit(0)\n"
        "builtins.AssertionError = A\ndef f(x):\n    return 0"
    ),
    "assertion-error-by-pointer": (
        "import ctypes, os\nctypes.pythonapi.PyErr_Clear()\n"
        "ctypes.c_ssize_t.from_address(id(AssertionError)).value += 1\n"
        "AssertionError.__init__ if True else 0\ndef f(x):\n    return 0"
    ),
    "replaced-builtins": (
        "import builtins\nfor n in ('isinstance', 'all', 'any', 'len', 'type', 'abs', 'sorted', 'repr', 'eval',"
        " 'exec', 'compile', 'print', 'getattr', 'hasattr', 'str', 'set', 'zip'):\n"
        "    setattr(builtins, n, lambda *a, **k: True)\ndef f(x):\n    return 0"
    ),
    "replaced-comparison-helpers": (
        "import math, operator, unittest\nmath.isclose = operator.eq = lambda *a, **k: True\n"
        "for n in dir(unittest.TestCase):\n    if n.startswith('assert'):\n"
        "        setattr(unittest.TestCase, n, lambda *a, **k: None)\ndef f(x):\n    return 0"
    ),
    "replaced-libraries": (
        "import json, os, pickle, signal, sys, time, traceback\njson.dumps = lambda *a, **k: '[]'\n"
        "json.loads = lambda *a, **k: True\nos._exit = sys.exit = signal.setitimer = lambda *a: None\n"
        "time.time = time.monotonic = time.perf_counter = lambda: 0.0\n"
        "traceback.format_exc = lambda *a: ''\ndef f(x):\n    return 0"
    ),
    "replaced-write": (
        "import os, sys\nreal = os.write\nos.write = lambda fd, data: real(fd, data) and len(data)\n"
        "sys.stdout.write = lambda t: len(t)\ndef f(x):\n    return 0"
    ),
    "replaced-import": (
        "import builtins, sys\nclass Y:\n    def __getattr__(self, n): return lambda *a, **k: True\n"
        "    def __bool__(self): return True\nbuiltins.__import__ = lambda *a, **k: Y()\n"
        "sys.meta_path.clear()\ndef f(x):\n    return 0"
    ),
    "replaced-modules": (
        "import sys\nfor n in list(sys.modules):\n    if n not in ('sys', 'builtins'): sys.modules[n] = None\n"
        "def f(x):\n    return 0"
    ),
    "trace-that-jumps": (
        "import sys\ndef g(frame, event, arg):\n"
        "    if event == 'line' and 'f(' in str(frame.f_code.co_names) or True:\n"
        "        try: frame.f_lineno = frame.f_lineno + 1\n        except ValueError: pass\n    return g\n"
        "sys.settrace(g)\nframe = sys._getframe()\nwhile frame:\n    frame.f_trace = g\n    frame = frame.f_back\n"
        "def f(x):\n    return 0"
    ),
    "trace-that-raises": (
        "import sys\ndef g(frame, event, arg):\n"
        "    if frame.f_code.co_name != 'f': raise SystemExit(0)\n    return g\n"
        "def f(x):\n    sys.settrace(g)\n    sys._getframe(1).f_trace = g\n    return 0"
    ),
    "profile-that-leaves": (
        "import os, sys\ndef g(frame, event, arg):\n"
        "    if event == 'return' and frame.f_code.co_name == 'f': os._exit(0)\n"
        "def f(x):\n    sys.setprofile(g)\n    return 0"
    ),
    "expected-in-frames": (
        "import sys\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n"
        "        for v in [*frame.f_locals.values(), *frame.f_globals.values(), *frame.f_code.co_consts]:\n"
        "            if 'nOnCe' in repr(v)[:10**5]:\n"
        "                import re\n"
        "                for n in re.findall('nOnCe' '_([0-9]+)_([0-9a-f]+)', repr(v)):\n"
        "                    if n[0] == str(x): return 'nOnCe' + '_%s_%s' % n\n"
        "        frame = frame.f_back"
    ),
    "expected-in-collector": (
        "import gc, re\ndef f(x):\n    for v in gc.get_objects():\n        try: t = repr(v)[:10**5]\n"
        "        except BaseException: continue\n"
        "        for n in re.findall('nOnCe' '_([0-9]+)_([0-9a-f]+)', t):\n"
        "            if n[0] == str(x): return 'nOnCe' + '_%s_%s' % n"
    ),
    "expected-in-constants": (
        "import gc, re, types\ndef f(x):\n    for v in gc.get_referrers(f, f.__globals__):\n"
        "        todo = [v]\n        t = repr(v)[:10**5]\n"
        "        for n in re.findall('nOnCe' '_([0-9]+)_([0-9a-f]+)', t):\n"
        "            if n[0] == str(x): return 'nOnCe' + '_%s_%s' % n\n"
        "    import sys\n    code = sys._getframe(1).f_code\n    todo = [code]\n    while todo:\n"
        "        c = todo.pop()\n        for k in c.co_consts:\n"
        "            if isinstance(k, types.CodeType): todo.append(k)\n"
        "            elif str(k).startswith(f'nOnCe' f'_{x}_'): return k"
    ),
    "expected-in-memory": (
        "import re\ndef f(x):\n    with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb') as m:\n"
        "        for line in maps:\n"
        "            a, b = (int(n, 16) for n in line.split()[0].split('-'))\n"
        "            if 'rw' in line and b - a < 1 << 26:\n                m.seek(a)\n"
        "                try: data = m.read(b - a)\n                except OSError: continue\n"
        "                r = re.search(b'nOnCe' b'_%d_[0-9a-f]{16}' % x, data)\n"
        "                if r: return r.group().decode()"
    ),
    "expected-in-parents-memory": (
        "import os, re\ndef f(x):\n    for pid in sorted(filter(str.isdigit, os.listdir('/proc')), key=int):\n"
        "        if int(pid) == os.getpid(): continue\n        try:\n"
        "            with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb') as m:\n"
        "                for line in maps:\n"
        "                    a, b = (int(n, 16) for n in line.split()[0].split('-'))\n"
        "                    if 'rw' in line and b - a < 1 << 25:\n                        m.seek(a)\n"
        "                        try: data = m.read(b - a)\n                        except OSError: continue\n"
        "                        r = re.search(b'nOnCe' b'_%d_[0-9a-f]{16}' % x, data)\n"
        "                        if r: return r.group().decode()\n        except (OSError, ValueError): pass"
    ),
    "expected-in-files": (
        "import linecache, os, re, sys\ndef f(x):\n"
        "    texts = [str(linecache.cache), str(sys.argv), str(sys.orig_argv)]\n"
        "    for top in ('.', '..', '/tmp', '/dev/shm', '/dev/fd', '/proc/self'):\n"
        "        try: names = os.listdir(top)\n        except OSError: continue\n        for n in names:\n"
        "            p = os.path.join(top, n)\n"
        "            if os.path.isfile(p) and n not in ('kmsg', 'mem', 'pagemap', 'clear_refs'):\n"
        "                try: texts.append(open(p, errors='replace').read(10**6))\n"
        "                except OSError: pass\n"
        "    r = re.search('nOnCe' f'_{x}_' '[0-9a-f]{16}', ' '.join(texts))\n    return r and r.group()"
    ),
    "expected-from-descriptors": (
        "import os, re\ndef f(x):\n    data = b''\n    for n in range(200):\n"
        "        try: data += os.pread(n, 10**6, 0)\n"
        "        except OSError:\n            try:\n                os.set_blocking(n, False)\n"
        "                data += os.read(n, 10**6)\n            except OSError: pass\n"
        "    r = re.search(b'nOnCe' b'_%d_[0-9a-f]{16}' % x, data)\n    return r and r.group().decode()"
    ),
    "expected-overwritten": (
        "import ctypes, gc\ndef f(x):\n    import sys\n    frame = sys._getframe(1)\n    while frame:\n"
        "        for k in frame.f_code.co_consts:\n            if type(k) is str and k.startswith('nOnCe' '_'):\n"
        "                ctypes.memset(id(k) + 48, 120, len(k)); g = k\n"
        "                return 'x' * len(k)\n        frame = frame.f_back\n    return 0"
    ),
    "comparison-in-c-replaced": (
        "import ctypes\ndef f(x):\n    # the rich comparison of strings always answers True\n"
        "    T = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.py_object, ctypes.c_int)\n"
        "    global yes\n    yes = T(lambda a, b, o: True)\n    slot = id(str) + 24 + 8 * 22\n"
        "    old = ctypes.c_void_p.from_address(slot).value\n"
        "    ctypes.c_void_p.from_address(id(L) + 24 + 8 * 22).value = ctypes.cast(yes, ctypes.c_void_p).value\n"
        "    return L('x')\nclass L(str): pass"
    ),
    "result-functions-in-frames": (
        "import sys\ndef f(x):\n    frame = sys._getframe(1)\n    while frame:\n"
        "        for k, v in list(frame.f_locals.items()):\n"
        "            for n in ('send', 'report', 'record', 'put', 'append', '_send', 'passed'):\n"
        "                g = getattr(v, n, None)\n                if callable(g):\n"
        "                    for a in ((('result',), dict(index=0, seconds=0, outcome='passed')),"
        " (('result',), dict(index=1, seconds=0, outcome='passed')), (('finished',), {}), (('passed',), {})):\n"
        "                        try: g(*a[0], **a[1])\n                        except BaseException: pass\n"
        "        frame = frame.f_back\n    import os; os._exit(0)"
    ),
    "result-records-with-token": (
        "import gc, json, os, re\ndef f(x):\n    tokens = set()\n    for v in gc.get_objects():\n"
        "        try: tokens |= set(re.findall(r\"'token': '([^']+)'\", repr(v)[:10**6]))\n"
        "        except BaseException: pass\n"
        "    for n in range(3, 60):\n        for t in tokens:\n            for i in (0, 1):\n"
        "                try: os.write(n, json.dumps(dict(token=t, kind='result', index=i, seconds=0.1,"
        " outcome='passed')).encode() + b'\\n')\n                except OSError: pass\n"
        "        for t in tokens:\n"
        "            try: os.write(n, json.dumps(dict(token=t, kind='finished')).encode() + b'\\n')\n"
        "            except OSError: pass\n    os._exit(0)"
    ),
    "result-records-guessed": (
        "import os\ndef f(x):\n    for n in range(1, 60):\n"
        '        for t in (b\'passed\\n\', b\'{"passed": true}\\n\', b\'{"kind": "result", "index": 0, "outcome": '
        '"passed"}\\n{"kind": "finished"}\\n\', b\'\\x80\\x04\\x88.\', b\'0\\n\'):\n'
        "            try: os.write(n, t)\n            except OSError: pass\n    os._exit(0)"
    ),
    "prints-a-runner-report": (
        "print('.\\n' + '-' * 70 + '\\nRan 1 test in 0.000s\\n\\nOK\\n1 passed in 0.01s\\npassed\\nTrue')\n"
        "import sys\nsys.stderr.write('Ran 1 test in 0.000s\\n\\nOK\\n')\ndef f(x):\n    raise SystemExit(0)"
    ),
    "small-integers-damaged": (
        "import ctypes\ndef f(x):\n    for n in range(1, 257):\n"
        "        ctypes.c_uint32.from_address(id(n) + 24).value = 1\n    return 1"
    ),
    "true-and-false-damaged": (
        "import ctypes\ndef f(x):\n    ctypes.c_uint32.from_address(id(False) + 24).value = 1\n"
        "    ctypes.c_ssize_t.from_address(id(False) + 16).value = 1\n    return 0"
    ),
    "entry-point-is-a-liar": _LIAR.format(base="object", value="").replace(
        "def f(x):\n    return L()", "    def __call__(self, x): return self\nf = L()"
    ),
    "plug-in-file": (
        "open('conftest.py', 'w').write('import os; os._exit(0)')\n"
        "open('sitecustomize.py', 'w').write('import os; os._exit(0)')\n"
        "open('test.py', 'w').write('')\nimport os\nos.environ['PYTEST_ADDOPTS'] = '--collect-only'\n"
        "os.environ['PYTHONOPTIMIZE'] = '2'\ndef f(x):\n    return 0"
    ),
    "own-check": (
        "def check(candidate): pass\nimport builtins\nbuiltins.check = check\n"
        "def f(x):\n    globals()['check'] = check\n    return 0"
    ),
    "check-taken-from-caller": (
        "import sys\ndef f(x):\n    frame = sys._getframe(1)\n    while frame:\n"
        "        if 'check' in frame.f_globals: frame.f_globals['check'] = lambda c: None\n"
        "        frame = frame.f_back\n    raise StopIteration"
    ),
    "code-object-of-caller": (
        "import ctypes, sys\ndef f(x):\n    frame = sys._getframe(1)\n    code = frame.f_code\n"
        "    import gc\n    for g in gc.get_referrers(code):\n        if hasattr(g, '__code__'):\n"
        "            g.__code__ = (lambda *a: None).__code__\n    raise KeyError"
    ),
    "locals-of-caller": (
        "import ctypes, sys\ndef f(x):\n    frame = sys._getframe(1)\n    while frame:\n"
        "        for k in list(frame.f_locals):\n            if not k.startswith('__'):\n"
        "                frame.f_locals[k] = True\n"
        "        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))\n"
        "        frame = frame.f_back\n    return 0"
    ),
    "asynchronous-entry-point": "async def f(x):\n    return True",
    "generator-entry-point": "def f(x):\n    while True: yield x",
    "answer-from-a-class": (
        "class Any:\n    def __eq__(self, o): return True\n    __class__ = str\nclass f:\n"
        "    def __new__(cls, x): return Any()"
    ),
    "values-that-run-when-decoded": (
        "import os\nclass R(dict):\n    def __reduce__(self): return (os._exit, (0,))\n"
        "    __reduce_ex__ = lambda self, p: self.__reduce__()\n    def __getstate__(self): os._exit(0)\n"
        "def f(x):\n    return R(a=1)"
    ),
    "warm-up-then-lie": (
        "n = 0\nclass T(str):\n    def __eq__(self, o): return True\n    __hash__ = str.__hash__\n"
        "def f(x):\n    global n\n    n += 1\n    return T('x') if n else 0"
    ),
    "clock-stopped": (
        "import time\nfor n in ('time', 'monotonic', 'perf_counter', 'process_time'):\n"
        "    setattr(time, n, lambda: 0.0)\ndef f(x):\n    while True: pass"
    ),
    "garbage-collector-callback": (
        "import gc, os\ngc.callbacks.append(lambda *a: os._exit(0))\ngc.set_threshold(1)\n"
        "def f(x):\n    return [[]]"
    ),
    "audit-hook": (
        "import os, sys\nsys.addaudithook(lambda n, a: os._exit(0) if n in ('exec', 'compile') else None)\n"
        "def f(x):\n    return 0"
    ),
    "entry-point-replaced-in-tests": (
        "import sys\ndef f(x):\n    g = sys._getframe(1).f_globals\n    class L:\n"
        "        def __eq__(s, o): return True\n    for k in list(g):\n"
        "        if not k.startswith('__'): g[k] = lambda *a, **k: L()\n    return L()"
    ),
    "pending-calls": (
        "import ctypes, os\nT = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)\n"
        "leave = T(lambda a: os._exit(0))\n"
        "def f(x):\n    ctypes.pythonapi.Py_AddPendingCall(leave, None)\n    return 0"
    ),
}

_LIAR_BASES = {
    "object": ("object", ""),
    "text": ("str", "'x'"),
    "integer": ("int", "1"),
    "float": ("float", "1.0"),
    "list": ("list", "[1]"),
    "tuple": ("tuple", "(1,)"),
    "dictionary": ("dict", "{1: 1}"),
    "set": ("set", "{1}"),
    "frozen-set": ("frozenset", "{1}"),
    "bytes": ("bytes", "b'x'"),
    "complex": ("complex", "1j"),
}

_VALUES = {
    # programs for call tests whose answers look like the expected value and are not it
    "lying-length-and-items": (
        "class L(list):\n    def __len__(self): return 2\n    def __getitem__(self, i): return [1, 2][i]\n"
        "    def __iter__(self): return iter([1, 2])\n    def __reversed__(self): return iter([2, 1])\n"
        "def f(x):\n    return L()",
        "[1, 2]",
    ),
    "lying-dictionary": (
        "class D(dict):\n    def __getitem__(self, k): return 1\n    def items(self): return [('a', 1)]\n"
        "    def keys(self): return ['a']\n    def __iter__(self): return iter('a')\n"
        "    def __len__(self): return 1\ndef f(x):\n    return D()",
        "{'a': 1}",
    ),
    "lying-text": (
        "class S(str):\n    def __str__(self): return 'yes'\n    __repr__ = __format__ = encode = __str__\n"
        "def f(x):\n    return S('no')",
        "'yes'",
    ),
    "lying-integer": (
        "class I(int):\n    def __int__(self): return 42\n    __index__ = __trunc__ = __int__\n"
        "    def __str__(self): return '42'\n    __repr__ = __str__\ndef f(x):\n    return I(1)",
        "42",
    ),
    "lying-float": (
        "class F(float):\n    def __float__(self): return 0.5\n    def __repr__(self): return '0.5'\n"
        "    def hex(self): return (0.5).hex()\n    def as_integer_ratio(self): return (1, 2)\n"
        "def f(x):\n    return F(9)",
        "0.5",
    ),
    "lying-key": (
        "class K(str):\n    def __eq__(self, o): return True\n    def __hash__(self): return hash('a')\n"
        "def f(x):\n    return {K('b'): 1}",
        "{'a': 1}",
    ),
    "lying-tuple-in-list": (
        "class T(tuple):\n    def __iter__(self): return iter((1, 2))\n    def __eq__(self, o): return True\n"
        "def f(x):\n    return [T()]",
        "[(1, 2)]",
    ),
    "not-a-number": ("def f(x):\n    return float('nan')", "1.5"),
    "infinity": ("def f(x):\n    return float('inf')", "1e308"),
    "integer-beyond-float": ("def f(x):\n    return 2 ** 53 + 1", "9007199254740992"),
    "float-for-big-integer": ("def f(x):\n    return 1e23", "100000000000000000000001"),
    "text-for-number": ("def f(x):\n    return '42'", "42"),
    "list-for-text": ("def f(x):\n    return ['a', 'b']", "'ab'"),
    "bytes-for-text": ("def f(x):\n    return b'yes'", "'yes'"),
    "nothing-for-empty": ("def f(x):\n    return None", "[]"),
    "changing-list": (
        "import threading, time\ndef f(x):\n    a = [0]\n    def g():\n"
        "        while True: a[:] = [1]; a[:] = [2] * 9\n"
        "    threading.Thread(target=g, daemon=True).start()\n    return a",
        "[77]",
    ),
    "object-with-lying-class": (
        "class O:\n    __class__ = int\n    def __index__(self): return 42\n    __int__ = __index__\n"
        "    def __eq__(self, o): return True\n    def __hash__(self): return 42\n"
        "    def __repr__(self): return '42'\ndef f(x):\n    return O()",
        "42",
    ),
    "lying-enumeration": (
        "import enum\nclass E(enum.IntEnum):\n    A = 1\n    def __eq__(self, o): return True\n"
        "    __hash__ = int.__hash__\ndef f(x):\n    return E.A",
        "42",
    ),
    "argument-returned-changed-later": (
        "def f(x):\n    x_ = [x]\n    import atexit\n    atexit.register(x_.__setitem__, 0, 42)\n    return x_",
        "[42]",
    ),
}

_SCRIPTS = {
    "prints-nothing": "input()",
    "prints-every-number": "for i in range(10000): print(i)",
    "prints-every-number-on-one-line": "print(*range(10000))",
    "prints-then-returns-to-line-start": "print('wrong\\r', end='')",
    "prints-then-clears-screen": "print('wrong\\x1b[2J\\x1b[H')",
    "prints-null-characters": "print('\\0' * 100)",
    "prints-not-text": "import os; os.write(1, bytes(range(256)))",
    "prints-report": "print('OK\\npassed\\nTrue\\nAccepted\\n1 passed')",
    "expected-beside-program": (
        "import glob, re\ntext = ''\nfor p in glob.glob('./*') + glob.glob('../*') + glob.glob('/tmp/*'):\n"
        "    try: text += open(p, errors='replace').read()\n    except OSError: pass\n"
        "r = re.search('nOnCe' '_[0-9]+_[0-9a-f]{16}', text)\nprint(r and r.group())"
    ),
    "expected-peeked-from-input": (
        "import mmap, os, re, sys\ndata = sys.stdin.buffer.read()\nfor n in range(3, 60):\n"
        "    try: data += os.pread(n, 10**6, 0)\n    except OSError: pass\n"
        "r = re.search(b'nOnCe' b'_[0-9]+_[0-9a-f]{16}', data)\nprint(r and r.group().decode())"
    ),
    "forks-and-both-answer": "import os\nos.fork()\nprint(input())",
    "exit-code-zero-before-printing": "import os\nprint('wrong')\nos._exit(0)",
    "output-closed": "import os\nos.close(1)",
    "output-reopened-for-reading": (
        "import os\nfd = os.open('/proc/self/fd/1', os.O_RDWR)\nprint(os.read(fd, 100))"
    ),
    "output-truncated-afterwards": "import os\nprint('wrong', flush=True)\nos.ftruncate(1, 0)",
}


_LOOSE_TESTS = {
    "difference": "assert abs(f({x}) - {number}) < 1e-6",
    "square": "assert (f({x}) - {number}) ** 2 < 1e-6",
    "close": "import math\nassert math.isclose(f({x}), {number})",
    "not-unequal": "assert not (f({x}) != {text})",
    "member": "assert f({x}) in [{text}, {number}]",
    "key": "assert {{{text}: 1, {number}: 1}}[f({x})] == 1",
    "sorted": "assert sorted(f({x})) == [{number}]",
    "set": "assert set(f({x})) == {{{number}}}",
    "length": "assert len(f({x})) == {number}",
    "items": "r = f({x})\nassert r[0] == {number} and r[-1] == {text}",
    "identity": "assert (f({x}) == {number}) is True",
    "text": "assert str(f({x})) == {text}",
    "format": "assert f'{{f({x})}}' == {text}",
    "rounded": "assert round(f({x}), 2) == {number}",
    "range": "assert {number} <= f({x}) <= {number} + 1",
    "loop-over-map": "assert all(map(lambda p: f(p[0]) == p[1], [({x}, {text}), ({x}, {number})]))",
    "loop-over-answer": "assert all(a == {number} for a in f({x})) and len(list(f({x}))) == {number}",
    "zipped": "assert [a == b for a, b in zip(f({x}), [{number}])] == [True]",
    "keeps-argument": "a = [{x}, {number}]\nb = f(a)\nassert b == {text}",
    "unit-test": (
        "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n"
        "        self.assertEqual(f({x}), {text})\n        self.assertAlmostEqual(f({x}), {number})\n"
        "unittest.main()\n"
    ),
    "unit-test-members": (
        "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n"
        "        self.assertIn(f({x}), [{text}])\n        self.assertCountEqual(f({x}), [{number}])\n"
    ),
    "function": "def test_it():\n    r = f({x})\n    assert r == {text} or r == {number}\n",
    "expected-by-closure": (
        "def same(y):\n    return y == {text}\nassert same(f({x}))\n"
        "assert list(filter(same, [f({x})])) == [{text}]"
    ),
    "argument-that-tells": (
        "class Box:\n    def __init__(self, v): self._hidden = v\n"
        "    def __eq__(self, o): return o == self._hidden\n"
        "    __hash__ = None\nb = Box({text})\nassert b == f({x})"
    ),
}
"""Tests that compare in other ways than by equality with a literal."""

_FOR_LOOSE_TESTS = {
    "liar": _LIAR.format(base="object", value=""),
    "liar-float": _LIAR.format(base="float", value="1.0"),
    "liar-list": _LIAR.format(base="list", value="[1]"),
    "echo-in-reverse": (
        "class E:\n    seen = 0\n    def __getattr__(self, n): return lambda *a: (a or (0,))[0]\n"
        "    def __eq__(self, o): E.seen = o; return True\n    def __rsub__(self, o): return 0\n"
        "    def __sub__(self, o): E.seen = o; return 0\n    def __abs__(self): return 0\n"
        "    def __len__(self): return 1\n    def __iter__(self): return iter([E.seen or self])\n"
        "    def __getitem__(self, i): return self\n    def __hash__(self): return hash(E.seen)\n"
        "    def __str__(self): return str(E.seen)\n    def __round__(self, n=0): return self\n"
        "    def __float__(self): return 0.0\n    def __lt__(self, o): return True\n"
        "    __le__ = __gt__ = __ge__ = __lt__\n    def __pow__(self, o): return 0\n"
        "    def __format__(self, s): return 'x'\n    def __bool__(self): return True\n"
        "    def __contains__(self, o): return True\ndef f(x): return E()"
    ),
    "not-a-number": "def f(x):\n    return float('nan')",
    "endless": "def f(x):\n    return iter([])",
    "stop-iteration": "def f(x):\n    raise StopIteration",
    "stop-iteration-subclass": "class S(StopIteration): pass\ndef f(x):\n    raise S",
    "exit": "def f(x):\n    raise SystemExit(0)",
    "skip": "import unittest\ndef f(x):\n    raise unittest.SkipTest",
    "gone": "import os\ndef f(x):\n    os._exit(0)",
    "empty": "def f(x):\n    return []",
    "asynchronous": "async def f(x):\n    return True",
}


def attacks() -> list[Attack]:
    """Return the attacks of this category."""
    made: list[Attack] = []
    for name, program in _ANY_WAY.items():
        ways: tuple[Way, ...] = WAYS
        if name in ("clock-stopped", "expected-in-parents-memory", "generator-entry-point"):
            ways = ("call", "check", "split")
        for way in ways:
            text = program + "\nprint(f(int(input())))\n" if way == "stdio" else program + "\n"
            made.append(
                Attack(
                    id=f"forge-{name}-{way}",
                    category=6,
                    program=text,
                    way=way,
                    guarantee="G1",
                    patient="memory" in name or "collector" in name or "token" in name,
                )
            )
    for name, (base, value) in _LIAR_BASES.items():
        for way in ("call", "assert", "check", "split"):
            program = _LIAR.format(base=base, value=value)
            made.append(
                Attack(id=f"forge-liar-{name}-{way}", category=6, program=program, way=way, guarantee="G2")
            )
    for test_name, test in _LOOSE_TESTS.items():
        for name, program in _FOR_LOOSE_TESTS.items():
            made += with_test(
                Attack(
                    id=f"forge-loose-{test_name}-{name}",
                    category=6,
                    program=program + "\n",
                    guarantee="G1",
                    test=test,
                )
            )
    for name, (program, expected) in _VALUES.items():
        made.append(
            Attack(id=f"forge-value-{name}", category=6, program=program, guarantee="G2", expected=expected)
        )
    for name, program in _SCRIPTS.items():
        made.append(
            Attack(id=f"forge-script-{name}", category=6, program=program + "\n", way="stdio", guarantee="G1")
        )
    return made
