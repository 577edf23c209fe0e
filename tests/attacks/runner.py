"""Runs all attacks against a sandbox and says what became of each.

    python -P -m tests.attacks.runner [--level LEVEL] [--through WHAT] [--only WORD] [--part I N] [--all] [--json]

Level ``unforked`` is ``basic`` as it is where processes cannot be forked. Level ``remote`` stands for containers
of an engine that runs them as plain processes, see `FakeEngine`.

Only on a disposable host (see `disposable`), as process 1 of it: attacks that kill or stop everybody leave that
process alone, so it notes who ended the judge and goes on with the next attack.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import random
import secrets
import select
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from codegrove.errors import SandboxError
from codegrove.languages import PYTHON
from codegrove.task import AssertTest, CallTest, StdioTest, Test
from codegrove.tools.sandbox import Limits, ProcessSandbox, Sandbox, make_sandbox
from codegrove.tools.sandbox.assert_tests import Way as Mode
from codegrove.tools.sandbox.assert_tests import plan
from codegrove.tools.sandbox.native import sandbox_for
from codegrove.tools.sandbox.remote import ContainerExecutor, RemoteSandbox
from codegrove.verdict import Status, Verdict
from tests.attacks.attack import CATEGORIES, Attack, Finding, Outcome, Way
from tests.attacks.disposable import SECRET_START
from tests.attacks.programs.benign import Benign
from tests.attacks.programs.catalogue import all_attacks, all_benign, missing_toolchains
from tests.attacks.through import THROUGH, Through, expose, neighbour, those_for
from tests.attacks.world import Broken, World
from tests.support.containers import FakeEngine

LIMITS = Limits(
    wall_seconds=3.0, test_seconds=0.5, memory_mb=512, output_bytes=200_000, processes=16, file_mb=16
)
PATIENT = replace(LIMITS, test_seconds=1.5)
BENIGN_LIMITS = Limits(wall_seconds=15.0, test_seconds=6.0, memory_mb=1024)

GRACE_SECONDS = 2.0
"""What a verdict may come later than the wall limit."""

UNFORKED = "unforked"
"""Stands for level ``basic`` where runs cannot be forked, as on Windows."""

UNAVAILABLE = 78
"""Exit code where the host does not offer the level."""

_SILENCE_SECONDS = 15.0
"""After this long without a word from the judge, somebody has stopped it."""

_NEIGHBOUR = """\
import time
SECRET = {secret!r}
open('notes-{secret}', 'w').write(SECRET)
def f(x, y):
    time.sleep({seconds})
    return x
