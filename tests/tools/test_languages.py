"""Programs in other languages: verdicts, limits and walls at every level that this machine has."""

from __future__ import annotations

import asyncio
import mmap
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import codegrove
from codegrove.errors import LanguageError, SandboxError
from codegrove.languages import load_language
from codegrove.task import CallTest, StdioTest
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.sandbox.containment import LEVELS, Level
from codegrove.tools.sandbox.examination import examine
from codegrove.tools.sandbox.linked_files import libraries_of, loader_of
from codegrove.tools.sandbox.native import NativeSandbox, sandbox_for
from codegrove.tools.sandbox.native_words import first_lines, line_named
from codegrove.tools.sandbox.port import Sandbox
from codegrove.tools.sandbox.process_table import ProcessTable
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from codegrove.tools.sandbox.toolchain import find_toolchain
from codegrove.verdict import Status, Verdict

pytestmark = pytest.mark.slow

LIMITS = Limits(wall_seconds=10.0, test_seconds=3.0)
SUM = StdioTest(stdin="3 4\n", expected="7\n")
OTHER_SUM = StdioTest(stdin="5 -5\n", expected="0")

SUMS = {
    "cpp": '#include <cstdio>\nint main() { long a, b; scanf("%ld %ld", &a, &b); printf("%ld\\n", a + b); }\n',
    "javascript": (
        "const [a, b] = require('fs').readFileSync('/dev/stdin', 'utf8').split(' ').map(Number);\n"
        "console.log(a + b);\n"
    ),
    "bash": 'read a b; echo "$(echo "$a + $b" | bc 2> /dev/null || echo $((a + b)))" | sort\n',
}
MAIN = "#include <cstdio>\n#include <cstdlib>\n#include <unistd.h>\nint main() { %s }\n"


