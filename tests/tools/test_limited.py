"""The parts of level ``limited`` that can be tried without macOS: its profile, and what it adds to a run."""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import SandboxError
from codegrove.task import CallTest
from codegrove.tools.sandbox import Limits, make_sandbox, seatbelt
from codegrove.tools.sandbox.assignment import Assignment
from codegrove.tools.sandbox.containment import Containment, containment
from codegrove.tools.sandbox.examination import examine
from codegrove.tools.sandbox.interpreter import Interpreter
from codegrove.tools.sandbox.judgement import Judgement
from codegrove.tools.sandbox.macos import footprint, footprint_of
from codegrove.tools.sandbox.rules import Rules, RunEnd
from codegrove.verdict import Status, Verdict


def rules(text: str) -> list[Any]:
    """Read a profile as nested lists."""
    stack: list[list[Any]] = [[]]
    rest = text
    while rest := rest.lstrip():
        if rest[0] == "(":
            stack.append([])
            rest = rest[1:]
        elif rest[0] == ")":
            done = stack.pop()
            stack[-1].append(done)
            rest = rest[1:]
        elif rest[0] == '"':
            value, end = json.JSONDecoder().raw_decode(rest)
            stack[-1].append(value)
            rest = rest[end:]
        else:
            word = rest.split(maxsplit=1)[0].partition(")")[0]
            stack[-1].append(word)
            rest = rest[len(word) :]
    (found,) = stack
    return found


def decide(profile: list[Any], operation: str, path: str) -> str:
    """Return what the last matching rule says of a path."""
    decision = ""
    for action, *rest in profile:
        if action not in ("allow", "deny"):
            continue
        operations = [word for word in rest if isinstance(word, str)]
        filters = [item for item in rest if isinstance(item, list)]
        if not any(
            op == "default" or op == operation or (op[-1] == "*" and operation.startswith(op[:-1]))
            for op in operations
        ):
            continue
        if not filters or any(_matches(one, path) for one in filters):
            decision = action
    return decision


def _matches(one: list[Any], path: str) -> bool:
    match one:
        case ["subpath", str(folder)]:
            return path == folder or path.startswith(folder + "/")
        case ["literal", str(name)]:
            return path == name
    return False


@pytest.fixture
def profile(tmp_path: Path) -> list[Any]:
    granted = tmp_path / "granted"
    hidden = granted / "codegrove"
    scratch = tmp_path / "scratch"
    walls = Containment(level="limited", readable=(str(granted),), hidden=(str(hidden),))
    return rules(seatbelt.profile(sys.executable, walls, str(scratch)))


def test_the_profile_allows_what_programs_need(profile: list[Any], tmp_path: Path) -> None:
    assert profile[:2] == [["version", "1"], ["deny", "default"]]
    for path in (os.__file__, os.path.realpath(sys.executable), "/dev/null", f"{tmp_path}/granted/x.py"):
        assert decide(profile, "file-read-data", path) == "allow", path
    assert decide(profile, "file-write-create", f"{tmp_path}/scratch/codegrove-run/x") == "allow"
    assert decide(profile, "process-exec", sys.executable) == "allow"
    assert ["allow", "process-fork"] in profile


def test_the_profile_forbids_everything_else(profile: list[Any], tmp_path: Path) -> None:
    for path in ("/Users/me/.ssh/id_rsa", "/etc/passwd", "/private/etc/master.passwd", f"{tmp_path}/other"):
        assert decide(profile, "file-read-data", path) == "deny", path
    for path in (
        "/Users/me/x",
        os.__file__,
        "/dev/disk0",
        f"{tmp_path}/granted/x.py",
        f"{tmp_path}/scratch2",
    ):
        assert decide(profile, "file-write-create", path) == "deny", path
        assert decide(profile, "file-write-data", path) == "deny", path
    assert decide(profile, "process-exec", "/bin/sh") == "deny"
    for operation in (
        "network-outbound",
        "network-bind",
        "mach-lookup",
        "iokit-open",
        "ipc-posix-shm",
        "job-creation",
    ):
        assert decide(profile, operation, "/anything") == "deny"


def test_hidden_tests_stay_hidden_but_the_interpreter_finds_its_parts(
    profile: list[Any], tmp_path: Path
) -> None:
    assert decide(profile, "file-read-data", f"{tmp_path}/granted/codegrove/problems/p.md") == "deny"
    own = seatbelt.profile(sys.executable, containment("limited", ()), str(tmp_path))
    folder = Path(seatbelt.__file__).parent
    assert decide(rules(own), "file-read-data", str(folder / "child.py")) == "allow"
    assert decide(rules(own), "file-read-data", str(folder.parent / "block_trace.py")) == "allow"
    assert decide(rules(own), "file-read-data", str(folder.parent.parent / "problems" / "x.md")) == "deny"