"""


async def run_attack(sandbox: Sandbox, attack: Attack, world: World, through: Through = "judge") -> Finding:
    """Run one attack and look at the world afterwards."""
    program, then = world.prepare(attack)
    limits = PATIENT if attack.patient else LIMITS
    tests, expected = _tests(attack)
    broken: list[Broken] = []
    beside: asyncio.Task[Verdict] | None = None
    if attack.victim_before:
        await _neighbour(sandbox, 0.0, through)
    if attack.victim_beside:
        beside = asyncio.create_task(_neighbour(sandbox, 1.2, through))
        await asyncio.sleep(0.2)
    watch = asyncio.create_task(_try_to_connect(world)) if attack.listens else None
    locking = asyncio.create_task(_meets_a_lock()) if attack.locks else None
    entry_point = None if attack.way == "stdio" else "f"
    began = time.monotonic()
    latest = limits.wall_seconds + GRACE_SECONDS
    try:
        async with asyncio.timeout(latest + limits.wall_seconds + 4):
            if through == "judge":
                judge = sandbox_for(sandbox, attack.language).judge
                verdict = await judge(program, tests, entry_point=entry_point, limits=limits)
            else:
                assert isinstance(sandbox, ProcessSandbox)
                verdict = await expose(sandbox, through, program, tests, entry_point, limits)
    except TimeoutError:
        verdict = Verdict(status=Status.UNJUDGED, note="no verdict")
    except Exception as error:  # noqa: BLE001 - a judge that raises is a finding
        verdict = Verdict(status=Status.UNJUDGED)
        broken.append(("G11", f"the judge raised {type(error).__name__}: {str(error)[:100]}"))
    seconds = time.monotonic() - began
    if verdict.retried:  # the limit is that of one run; the machine was too busy to believe the first
        latest += limits.wall_seconds
    if seconds > latest:
        broken.append(("G8", f"verdict after {seconds:.1f} s, limit {limits.wall_seconds:g} s"))
    if watch is not None and await watch:
        broken.append(("G6", "a listener of the candidate could be reached"))
    if locking is not None and await locking:
        broken.append((attack.guarantee, "somebody else met a lock on a file of the library"))
    broken += _told(attack, verdict, world, expected)
    broken += world.traces(attack)
    if then:
        later = await sandbox.judge(then, [_call(17, "never")], entry_point="f", limits=limits)
        if world.left in repr(later):
            broken.append((attack.guarantee, "a later run found what this one left"))
        broken += world.traces(attack)
    if beside is not None:
        await beside
        world.traces(attack)
    if attack.category == 6 and verdict.status is Status.UNJUDGED and through == "judge":
        broken.append(("G1", f"it could not be judged: {verdict.note}"))
    if not await _still_right(sandbox):
        broken.append(("G11", "afterwards a correct program is not judged correct"))
    forged = any(result.passed for result in verdict.results) and not attack.right
    if attack.way == "together":  # no proof is claimed for these
        forged = forged and "G1" in verdict.guarantees
    if forged and attack.wants == "successor":
        broken.insert(0, (attack.guarantee, "more than the limits was to be had"))
        forged = False
    elif forged:
        broken.insert(0, ("G1" if attack.guarantee not in ("G2", "G3") else attack.guarantee, "passed"))
    outcome = Outcome.FORGED if forged else Outcome.ESCAPED if broken else Outcome.CONTAINED
    return Finding(
        id=attack.id,
        category=attack.category,
        way=attack.way,
        outcome=outcome,
        language=attack.language,
        broken=tuple(dict.fromkeys(guarantee for guarantee, _ in broken)),
        reasons=tuple(dict.fromkeys(reason for _, reason in broken)),
        status=str(verdict.status),
        said=_said(verdict),
        seconds=seconds,
    )


def _call(x: int, expected: str) -> CallTest:
    return CallTest(args=f"({x},)", expected=repr(expected))


def _tests(attack: Attack) -> tuple[list[Test], list[str]]:
    """Return the tests and what they expect, as literals."""
    count = 2 if attack.category == 6 else 1  # a loop need not be waited for twice
    inputs = secrets.SystemRandom().sample(range(10_000, 100_000), count)
    if attack.expected:
        expected = [attack.expected] * len(inputs)
    elif attack.wants == "successor":
        expected = [repr(x + 1) for x in inputs]
    else:
        expected = [repr(f"nOnCe_{x}_{secrets.token_hex(8)}") for x in inputs]
    pairs = list(zip(inputs, expected, strict=True))
    if attack.way == "call":
        return [CallTest(args=f"({x},)", expected=value) for x, value in pairs], expected
    if attack.way == "stdio":
        return [StdioTest(stdin=f"{x}\n", expected=value.strip("'") + "\n") for x, value in pairs], expected
    if attack.test:
        number = secrets.randbelow(10**9) + 10**9
        code = attack.test.format(x=inputs[0], text=expected[0], number=number)
        return [_assert_test(code + (NO_CALLS if attack.way == "split" else ""), attack.way)], expected
    if attack.way == "assert":
        return [_assert_test(f"assert f({x}) == {value}", "assert") for x, value in pairs], expected
    if attack.way == "check":
        lines = "".join(f"    assert candidate({x}) == {value}\n" for x, value in pairs)
    else:
        table = ", ".join(f"({x}, {value})" for x, value in pairs)
        lines = f"    for x, y in [pair for pair in [{table}]]:\n        assert candidate(x) == y\n"
    start = "METADATA = {'author': 'x'}\n"
    if attack.way == "together":
        start, lines = "import inspect\n", f"    inspect.getdoc(candidate)\n{lines}"
    text = f"{start}\n\ndef check(candidate):\n{lines}\n\ncheck(f)\n"
    return [_assert_test(text, attack.way)], expected


NO_CALLS = "\n{name: name for name in ()}\n"
"""What makes a test more than calls and claims about answers."""
_PLANNED = {"assert": Mode.CALLS, "check": Mode.CALLS, "split": Mode.SPLIT, "together": Mode.TOGETHER}


def _assert_test(code: str, way: Way) -> AssertTest:
    """Return a test that is really run in that way."""
    planned = plan(code, "f").way
    if planned is not _PLANNED[way]:
        raise ValueError(f"a test of the attacks is not run by {way!r} but by {planned.value!r}: {code}")
    return AssertTest(code=code)


async def _neighbour(sandbox: Sandbox, seconds: float, through: Through) -> Verdict:
    """Somebody else's run, with a secret in its program, arguments, files and expected values."""
    secret = SECRET_START + secrets.token_hex(12)
    if through == "session":
        assert isinstance(sandbox, ProcessSandbox)
        await neighbour(sandbox, secret, seconds)
    tests: list[Test] = [
        CallTest(args=f"({secret!r}, 1)", expected=repr(secret)),
        AssertTest(code=f"y = {secret!r}\nassert f({secret!r}, 2) == y"),
    ]
    program = _NEIGHBOUR.format(secret=secret, seconds=seconds)
    limits = replace(PATIENT, wall_seconds=6.0, test_seconds=3.0)
    return await sandbox.judge(program, tests, entry_point="f", limits=limits)