@pytest.fixture(scope="module", params=LEVELS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[ProcessSandbox]:
    """A sandbox of every level in turn."""
    level: Level = request.param
    finding = examine(level, sys.executable)
    if not finding.available:
        pytest.skip(f"{level}: {finding.reason}")
    made = ProcessSandbox(LIMITS, workers=1, level=level)
    yield made
    asyncio.run(made.aclose())


@pytest.fixture(scope="module")
def best() -> Iterator[ProcessSandbox]:
    """A sandbox of the strongest level, for what does not depend on the level."""
    level = next(level for level in LEVELS if examine(level, sys.executable).available)
    made = ProcessSandbox(LIMITS, workers=1, level=level)
    yield made
    asyncio.run(made.aclose())


Speak = Callable[[str], NativeSandbox]


@pytest.fixture
def speak(sandbox: ProcessSandbox) -> Speak:
    """Returns the sandbox for a language; skips where its toolchain is missing."""
    return lambda language: _language_of(sandbox, language)


@pytest.fixture
def speak_best(best: ProcessSandbox) -> Speak:
    """The same, on the strongest level."""
    return lambda language: _language_of(best, language)


def _language_of(sandbox: ProcessSandbox, language: str) -> NativeSandbox:
    try:
        return sandbox.for_language(language)
    except SandboxError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("language", SUMS)
async def test_right_and_wrong_programs_are_told_apart(speak: Speak, language: str) -> None:
    judge = speak(language)
    assert await judge.problem() == ""
    right = await judge.judge(SUMS[language], [SUM, OTHER_SUM])
    assert right.passed, right
    assert right.level == judge.level
    assert "G1" in right.guarantees and set(judge.guarantees) < set(right.guarantees)
    wrong = await judge.judge(SUMS[language], [SUM, StdioTest(stdin="1 1", expected="3")])
    assert [result.status for result in wrong.results] == [Status.PASSED, Status.FAILED]
    assert wrong.results[1].output == "2\n"


@pytest.mark.parametrize(
    ("language", "program", "line", "said"),
    [
        ("cpp", "int main() {\n    return x;\n}\n", 2, "‘x’ was not declared"),
        ("cpp", "int f();\nint main() { return f(); }\n", None, "undefined reference"),
        ("javascript", "let a = 1;\nlet b = ;\n", 2, "SyntaxError"),
        ("bash", "echo a\nif true; then\n", 3, "syntax error"),
    ],
)
async def test_what_does_not_compile_is_invalid(
    speak_best: Speak, language: str, program: str, line: int | None, said: str
) -> None:
    verdict = await speak_best(language).judge(program, [SUM, OTHER_SUM])
    assert verdict.status is Status.INVALID
    assert [result.status for result in verdict.results] == [Status.INVALID] * 2
    assert verdict.error is not None and verdict.error.type == "CompileError"
    assert said.strip("‘") in verdict.error.message.replace("'x'", "‘x’") or said in verdict.error.message
    assert verdict.error.line == line
    assert "/codegrove" not in verdict.error.message  # the folder differs from run to run
    again = await speak_best(language).judge(program, [SUM, OTHER_SUM])
    assert again.error == verdict.error


async def test_crashes_are_explained(speak_best: Speak) -> None:
    bash = speak_best("bash")
    code = await bash.judge("echo 7\necho oh no >&2\nexit 3\n", [SUM])
    assert code.status is Status.CRASHED
    assert str(code.results[0].error) == "ExitCode: exit code 3: oh no"
    killed = await bash.judge("kill -SEGV $$\n", [SUM])
    assert killed.results[0].error is not None and "SIGSEGV" in killed.results[0].error.message
    unknown = await bash.judge("echo 7\nno-such-program\n", [SUM])
    assert unknown.results[0].error is not None and unknown.results[0].error.line == 2


async def test_endless_programs_time_out(speak_best: Speak) -> None:
    limits = Limits(wall_seconds=5.0, test_seconds=0.3)
    verdict = await speak_best("bash").judge("read x; while [ $x = 1 ]; do :; done; echo $x", [
        StdioTest(stdin="1\n", expected="1"), StdioTest(stdin="2\n", expected="2"),
    ], limits=limits)  # fmt: skip
    assert [result.status for result in verdict.results] == [Status.TIMED_OUT, Status.PASSED]
    assert verdict.seconds < 3


async def test_too_much_output_stops_a_program(speak_best: Speak) -> None:
    verdict = await speak_best("bash").judge("while :; do echo aaaaaaaaaaaaaaaaa; done", [SUM])
    assert (verdict.status, verdict.limit) == (Status.CRASHED, "output")


async def test_a_program_is_compiled_once_for_all_tests(speak_best: Speak) -> None:
    judge = speak_best("cpp")
    one = await judge.judge(SUMS["cpp"], [SUM])
    many = await judge.judge(SUMS["cpp"], [SUM] * 8)
    assert many.passed
    assert many.cpu_seconds < 3 * one.cpu_seconds
    compiled_only = await judge.judge(SUMS["cpp"], [])
    assert (compiled_only.status, compiled_only.note) == (Status.UNJUDGED, "no tests")
    assert (await judge.judge("int", [])).status is Status.INVALID


async def test_the_first_failure_can_end_it(speak_best: Speak) -> None:
    verdict = await speak_best("bash").judge("echo 7", [OTHER_SUM, SUM], fail_fast=True)
    assert [result.status for result in verdict.results] == [Status.FAILED, Status.UNJUDGED]


async def test_tests_of_other_kinds_are_not_judged(speak_best: Speak) -> None:
    verdict = await speak_best("bash").judge("echo 7", [CallTest(args="(1,)", expected="7"), SUM])
    assert [result.status for result in verdict.results] == [Status.UNJUDGED, Status.PASSED]
    assert verdict.status is Status.UNJUDGED
    assert "test 0 cannot be used" in verdict.note


async def test_runs_share_nothing(speak: Speak) -> None:
    tests = [StdioTest(stdin="1", expected="fresh"), StdioTest(stdin="2", expected="fresh")]
    verdict = await speak("bash").judge("[ -e seen ] && echo seen || echo fresh; echo > seen; true", tests)
    assert verdict.passed


async def test_a_run_is_one_program(speak: Speak) -> None:
    """On the strict levels the compiled program can neither fork nor become another program, itself included."""
    judge = speak("cpp")
    body = (
        'if (fork() == 0) { puts("forked"); fflush(stdout); _exit(0); }'
        ' execl("/bin/echo", "echo", "other", (char *)0);'
        ' execl("./program", "program", (char *)0); puts("stayed");'
    )
    verdict = await judge.judge(MAIN % body, [StdioTest(stdin="", expected="stayed")])
    if judge.level == "basic":
        assert not verdict.passed
        return
    assert verdict.passed, verdict
    again = (
        'if (getenv("AGAIN")) { puts("again"); return 0; } setenv("AGAIN", "1", 1);'
        ' if (fork() == 0) { execl("./program", "program", (char *)0); _exit(1); } sleep(1);'
    )
    allowed = Limits(wall_seconds=10.0, test_seconds=5.0, children=True)
    verdict = await judge.judge(MAIN % again, [StdioTest(stdin="", expected="again")], limits=allowed)
    assert verdict.passed, verdict


async def test_scripts_reach_named_programs_only(speak: Speak, tmp_path: Path) -> None:
    judge = speak("bash")
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o644)
    program = f"cat {secret}; /usr/bin/env echo env; (echo b; echo a) | sort | tr '\\n' ' '; true"
    verdict = await judge.judge(program, [StdioTest(stdin="", expected="a b")])
    assert verdict.passed is (judge.level != "basic"), verdict


