"""Categories 5 and 6: reports that a program writes itself, with the means of the process it runs in.

It finds them in the frames that called it: what sends, the token, and which test is under way. So the
records here have the right token; what is wrong is that it says so at all, when, how often, or how much.
"""

from __future__ import annotations

from tests.attacks.attack import Attack, Way

_HELPERS = """
import os, signal, sys, time
def _run():
    frame = sys._getframe()
    while frame is not None:
        found = frame.f_locals.get("self")
        if hasattr(found, "send") and hasattr(found, "stdio"):
            return found
        frame = frame.f_back
def _say(kind, **fields):
    _run().send(kind, **fields)
def _write(text):
    send = _run().send
    held = dict(zip(send.__code__.co_freevars, (cell.cell_contents for cell in send.__closure__)))
    rest = memoryview(text.replace("TOKEN", held["token"]).encode() + b"\\n")
    while rest:
        rest = rest[os.write(held["descriptor"], rest):]
def _quiet():
    signal.setitimer(signal.ITIMER_REAL, 0) if hasattr(signal, "setitimer") else None
    run = _run()
    getattr(run.alarm, "stop", lambda: None)()
def _slowly(kind, **fields):
    _quiet()
    end = time.monotonic() + 1.4
    while time.monotonic() < end:
        _say(kind, **fields)
        time.sleep(0.05)
ERROR = {"type": "OSError", "message": "no room", "trace": [], "test_line": None}
def _filled(text):
    deep = ("[" * 90 + "]" * 90 + ",") * 40_000
    return text.replace("DEEP", deep).replace("LONG", "at 0x" * 10**6).replace("BLANK", " " * 10**7)
"""

_UNJUDGED = {
    "broken": "_say('broken', error=ERROR)",
    "broken-and-gone": "_say('broken', error=ERROR)\n    os._exit(70)",
    "prepared-and-broken": "_say('prepared')\n    _say('broken', error=ERROR)",
    "invalid": "_say('invalid', error=ERROR)",
    "missing": "_say('missing')",
    "not-loaded": "_say('load_failed', error=ERROR)",
}
"""What would blame somebody else, or the program in another way than it deserves."""

_UNDESERVED = {
    "finished": "_say('finished')\n    os._exit(0)",
    "finished-first": "_say('finished')\n    _say('result', index=_run().current, seconds=0, outcome='passed')",
    "twice": "[_say('result', index=_run().current, seconds=0, outcome='value', value=0) for _ in range(2)]",
    "passed": "_say('result', index=_run().current, seconds=0, outcome='passed')",
    "answered": "_say('result', index=_run().current, seconds=0, outcome='answered')",
    "ended": "_say('result', index=0, seconds=0, outcome='ended')\n    _say('finished')\n    os._exit(0)",
    "two-kinds": (
        """_write('{"token": "TOKEN", "kind": "loaded", "kind": "result", "index": 0, "seconds": 0,'"""
        """ ' "outcome": "passed"}')"""
    ),
}

_LONGER: dict[str, tuple[str, tuple[Way, ...]]] = {
    "loaded": ("_slowly('loaded')", ("call", "stdio", "assert")),
    "prepared": ("_slowly('prepared')", ("call", "stdio", "assert")),
    "blocks": ("_slowly('blocks', total=0, complete=True, blocks=[])", ("call",)),
    "noise": ("_slowly('noise')", ("call", "stdio")),
    "other-test": ("_slowly('result', index=7, seconds=0, outcome='passed')", ("call",)),
    "kind-inside": (
        """_slowly('loaded', kind2={"kind": "result"})""",
        ("call",),
    ),
}
"""What is said again and again so that a test may take longer than it may; and in which ways of testing."""

_TIMES = {
    "nan": '"nan"',
    "text": '"0.1"',
    "infinite": "1e999",
    "negative": "-1",
    "boolean": "true",
    "many-digits": "1" + "0" * 400,
    "missing": None,
}
"""Seconds that a test has taken, as JSON."""

_BOMBS = {
    "answer": '"kind": "answer", "index": 0, "value": [DEEP 0]',
    "value": '"kind": "result", "index": 0, "seconds": 0, "outcome": "value", "value": [DEEP 0]',
    "padding": '"kind": "loaded", "pad": [DEEP 0]',
    "padding-of-a-result": '"kind": "result", "index": 0, "seconds": 0, "outcome": "ended", "pad": [DEEP 0]',
    "message": '"kind": "invalid", "error": {"type": "", "trace": [], "message": "LONG"}',
    "trace": '"kind": "blocks", "total": 0, "complete": true, "blocks": [DEEP 0]',
    "unfinished": '"kind": "result", "pad": "LONG',
    "blank": '"kind": "loaded" BLANK',
}
"""Records that take long to read."""

_FILLER = "#" * 60_000 + "\n"
_NO_ENTRY_POINT = {
    "long": "x = 1\n" * 60_000 + "g = 1\n",
    "deep": _FILLER + f"g = {'1 + ' * 2_950}1\n",
    "deep-and-short": f"g = {'1 + ' * 2_950}1\n",
}


def attacks() -> list[Attack]:
    """Return the attacks."""
    made: list[Attack] = []
    ways: tuple[Way, ...] = ("call", "stdio", "check", "split")
    for name, deed in (_UNJUDGED | _UNDESERVED).items():
        made += [_attack(f"forge-report-{name}-{way}", 6, deed, way, guarantee="G1") for way in ways]
        if name in _UNJUDGED:
            program = f"{_HELPERS}\n{deed.replace('    ', '')}\ndef f(x):\n    return 0\n"
            made.append(Attack(id=f"forge-report-{name}-at-import", category=6, program=program))
    for name, (deed, chosen) in _LONGER.items():
        made += [
            _attack(f"exceed-time-by-{name}-{way}", 5, deed, way, right=True, guarantee="G8")
            for way in chosen
        ]
    for name, seconds in _TIMES.items():
        rest = "" if seconds is None else f', "seconds": {seconds}'
        said = f'"kind": "result", "index": %d, "outcome": "value", "value": %d{rest}'
        deed = (
            f"""_write('{{"token": "TOKEN", {said}}}' % (_run().current, x + 1))\n"""
            "    _say('finished')\n    os._exit(0)"
        )
        made.append(_attack(f"forge-seconds-{name}", 6, deed, "call", right=True, guarantee="G2"))
    for name, text in _BOMBS.items():
        deed = (
            f"""line = _filled('{{"token": "TOKEN", ' {text!r} '}}')\n    [_write(line) for _ in range(3)]"""
        )
        bombed: tuple[Way, ...] = ("call", "assert", "stdio")
        made += [_attack(f"use-report-{name}-{way}", 5, deed, way, guarantee="G8") for way in bombed]
    for name, program in _NO_ENTRY_POINT.items():
        made.append(Attack(id=f"use-no-entry-point-{name}", category=5, program=program, guarantee="G8"))
    return made


def _attack(name: str, category: int, deed: str, way: Way, *, right: bool = False, guarantee: str) -> Attack:
    """Return a program that does something when it is called; `right`: and answers rightly then."""
    program = f"{_HELPERS}\ndef f(x):\n    {deed}\n    return x + {int(right)}\n"
    if way == "stdio":
        program += "print(f(int(input())))\n"
    return Attack(
        id=name,
        category=category,
        program=program,
        way=way,
        guarantee=guarantee,
        wants="successor" if right else "nonce",
    )