async def _try_to_connect(world: World) -> bool:
    deadline = time.monotonic() + 0.6
    while time.monotonic() < deadline:
        for family, address in (
            (socket.AF_INET, ("127.0.0.1", world.free_port)),
            (socket.AF_UNIX, f"\0{world.abstract}-mine"),
        ):
            with socket.socket(family) as attempt, contextlib.suppress(OSError):
                attempt.settimeout(0.1)
                attempt.connect(address)
                return True
        await asyncio.sleep(0.03)
    return False


async def _meets_a_lock() -> bool:
    """Whether somebody who locks a file for a moment, again and again, finds it locked."""
    deadline = time.monotonic() + 1.2
    while time.monotonic() < deadline:
        if _is_locked(random.__file__):
            return True
        await asyncio.sleep(0.03)
    return False


def _is_locked(path: str) -> bool:
    with open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _told(attack: Attack, verdict: Verdict, world: World, expected: Sequence[str]) -> list[Broken]:
    """Return what the verdict shows that the candidate cannot have had rightfully."""
    text = repr(verdict)
    found: list[Broken] = []
    if SECRET_START in text.replace(f"'{SECRET_START}'", ""):
        found.append((attack.guarantee, "a secret was read"))
    if world.claim in text:
        found.append((attack.guarantee, "it did what it must not"))
    if attack.way != "together" and attack.wants == "nonce" and not attack.expected:
        shown = verdict.stdout
        if attack.way in (
            "call",
            "stdio",
        ):  # elsewhere the assertion is shown as it stands, and its runner speaks
            shown += verdict.stderr + repr([(result.output, result.error) for result in verdict.results])
        if any(value.strip("'") in shown for value in expected):
            found.append(("G3", "it read an expected value"))
    return found


def _said(verdict: Verdict) -> str:
    errors = [verdict.error, *(result.error for result in verdict.results)]
    first = next((str(error) for error in errors if error is not None), "")
    return first or verdict.note or next((result.output for result in verdict.results), "")[:80]


async def _still_right(sandbox: Sandbox) -> bool:
    limits = replace(BENIGN_LIMITS, wall_seconds=8.0)
    test = CallTest(args="(3, [1, 2])", expected="[1, 2, 3]")
    try:
        async with asyncio.timeout(20):
            right = await sandbox.judge(
                "def f(x, a):\n    return a + [x]\n", [test], entry_point="f", limits=limits
            )
    except Exception:  # noqa: BLE001 - whatever it raises, it has not judged
        return False
    return right.passed


async def run_benign(sandbox: Sandbox, program: Benign) -> str:
    """Return what is wrong with the verdict on a right program; nothing is."""
    judge = sandbox_for(sandbox, program.language).judge
    verdict = await judge(
        program.program, program.tests, entry_point=program.entry_point, limits=BENIGN_LIMITS
    )
    if verdict.passed:
        return ""
    results = [f"{result.status} {result.error or ''} {result.output[:60]!r}" for result in verdict.results]
    return f"{verdict.status} {verdict.error or ''} {verdict.note} {results[:3]}"