async def test_compilers_read_named_folders_only(speak: Speak, tmp_path: Path) -> None:
    judge = speak("cpp")
    secret = tmp_path / "secret"
    secret.write_text('"s3cret"\n')
    for program in (
        f'#include <cstdio>\nconst char s[] =\n#include "{secret}"\n;int main() {{ puts(s); }}\n',
        f'asm(".incbin \\"{secret}\\"");\nint main() {{}}\n',
    ):
        verdict = await judge.judge(program, [StdioTest(stdin="", expected="s3cret")])
        if judge.level != "basic":
            assert verdict.status is Status.INVALID
            assert "s3cret" not in repr(verdict)


async def test_memory_is_bounded(speak: Speak) -> None:
    judge = speak("javascript")
    program = "const a = []; for (let i = 0; i < 14; i++) a.push(Buffer.alloc(1 << 24, 1)); console.log(7);"
    limits = Limits(wall_seconds=10.0, test_seconds=8.0, memory_mb=160)
    verdict = await judge.judge(program, [SUM], limits=limits)
    assert verdict.status is Status.CRASHED
    assert (await judge.judge(program, [SUM], limits=Limits(memory_mb=600, test_seconds=8.0))).passed


async def test_a_waiting_verdict_can_be_cancelled(speak_best: Speak) -> None:
    judge = speak_best("bash")
    assert await judge.problem() == ""
    task = asyncio.create_task(judge.judge("while :; do :; done", [SUM], limits=Limits(test_seconds=20.0)))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await judge.judge(SUMS["bash"], [SUM])).passed


# -- languages of one's own ---------------------------------------------------------------------------------------

