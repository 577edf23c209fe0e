"""Small problems of this test folder, requests about them, and a runner that cannot hang."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from types import FrameType
from typing import Any

from codegrove.models.port import Message, Request
from codegrove.models.sim import SimSettings, SimSkill, SimulatedProgrammer
from codegrove.models.sim.known import Known
from codegrove.problem import Problem
from codegrove.task import AssertTest, CallTest, Origin, StdioTest, Task

SHOWN = "Failed:\nclimb([1, 2]) == 1 but it returned 2"
"""Feedback with the value a failing test brought."""


def _calls(cases: Mapping[str, str], origin: Origin) -> tuple[CallTest, ...]:
    return tuple(CallTest(args=args, expected=value, origin=origin) for args, value in cases.items())


CLIMB = Problem(
    task=Task(
        id="climb",
        statement="Return the longest run of strictly rising neighbours.",
        entry_point="climb",
        stub='def climb(heights):\n    """Return the longest run."""\n',
        tests=_calls({"([1, 2],)": "1", "([],)": "0"}, Origin.VISIBLE),
    ),
    hidden=_calls(
        {
            "([3, 4, 5, 1, 2],)": "2",
            "([5, 4],)": "0",
            "([1, 1, 1],)": "0",
            "([1, 2, 3, 4, 5],)": "4",
            "([2, 1, 5, 6, 7, 3],)": "3",
            "([0, -1, 4],)": "1",
            "([9],)": "0",
            "([1, 3, 2, 4, 6],)": "2",
        },
        Origin.HIDDEN,
    ),
    reference=(
        'def climb(heights):\n    """Return the longest run."""\n    best = 0\n    run = 0\n'
        "    for index in range(1, len(heights)):\n        if heights[index] > heights[index - 1]:\n"
        "            run += 1\n            best = max(best, run)\n        else:\n            run = 0\n"
        "    return best\n"
    ),
    wrong=(
        "def climb(heights):\n    if not heights:\n        return 0\n"
        "    return heights.index(max(heights)) - heights.index(min(heights))\n",
    ),
    level="easy",
)

MODE = Problem(
    task=Task(
        id="mode",
        statement="Return the value that stands most often in a list; the smallest one on a tie.",
        entry_point="mode",
        stub="from collections import Counter\n\ndef mode(values):\n",
        tests=_calls({"([1, 2, 2],)": "2"}, Origin.VISIBLE),
    ),
    hidden=(
        AssertTest(
            code=(
                "def check(candidate):\n    assert candidate([3, 3, 1, 1]) == 1\n    assert candidate([4]) == 4\n"
                "    assert candidate([2, 2, 1]) == 2, 'message'\n    assert 5 == candidate([5, 5, 6])\n"
                "    assert candidate([0, 0, 3, 3, 3]) == 3\n    for n in range(3):\n"
                "        assert candidate([n]) == n\n\ncheck(mode)\n"
            ),
            origin=Origin.HIDDEN,
        ),
    ),
    reference=(
        "from collections import Counter\n\ndef counted(values):\n    table = Counter(values)\n"
        "    return table\n\n"
        "def mode(values):\n    table = counted(values)\n    most = max(table.values())\n"
        "    return min(value for value, count in table.items() if count == most)\n\n"
        "def unrelated(value):\n    return value + 1\n"
    ),
    level="medium",
)

CIPHER = Problem(
    task=Task(
        id="cipher",
        statement="Undo `encode`, which moves every letter one place on.",
        entry_point="decode",
        stub=(
            "def encode(text):\n    return ''.join(chr((ord(c) - 96) % 26 + 97) for c in text)\n\n\n"
            "def decode(text):\n"
        ),
    ),
    hidden=_calls({"('bcd',)": "'abc'", "('a',)": "'z'", "('',)": "''"}, Origin.HIDDEN),
    reference=(
        "def encode(text):\n    return ''.join(chr((ord(c) - 96) % 26 + 97) for c in text)\n\n\n"
        "def decode(text):\n    for _ in range(25):\n        text = encode(text)\n    return text\n"
    ),
    level="hard",
)

TILL = Problem(
    task=Task(
        id="till",
        statement="Read a number n and n prices; print the sum of those above 10, then how many they are.",
        tests=(StdioTest(stdin="3\n5\n20\n30\n", expected="50\n2\n"),),
    ),
    hidden=(
        StdioTest(stdin="1\n10\n", expected="0\n0\n", origin=Origin.HIDDEN),
        StdioTest(stdin="2\n11\n9\n", expected="11\n1\n", origin=Origin.HIDDEN),
        StdioTest(stdin="4\n11\n12\n13\n1\n", expected="36\n3\n", origin=Origin.HIDDEN),
    ),
    reference=(
        "def main():\n    n = int(input())\n    prices = [int(input()) for _ in range(n)]\n    total = 0\n"
        "    dear = 0\n    for price in prices:\n        if price > 10:\n            total += price\n"
        "            dear += 1\n    print(total)\n    print(dear)\n\n\nif __name__ == '__main__':\n    main()\n"
    ),
    level="medium",
)

ECHO = Problem(
    task=Task(id="echo", statement="Print each line of the input backwards, in turn."),
    hidden=(StdioTest(stdin="ab\ncd\n", expected="ba\ndc\n", origin=Origin.HIDDEN),),
    reference="import sys\n\nfor line in sys.stdin:\n    print(line.rstrip('\\n')[::-1])\n",
)

ONE_LINE = Problem(
    task=Task(id="one-line", statement="Return the fraction of a number.", entry_point="fraction"),
    hidden=(
        AssertTest(
            code="assert fraction(3.5) == 0.5\nassert abs(fraction(1.25) - 0.25) < 1e-6\nassert fraction(0) == 0",
            origin=Origin.HIDDEN,
        ),
    ),
    reference="def fraction(number):\n    return number % 1.0\n",
)

BARE = Problem(
    task=Task(id="bare", statement="Return the argument.", entry_point="same"),
    reference="def same(value):\n    return value\n",
)
"""Nothing in it can be spoilt, and no test is known."""

PROBLEMS = (CLIMB, MODE, CIPHER, TILL, ECHO, ONE_LINE, BARE)
TESTED = (CLIMB, MODE, CIPHER, TILL, ECHO, ONE_LINE)


@cache
def study(problem: Problem) -> Known:
    """Return what the simulation knows of a problem; worked out once, as it does not change."""
    return Known(problem)


def programmer(seed: int = 0, **skill: Any) -> SimulatedProgrammer:
    """Return a programmer that knows all problems here."""
    return SimulatedProgrammer(PROBLEMS, SimSettings(skill=SimSkill(**skill), seed=seed))


def request(problem: Problem, answer_format: str, **fields: Any) -> Request:
    """Return a request about a problem; unknown keyword arguments become prompt variables."""
    own = {
        name: fields.pop(name) for name in ("role", "action", "draw", "seed", "messages") if name in fields
    }
    own.setdefault("messages", (Message("user", problem.task.statement),))
    return Request(answer_format=answer_format, task_id=problem.id, variables=fields, **own)


def drafted(model: SimulatedProgrammer, problem: Problem, draw: int = 0, **variables: Any) -> str:
    """Return the program of one draft."""
    asked = request(problem, "code", role="coder", action="write", draw=draw, **variables)
    return block(model.reply(asked).text)


def mended(
    model: SimulatedProgrammer, problem: Problem, program: str, draw: int = 0, **variables: Any
) -> str:
    """Return the program of one repair."""
    asked = request(problem, "code", role="debugger", action="debug", draw=draw, program=program, **variables)
    return block(model.reply(asked).text)


def block(text: str) -> str:
    """Return what stands in the only fenced block of an answer."""
    found = re.findall(r"^(`{3,})(?:python|json)?\n(.*?)^\1$", text, re.M | re.S)
    assert len(found) == 1, f"expected one block in {text!r}"
    return str(found[0][1])


class _TooLong(BaseException):
    """Raised into a program that makes too many steps; no `except Exception` of its own can stop it."""


@contextlib.contextmanager
def bounded(steps: int) -> Iterator[None]:
    """Let the code inside make a limited number of steps."""
    left = steps

    def count(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise _TooLong
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        yield
    finally:
        sys.settrace(before)


def passes(problem: Problem, program: str) -> bool:
    """Run a program made by the simulation from a trusted reference on all tests of the problem."""
    try:
        code = compile(program, "program", "exec")
        if problem.task.entry_point is None:
            return all(_prints(code, test) for test in problem.hidden if isinstance(test, StdioTest))
        checks = "\n".join(
            test.code if isinstance(test, AssertTest) else f"assert {test.describe(problem.task.entry_point)}"
            for test in (*problem.task.tests, *problem.hidden)
        )
        space: dict[str, Any] = {}
        with bounded(4000):
            exec(code, space)
            exec(compile(checks, "checks", "exec"), space)
    except (Exception, _TooLong):  # noqa: BLE001 - mutants may raise anything
        return False
    return True


def _prints(code: Any, test: StdioTest) -> bool:
    before, output = sys.stdin, io.StringIO()
    sys.stdin = io.StringIO(test.stdin)
    try:
        with contextlib.redirect_stdout(output), bounded(4000):
            exec(code, {"__name__": "__main__"})
    finally:
        sys.stdin = before
    return output.getvalue().rstrip() == test.expected.rstrip()