def table(findings: Sequence[Finding]) -> str:
    """Return contained, forged, escaped and total per category, and per language, as text."""
    lines = [f"{'category':<32}{'contained':>10}{'forged':>8}{'escaped':>9}{'total':>7}"]
    groups = {
        f"{number} {name}": [finding for finding in findings if finding.category == number]
        for number, name in CATEGORIES.items()
    }
    groups["all"] = list(findings)
    for language in sorted({finding.language for finding in findings}):
        groups[f"  in {language}"] = [finding for finding in findings if finding.language == language]
    for name, chosen in groups.items():
        count = Counter(finding.outcome for finding in chosen)
        lines.append(
            f"{name:<32}{count[Outcome.CONTAINED]:>10}{count[Outcome.FORGED]:>8}{count[Outcome.ESCAPED]:>9}"
            f"{len(chosen):>7}"
        )
    return "\n".join(lines)


def _open(level: str) -> Sandbox:
    if level == UNFORKED:
        return make_sandbox("basic", limits=LIMITS, workers=2, fork=False)
    if level != "remote":
        return make_sandbox(level, limits=LIMITS, workers=2)
    engine = FakeEngine(Path(tempfile.mkdtemp(prefix="codegrove-", dir="/var/tmp")))
    return RemoteSandbox(ContainerExecutor(engine=engine.path, warm=2), LIMITS, workers=2)


def _judge(
    level: str,
    through: Through,
    attacks: Sequence[Attack],
    programs: Sequence[Benign],
    report: int,
    key: str,
) -> None:
    """Work through the list, one line of report before and after each."""

    def say(**fields: Any) -> None:
        os.write(report, b"\n" + json.dumps({"key": key, **fields}).encode() + b"\n")

    async def work() -> None:
        world = World()
        try:
            sandbox = _open(level)
        except SandboxError as error:
            return say(unavailable=str(error))
        say(level=sandbox.level, guarantees=sandbox.guarantees)
        for program in programs:
            say(begins=program.id)
            say(benign=program.id, problem=await run_benign(sandbox, program))
        for attack in attacks:
            say(begins=attack.id)
            say(finding=asdict(await run_attack(sandbox, attack, world, through)))
        await sandbox.aclose()
        world.close()
        say(descriptors=len(os.listdir("/proc/self/fd")) - world.descriptors)

    asyncio.run(work())