ECHO = """\
name: words
title: Words
fences: [words]
file: program.txt
version: [cat, --version]
run:
  command: [cat, "{source}"]
check: {program: hello, expected: hello}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    """Write a language file and return its path."""
    if shutil.which("cat") is None:
        pytest.skip("'cat' is not installed")

    def write(text: str) -> str:
        path = tmp_path / "own.yaml"
        path.write_text(text)
        return str(path)

    return write


async def test_a_language_takes_a_yaml_file_only(best: ProcessSandbox, write: Callable[[str], str]) -> None:
    judge = best.for_language(write(ECHO))
    assert (await judge.judge("7\n", [SUM])).passed
    assert (await judge.judge("8\n", [SUM])).status is Status.FAILED


async def test_a_language_cannot_show_hidden_tests(speak: Speak, write: Callable[[str], str]) -> None:
    package = Path(codegrove.__file__).parent
    problem = next((package / "problems" / "bundled").glob("*.md"))
    path = write(
        "name: open\ntitle: Open\nfences: [open]\nfile: p.sh\nversion: [bash, --version]\n"
        f"run: {{command: [bash, '{{source}}'], programs: [cat], forks: true, reads: ['{package.parent}']}}\n"
        "check: {program: echo 7, expected: '7'}\n"
    )
    judge = speak(path)
    assert await judge.problem() == ""
    program = f"cat {problem} | while read -r l; do echo $l; done; echo end"
    verdict = await judge.judge(program, [StdioTest(stdin="", expected="end")])
    shown = "Hidden tests" in repr(verdict)
    assert shown is (judge.level == "basic"), verdict


async def test_a_toolchain_that_does_not_work_judges_nobody(
    best: ProcessSandbox, write: Callable[[str], str]
) -> None:
    path = write(ECHO.replace("expected: hello", "expected: bye"))
    verdict = await best.for_language(path).judge("7\n", [SUM])
    assert [verdict.status, *(result.status for result in verdict.results)] == [Status.UNJUDGED] * 2
    assert "Words cannot be judged at level" in verdict.note and "'hello'" in verdict.note


def test_a_toolchain_that_is_missing_is_named(write: Callable[[str], str]) -> None:
    sandbox = ProcessSandbox(workers=1)
    with pytest.raises(
        SandboxError, match="Words is not available here: 'no-such-compiler' is not installed"
    ):
        sandbox.for_language(write(ECHO.replace("[cat, --version]", "[no-such-compiler]")))
    with pytest.raises(SandboxError, match="cat --no-such-option ended with exit code 1"):
        sandbox.for_language(write(ECHO.replace("--version", "--no-such-option")))


async def test_which_sandboxes_know_languages() -> None:
    process, scripted = ProcessSandbox(workers=1), ScriptedSandbox(lambda program, tests: 1.0)
    assert sandbox_for(process, "python") is process
    assert sandbox_for(scripted, "cpp") is scripted
    assert process.for_language("bash") is process.for_language("bash")

    class PythonOnly:
        level = "remote"
        guarantees = ()
        judge, trace, aclose = scripted.judge, scripted.trace, scripted.aclose

    only: Sandbox = PythonOnly()
    with pytest.raises(
        LanguageError, match=r"asks for C\+\+17, but the sandbox passed in judges Python only"
    ):
        sandbox_for(only, "cpp")
    await process.aclose()
    verdict: Verdict = await process.for_language("bash").judge("echo 7", [SUM])
    assert verdict.status is Status.UNJUDGED and "closed" in verdict.note
    with pytest.raises(SandboxError, match="closed"):
        process.for_language("javascript")


@pytest.mark.parametrize(
    "text", [b"a" * (1 << 20), b"/" * (1 << 20), b"/cc" * (1 << 18), b"x:1\n" * (1 << 18)]
)
def test_no_message_of_a_stranger_takes_long_to_read(text: bytes) -> None:
    began = time.process_time()
    said = first_lines(text, "program.cpp")
    assert len(said) < 2000
    assert time.process_time() - began < 0.5


def test_messages_name_files_without_what_differs_from_run_to_run() -> None:
    text = (
        b"/tmp/codegrove-x1/program.cpp:3: bad\n/usr/bin/ld: /tmp/x/ccAbC123.o: in function\n\n" + b"m\n" * 20
    )
    lines = first_lines(text, "program.cpp").split("\n")
    assert lines[:2] == ["program.cpp:3: bad", "/usr/bin/ld: temporary.o: in function"]
    assert lines[-1] == "... (10 more lines)"
    assert line_named(lines[0], "program.cpp") == 3


# -- parts --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/exe").exists(), reason="needs Linux")
def test_what_a_program_is_linked_with_is_known() -> None:
    bash = os.path.realpath(shutil.which("bash") or "/bin/bash")
    loader = loader_of(bash)
    if loader is None:
        pytest.skip("bash is linked statically")
    assert os.path.exists(loader)
    assert any("libc" in os.path.basename(path) for path in libraries_of(bash))
    assert loader_of(__file__) is None and libraries_of(__file__) == ()
    stage = next(stage for stage in find_toolchain(load_language("bash")).stages if stage.name == "run")
    assert bash in stage.execute and os.path.realpath(loader) in stage.execute
    assert not any(path.endswith(("/env", "/perl", "/sh")) for path in stage.execute)


@pytest.mark.skipif(not Path("/proc/self/exe").exists(), reason="needs Linux")
def test_shared_memory_of_descendants_is_counted() -> None:
    table = ProcessTable.of_this_process()
    before = table.shared_bytes_below()
    ready_read, ready_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        memory = mmap.mmap(-1, 20 << 20)
        memory.write(bytes(20 << 20))
        os.write(ready_write, b"x")
        signal.pause()
    try:
        os.read(ready_read, 1)
        assert table.shared_bytes_below() - before >= 20 << 20
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(ready_read)
        os.close(ready_write)