@given(st.text(min_size=1, max_size=20))
def test_no_path_breaks_out_of_its_quotes(name: str) -> None:
    path = "/" + name
    walls = Containment(level="limited", readable=(path,))
    if not path.isprintable():
        with pytest.raises(SandboxError, match="cannot name the path"):
            seatbelt.profile(sys.executable, walls, "/scratch")
        return
    found = rules(seatbelt.profile(sys.executable, walls, "/scratch"))
    assert decide(found, "file-read-data", path) == "allow"
    assert len(found) == len(
        rules(seatbelt.profile(sys.executable, Containment(level="limited"), "/scratch"))
    )


def test_a_relative_path_is_no_path_of_a_profile() -> None:
    with pytest.raises(SandboxError, match="'lib'"):
        seatbelt.profile(sys.executable, Containment(level="limited", readable=("lib",)), "/scratch")


def test_where_the_level_is_missing_it_says_why() -> None:
    walls = Containment(level="limited")
    with pytest.raises(SandboxError, match="needs macOS, not linux"):
        seatbelt.command("python", walls, "/s", platform="linux")
    with pytest.raises(SandboxError, match="/does/not/exist, which is not there"):
        seatbelt.command(sys.executable, walls, "/s", tool="/does/not/exist", platform="darwin")
    told = seatbelt.command(sys.executable, walls, "/s", tool="/bin/sh", platform="darwin")
    assert told[:2] == ["/bin/sh", "-p"]
    assert told[2].startswith("(version 1)\n(deny default)\n")


@pytest.mark.skipif(sys.platform == "darwin", reason="there it may be available")
def test_elsewhere_it_is_refused_with_its_reason() -> None:
    assert examine("limited", sys.executable).reason.startswith("this level needs macOS")
    with pytest.raises(SandboxError, match="sandbox level 'limited' is demanded but not available"):
        make_sandbox("limited")


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Callable[[str], Verdict]]:
    """Judges on level ``limited`` with a tool that ignores its profile: only what runs keep themselves is left."""
    tool = tmp_path / "sandbox-exec"
    tool.write_text('#!/bin/sh\n[ "$1" = -p ] && [ -n "$2" ] || exit 1\nshift 2\nexec "$@"\n')
    tool.chmod(0o755)

    def around(python: str, walls: Containment, scratch: str) -> list[str]:
        return seatbelt.command(python, walls, scratch, tool=str(tool), platform="darwin")

    interpreter = Interpreter(sys.executable, containment("limited", ()), around=around)

    class Execute:
        def __call__(
            self, job: dict[str, Any], stdin: bytes | None, rules: Rules, on_record: Callable[[bytes], bool]
        ) -> RunEnd:
            text = json.dumps(job | {"site_packages": []}).encode()
            return interpreter.run(
                text, stdin=stdin, rules=rules, on_record=on_record, cancelled=lambda: False
            )

        def pair(self, *args: Any) -> Any:
            raise AssertionError("nothing here is split")

    def judge(body: str) -> Verdict:
        test = CallTest(args="(1,)", expected="'refused'")
        program = f"import os, time\ndef f(x):\n    {body}\n    return 'done'\n"
        limits = Limits(test_seconds=5.0, scratch_mb=4)
        return Judgement(
            Assignment(program=program, tests=[test], entry_point="f", limits=limits), Execute()
        ).run()

    yield judge
    assert interpreter.layers() == ["sandbox profile"]
    interpreter.close()


def test_the_scratch_folder_of_a_run_is_watched(judge: Callable[[str], Verdict]) -> None:
    filling = "for n in range(999): open(str(n), 'wb').write(bytes(1 << 20)); time.sleep(0.002)"
    verdict = judge(filling)
    assert (verdict.status, verdict.limit) == (Status.CRASHED, "disk")
    assert judge("open('x', 'w').write('y'); return 'refused'").passed


@pytest.mark.skipif(os.name == "posix" and os.getuid() == 0, reason="root may always start processes")
def test_new_processes_are_refused(judge: Callable[[str], Verdict]) -> None:
    assert judge("try: os.fork()\n    except OSError: return 'refused'").passed


def test_memory_is_read_from_the_right_place() -> None:
    numbers = list(range(100, 110))
    assert footprint_of(struct.pack("=16s10Q", b"id", *numbers) + b"more") == 107
    if sys.platform == "darwin":
        assert footprint(os.getpid()) > 1 << 20
    else:
        assert footprint(os.getpid()) == 0
