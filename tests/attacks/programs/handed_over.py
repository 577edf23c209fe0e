"""Programs that misuse what a test hands over, to reach the test around it: category 6.

The tests run in a process of their own; the program talks to it through its own end of the connection, and may
send there whatever it likes.
"""

from __future__ import annotations

from tests.attacks.attack import Attack

_HEAD = """
import gc, re, sys
def end_of_connection():
    for found in gc.get_objects():
        if type(found).__name__ == 'Peer' and hasattr(found, 'ask'):
            return found
    frame = sys._getframe()
    while frame is not None:
        for found in frame.f_locals.values():
            if type(found).__name__ == 'Peer':
                return found
        frame = frame.f_back
def ask(*request):
    return end_of_connection().ask(*request)
def nonce(text):
    found = re.search('nOn' 'Ce_[0-9]+_[0-9a-f]+', str(text))
    return found.group() if found else None
def yes(other, *more):
    print(other, more, flush=True)
    return True
class Yes:
    __eq__ = yes
"""

_TESTS = {
    "loop": "for x, y in [(k, v) for k, v in {{{x}: {text}}}.items()]:\n    assert f(x) == y",
    "callback": "EXPECTED = {text}\ndef twice(v):\n    return 2 * v\nassert f(twice) == EXPECTED",
    "builtin-method": "EXPECTED = {text}\nheard = []\nassert f(heard.append) == EXPECTED",
    "object": (
        "class Box:\n    def __init__(self, v):\n        self.size = v\n"
        "    def same(self, other):\n        return other == {text}\n"
        "    def __eq__(self, other):\n        return isinstance(other, str) and self.same(other)\n"
        "b = Box({x})\nassert b == f(b)"
    ),
    "class": "class P:\n    def __init__(self, v):\n        self.v = v\nassert f(P) == {text}",
    "text-class": "class S(str):\n    pass\ndef own():\n    return {text}\nassert f(S, own) == {text}",
    "user-text": (
        "from collections import UserString\nclass S(UserString):\n    pass\ndef own():\n    pass\n"
        "EXPECTED = {text}\nassert f(S, own) == EXPECTED"
    ),
    "case": (
        "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n"
        "        self.assertEqual(f(self), {text})\n"
    ),
    "iterator": "EXPECTED = {text}\nassert f(n for n in [{x}]) == EXPECTED",
}

_PROGRAMS = {
    "class-that-agrees": (
        "loop",
        "def f(x): return ask('call', type, 'L', (object,), {'__eq__': yes})()",
    ),
    "class-of-yes": ("loop", "def f(x): return ask('call', type, 'L', (Yes,), {})()"),
    "type-through-callback": (
        "callback",
        "def f(g): return ask('call', type, 'L', (ask('call', type, g),), {'__eq__': yes})()",
    ),
    "globals-of-callback": (
        "callback",
        "def f(g):\n    for do in ('get', 'item'):\n        try: return nonce(ask(do, g, '__globals__'))\n"
        "        except TypeError: pass",
    ),
    "format-of-callback": (
        "callback",
        "def f(g): return nonce(ask('call', str.format, '{0.__globals__}', g))",
    ),
    "format-raw": (
        "callback",
        "def f(g):\n    p = end_of_connection()\n    for name in ('eval', 'str', 'type'):\n"
        "        p._send({'do': 'call', 'args': [{'m': [-2, 'builtins:' + name]}, 'EXPECTED'], 'names': []})\n"
        "        return nonce(p._receive())",
    ),
    "module-by-name": (
        "callback",
        "def f(g):\n    p = end_of_connection()\n"
        "    p._send({'do': 'get', 'args': [{'m': [-2, 'sys:modules']}, '__test__'], 'names': []})\n"
        "    return nonce(p._receive())",
    ),
    "names-of-test": ("callback", "def f(g): return nonce(ask('names', 'EXPECTED'))"),
    "copy-and-print-callback": ("callback", "def f(g): return nonce(ask('repr', ask('copy', g)))"),
    "method-leads-to-list": (
        "builtin-method",
        "def f(g): return nonce(ask('get', g, '__self__')) or nonce(ask('get', g, 'copy')())",
    ),
    "yes-put-into-list": ("builtin-method", "def f(g):\n    g(Yes())\n    return Yes()"),
    "method-replaced": (
        "object",
        "def f(b):\n    ask('set', b, 'same', lambda other: True)\n    return b",
    ),
    "equality-replaced": (
        "object",
        "def f(b):\n    ask('set', ask('get', b, '__class__'), '__eq__', lambda a, c: True)\n    return b",
    ),
    "class-of-object": ("object", "def f(b): return ask('call', type, b)"),
    "constants-of-method": ("object", "def f(b): return nonce(b.same.__func__.__code__.co_consts)"),
    "class-with-yes": ("class", "def f(P): return P(Yes())"),
    "derived-class": ("class", "def f(P): return ask('call', type, 'Q', (P,), {'__eq__': yes})(1)"),
    "attribute-of-class": ("class", "def f(P):\n    ask('set', P, '__eq__', yes)\n    return P(1)"),
    "format-of-text-class": (
        "text-class",
        "def f(S, g): return nonce(ask('get', S('{0.__code__.co_consts}'), 'format')(g))",
    ),
    "format-of-user-text": ("user-text", "def f(S, g): return nonce(S('{0.__globals__}').format(g))"),
    "format-map-of-user-text": (
        "user-text",
        "def f(S, g): return nonce(ask('get', S('{g.__globals__}'), 'format_map')({'g': g}))",
    ),
    "data-of-user-text": (
        "user-text",
        "def f(S, g):\n    s = S('x')\n    s.data = '{0.__globals__}'\n"
        "    return nonce(ask('call', ask('get', s, 'format'), g))",
    ),
    "assertion-replaced": ("case", "def f(case):\n    case.assertEqual = lambda *a: None\n    return 0"),
    "assertion-of-type-replaced": (
        "case",
        "def f(case):\n    case.addTypeEqualityFunc(int, lambda *a, **k: None)\n    return 0",
    ),
    "test-skipped": ("case", "def f(case): case.skipTest('x')"),
    "test-told-to-stop": ("case", "def f(case):\n    case._outcome = None\n    return 0"),
    "iterator-of-frames": ("iterator", "def f(it): return nonce(ask('get', it, 'gi_frame').f_globals)"),
    "iterator-returned-as-equal": ("iterator", "def f(it): return ask('eq', it, it)"),
    "answers-in-advance": (
        "loop",
        "def f(x):\n    p = end_of_connection()\n    for _ in range(5): p._send({'value': True})\n    return True",
    ),
    "answer-with-a-class": (
        "loop",
        "def f(x):\n    end_of_connection()._send({'value': {'m': [-1, 'object']}})",
    ),
    "stand-in-of-another-type": (
        "loop",
        "def f(x):\n    end_of_connection()._send({'value': {'m': [0, 'str']}, 'changed': []})\n    return Yes()",
    ),
}


def attacks() -> list[Attack]:
    """Return the attacks of this kind."""
    return [
        Attack(
            id=f"forge-handed-over-{name}",
            category=6,
            program=f"{_HEAD}{program}\n",
            way="split",
            guarantee="G3" if "globals" in name or "nonce" in program else "G1",
            test=_TESTS[test],
        )
        for name, (test, program) in _PROGRAMS.items()
    ]
