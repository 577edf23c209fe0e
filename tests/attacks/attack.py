"""What an attack is, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from codegrove.tools.sandbox.assert_tests import Way as Mode
from codegrove.tools.sandbox.assert_tests import plan

CATEGORIES = {
    1: "read",
    2: "write and persist",
    3: "privilege and kernel surface",
    4: "network and messaging",
    5: "resources",
    6: "result forgery",
}

Way = Literal["call", "stdio", "assert", "check", "split", "together"]
"""How the program is tested: calls; standard input; assert statements, or a HumanEval ``check(candidate)``, that
are turned into calls and claims about the answers; a test that is executed in a process of its own; or one that
must be executed in the program's own process."""

WAYS: tuple[Way, ...] = ("call", "stdio", "assert", "check", "split", "together")

HUNT = """
import re
_SECRET = re.compile(b'sEcR' b'eT_[0-9a-f]{24}')
def hunt(data):
    if not isinstance(data, bytes):
        data = str(data).encode('utf-8', 'replace')
    found = _SECRET.search(data)
    return found.group().decode() if found else None
def slurp(path):
    try:
        with open(path, 'rb') as file:
            return hunt(file.read(1 << 20))
    except OSError:
        return None
"""
"""Helpers for programs that look for a secret. The pattern does not match its own text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A program, how it is run, and what it is after.

    The text may name things of the world around the sandbox as ``@HOME@``, ``@MARK@`` and so on, see `World`.
    """

    id: str
    category: int
    program: str
    way: Way = "call"
    guarantee: str = ""
    """The guarantee that evidence of success breaks."""
    wants: Literal["nonce", "successor"] = "nonce"
    """What the tests expect. A nonce: something nobody can compute, so every pass is forged. The successor of
    the input: the program does its misdeed and answers rightly."""
    expected: str = ""
    """What the tests expect instead, as a literal that the program's answer is not equal to."""
    test: str = ""
    """Assert test of its own, with ``{x}``, ``{text}`` and ``{number}`` for an input and what nobody can know."""
    right: bool = False
    """Whether a pass is legitimate, because the answer is right and only the evidence counts."""
    victim_before: bool = False
    """Whether somebody else's run, with a secret in everything it has, ends before."""
    victim_beside: bool = False
    """Whether such a run goes on at the same time."""
    then: str = ""
    """A second program, run afterwards, that looks for what the first one left."""
    listens: bool = False
    """Whether somebody tries to connect to the port ``@LISTEN@`` during the run."""
    locks: bool = False
    """Whether somebody tries to lock a file of the interpreter's library during the run."""
    patient: bool = False
    """Whether it gets more time per test, because the misdeed takes some."""
    language: str = "python"

    def __post_init__(self) -> None:
        if self.category not in CATEGORIES:
            raise ValueError(f"attack {self.id}: category {self.category}, expected 1 to 6")


def with_test(attack: Attack) -> list[Attack]:
    """Return an attack on a test of its own in each way in which that can be run."""
    split = replace(attack, way="split")
    if plan(attack.test.format(x=10_000, text="'nonce'", number=10**9), "f").way is not Mode.CALLS:
        return [split]
    return [split, replace(attack, id=f"{attack.id}-by-calls", way="assert")]


class Outcome(StrEnum):
    """What became of an attack."""

    CONTAINED = "contained"
    FORGED = "wrong program passed"
    ESCAPED = "escaped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One attack and what was seen from outside."""

    id: str
    category: int
    way: Way
    outcome: Outcome
    language: str = "python"
    broken: tuple[str, ...] = ()
    """Guarantees that were found broken."""
    reasons: tuple[str, ...] = ()
    status: str = ""
    """The verdict's status."""
    said: str = ""
    """The candidate's error or answer, for whoever wonders whether the attack was a serious one."""
    seconds: float = 0.0

    def __str__(self) -> str:
        why = f": {'; '.join(self.reasons)} [{', '.join(self.broken)}]" if self.reasons else ""
        said = "" if self.reasons else f": {self.said[:100]}"
        return f"{self.id} ({self.way}, {self.status}, {self.seconds:.2f} s) {self.outcome}{why}{said}"