class Orchestra:
    """Process 1: starts the judge, listens to it, starts it again behind an attack that ended it."""

    def __init__(
        self, level: str, attacks: Sequence[Attack], programs: Sequence[Benign], through: Through = "judge"
    ) -> None:
        self.level = level
        self.through: Through = through
        self.attacks = list(attacks)
        self.programs = list(programs)
        self.findings: list[Finding] = []
        self.benign: dict[str, str] = {}
        self.report: dict[str, Any] = {}
        self._current = ""
        self._key = ""
        self._written_by_others = False

    def run(self) -> None:
        """Run everything."""
        while self.attacks or self.programs:
            before = (len(self.attacks), len(self.programs))
            how = self._one_judge()
            self._kill_everybody()
            if "unavailable" in self.report:
                print(self.report["unavailable"], file=sys.stderr, flush=True)
                raise SystemExit(UNAVAILABLE)
            if not self.attacks and not self.programs:
                break
            if self._current and self.attacks and self._current == self.attacks[0].id:
                attack = self.attacks.pop(0)
                self.findings.append(
                    Finding(
                        id=attack.id,
                        category=attack.category,
                        way=attack.way,
                        outcome=Outcome.ESCAPED,
                        language=attack.language,
                        broken=("G6", "G11"),
                        reasons=(f"the judge {how}",),
                    )
                )
            elif self._current and self.programs and self._current == self.programs[0].id:
                self.benign[self.programs.pop(0).id] = f"the judge {how}"
            elif before == (len(self.attacks), len(self.programs)):
                raise SystemExit(f"the judge {how} before it began")

    def _one_judge(self) -> str:
        self._current = ""
        self._key = secrets.token_hex(8)
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(read)
                os.setsid()
                _judge(self.level, self.through, self.attacks, self.programs, write, self._key)
                code = 0
            except BaseException as error:  # noqa: BLE001 - it must not go on in the caller's place
                import traceback

                traceback.print_exc()
                print(error, file=sys.stderr, flush=True)
            finally:
                os._exit(code)
        os.close(write)
        text = b""
        how = "stopped answering"
        while select.select([read], [], [], _SILENCE_SECONDS)[0]:
            data = os.read(read, 1 << 16)
            if not data:
                how = "was killed"
                break
            *lines, text = (text + data).split(b"\n")
            for line in filter(None, lines):
                self._hear(line)
            self._reap()
        os.close(read)
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        return how

    def _hear(self, line: bytes) -> None:
        try:
            said = json.loads(line)
            genuine = said.pop("key") == self._key
        except (ValueError, KeyError, AttributeError, TypeError):
            genuine = False
        if not genuine:  # an attack has got at the judge's own descriptor
            self._written_by_others = True
        elif "begins" in said:
            self._current = said["begins"]
            self._written_by_others = False
        elif "finding" in said:
            fields = said["finding"]
            fields["outcome"] = Outcome(fields["outcome"])
            if self._written_by_others:
                fields["outcome"] = Outcome.ESCAPED
                fields["broken"].append("G6")
                fields["reasons"].append("it wrote to a descriptor of the judge")
            for name in ("broken", "reasons"):
                fields[name] = tuple(fields[name])
            self.findings.append(Finding(**fields))
            self.attacks.pop(0)
            self._current = ""
        elif "benign" in said:
            self.benign[said["benign"]] = said["problem"]
            self.programs.pop(0)
            self._current = ""
        else:
            self.report |= said

    def _kill_everybody(self) -> None:
        """Clean the host for the next judge."""
        assert os.getpid() == 1
        with contextlib.suppress(ProcessLookupError):
            for _ in range(50):
                os.kill(-1, signal.SIGKILL)
                self._reap()
                time.sleep(0.01)
        self._reap()

    @staticmethod
    def _reap() -> None:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def main() -> None:
    """Run the suite on this disposable host."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--level", default="basic")
    parser.add_argument("--through", choices=THROUGH, default="judge", help="what runs the programs")
    parser.add_argument("--only", default="", help="a part of the ids to run")
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1), metavar=("I", "N"), help="every N-th")
    parser.add_argument("--all", action="store_true", help="show contained attacks, too")
    parser.add_argument("--json", action="store_true", help="print the findings as one line of JSON")
    arguments = parser.parse_args()
    if os.getpid() != 1:
        raise SystemExit("run it on a disposable host: python -m tests.attacks --help")
    missing = missing_toolchains()
    attacks = [a for a in all_attacks() if arguments.only in a.id and a.language not in missing]
    attacks = those_for(attacks, arguments.through)
    programs = [p for p in all_benign() if arguments.only in p.id and p.language not in missing]
    if arguments.level == UNFORKED:  # which judges nothing else
        attacks = [attack for attack in attacks if attack.language == PYTHON]
        programs = [program for program in programs if program.language == PYTHON]
    if arguments.through != "judge":
        programs = []  # they are right programs; what has no verdict cannot say so
    first, step = arguments.part
    attacks, programs = attacks[first::step], programs[first::step]
    orchestra = Orchestra(arguments.level, attacks, programs, arguments.through)
    began = time.monotonic()
    orchestra.run()
    seconds = time.monotonic() - began
    if arguments.json:
        findings = [asdict(finding) for finding in orchestra.findings]
        report = {"findings": findings, "benign": orchestra.benign, "seconds": seconds, **orchestra.report}
        report["missing"] = missing
        print("\n" + json.dumps(report), flush=True)
        return
    for finding in orchestra.findings:
        if arguments.all or finding.outcome is not Outcome.CONTAINED:
            print(finding)
    for name, problem in orchestra.benign.items():
        if problem:
            print(f"benign {name}: {problem}")
    for language, why in missing.items():
        print(f"skipped {language}: {why}")
    print(f"\nlevel {arguments.level}: {orchestra.report}, {seconds:.0f} s")
    print(table(orchestra.findings))
    print(f"benign: {sum(not p for p in orchestra.benign.values())} of {len(orchestra.benign)} pass")


if __name__ == "__main__":
    main()
