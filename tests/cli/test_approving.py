"""Questions at the terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegrove import Run
from codegrove.approval import ApprovalRequest, Decision
from codegrove.cli.approving import QUESTION, Prompt, editor_command
from tests.cli.test_cli import Cli

PLAN = ApprovalRequest(what="plan", text="first\nsecond\n", task="t", node=0, about="plan")
SOLUTION = ApprovalRequest(what="solution", text="def f(): ...\n", task="t", node=3, about="1 of 2 tests")


class Typist:
    """Types lines, and keeps what was shown."""

    def __init__(self, *lines: str) -> None:
        self._lines = iter(lines)
        self.shown = ""
        self.alone = False

    def read(self, prompt: str) -> str:
        assert self.alone
        self.shown += prompt
        return next(self._lines, "")

    def write(self, text: str) -> None:
        self.shown += text

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        self.alone = True
        yield
        self.alone = False


def put(request: ApprovalRequest, typist: Typist, **how: object) -> Decision:
    prompt = Prompt(read=typist.read, write=typist.write, **how)  # type: ignore[arg-type]
    prompt.alone = typist.quiet
    return prompt(request)


@pytest.fixture(autouse=True)
def no_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)


@pytest.mark.parametrize(
    ("lines", "decision"),
    [
        (["a\n"], Decision.accept()),
        (
            [
                "hm\n",
                "",
            ],
            None,
        ),
        (["x\n", "A\n"], Decision.accept()),
        (["r\n", "too slow\n"], Decision.reject("too slow")),
        (["r\n", "\n"], Decision.reject()),
        (["e\n", "new\n", "text\n", ".\n"], Decision.edit("new\ntext\n")),
        (["e\n", ".\n", "a\n"], Decision.accept()),
        (["e\n", "first\n", "second\n", ".\n", "r\n", "no\n"], Decision.reject("no")),
    ],
)
def test_answers_are_read_from_the_terminal(lines: list[str], decision: Decision | None) -> None:
    typist = Typist(*lines)
    if decision is None:
        with pytest.raises(EOFError, match="terminal was closed"):
            put(PLAN, typist)
        return
    assert put(PLAN, typist) == decision
    assert "plan for t, node #0 (plan):\n1  first\n2  second\n" in typist.shown


def test_the_editor_named_in_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ncase "$2" in *.py) echo "# more" >> "$2";; esac\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", f"{editor} --wait")
    assert put(SOLUTION, Typist("e\n")) == Decision.edit("def f(): ...\n# more\n")


def test_an_editor_that_fails_leaves_typing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "/no/such/editor")
    typist = Typist("e\n", "x = 1\n", ".\n")
    assert put(SOLUTION, typist) == Decision.edit("x = 1\n")
    assert "the editor failed" in typist.shown


def test_an_editor_draws_on_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho screen; echo "# more" >> "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    assert put(SOLUTION, Typist("e\n")) == Decision.edit("def f(): ...\n# more\n")
    assert capfd.readouterr() == ("", "screen\n")


def test_an_editor_that_is_no_command_is_refused_before_anything_is_paid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "vim 'x")
    done = Cli(capsys, monkeypatch)(*COMMAND[4:], "--set", "approve=[plan]", "--out", tmp_path / "run")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "EDITOR=vim 'x: no command (No closing quotation); expected a program" in done.err
    assert not (tmp_path / "run").exists()


def test_the_command_of_an_editor() -> None:
    quoted = r'"C:\Program Files\Editor\e.exe" --wait'
    assert editor_command("code --wait '-n x'", "/a b.py", windows=False) == [
        "code",
        "--wait",
        "-n x",
        "/a b.py",
    ]
    assert editor_command(r"C:\Windows\notepad.exe", r"C:\a b.py", windows=True) == (
        r'C:\Windows\notepad.exe "C:\a b.py"'
    )
    assert editor_command(quoted, r"C:\a.py", windows=True) == rf"{quoted} C:\a.py"


COMMAND = [
    sys.executable,
    *("-P", "-c", "from codegrove.cli import main; main()"),
    *("solve", "--problem", "bundled", "--id", "merge-shifts", "-r", "loop", "-m", "sim:pass_rate=1"),
]


def test_without_a_terminal_nothing_is_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli, out = Cli(capsys, monkeypatch), tmp_path / "run"
    options: list[str | Path] = [*COMMAND[4:], "--set", "approve=[plan,solution]", "--out", out]
    done = cli(*options)
    assert done.code == 2
    assert done.err == (
        "codegrove: recipe 'loop' wants your approval (plan, solution), and there is no terminal to ask at; run"
        " it in a terminal, or accept everything with --approve-all\n"
    )
    assert not out.exists()
    done = cli(*options, "--approve-all")
    assert done.code == 0, done.err
    assert [(d.what, d.kind) for d in Run.open(out).decisions] == [("plan", "accept"), ("solution", "accept")]


class Terminal:
    """A run in a terminal of its own."""

    def __init__(self, *options: str | Path) -> None:
        self._ours, theirs = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k not in ("EDITOR", "VISUAL")} | {
            "TERM": "xterm"
        }
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, options)],
            stdin=theirs,
            stderr=theirs,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def wait_for(self, text: str, *, seconds: float = 60) -> None:
        """Read until a text has been shown after what was read before."""
        end, start = time.monotonic() + seconds, len(self.shown)
        while text not in self.shown[start:]:
            ready, _, _ = select.select([self._ours], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{text!r} was not shown; shown was {self.shown[-2000:]}"
            self.shown += os.read(self._ours, 65536).decode(errors="replace")

    def type(self, line: str) -> None:
        os.write(self._ours, f"{line}\n".encode())

    def end(self) -> int:
        """Wait for the end, reading what is still shown."""
        with contextlib.suppress(OSError):
            while part := os.read(self._ours, 65536):
                self.shown += part.decode(errors="replace")
        return self.process.wait(timeout=60)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        os.close(self._ours)


@pytest.mark.slow
def test_a_run_in_a_terminal_asks_and_ctrl_c_leaves_the_question_open(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ("--set", "approve=[plan,solution]", "--out", out)
    terminal = Terminal(*options)
    try:
        terminal.wait_for(QUESTION)
        terminal.type("e")
        terminal.wait_for("ends it")
        terminal.type("a plan of my own")
        terminal.type(".")
        terminal.wait_for(QUESTION)
        os.kill(terminal.process.pid, 2)
        assert terminal.end() == 3, terminal.shown
        assert "ended because: interrupted" in terminal.shown
    finally:
        terminal.close()
    assert [(d.what, d.kind) for d in Run.open(out).decisions] == [("plan", "edit")]
    terminal = Terminal(*options)
    try:
        terminal.wait_for(QUESTION)
        assert "solution for merge-shifts" in terminal.shown
        terminal.type("r")
        terminal.wait_for("why")
        terminal.type("not my style")
        assert terminal.end() == 3, terminal.shown
        assert "ended because: rejected: not my style" in terminal.shown
    finally:
        terminal.close()
    assert [node.text for node in Run.open(out).tree if node.kind == "plan"] == ["a plan of my own\n"]


def test_without_a_terminal_a_run_is_left_as_it_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli, out = Cli(capsys, monkeypatch), tmp_path / "run"
    task = ("--problem", "bundled", "--id", "merge-shifts", "-m", "sim:pass_rate=0", "--seed", "1")
    recipe = ("-r", "uct", "--set", "approve=[solution]", "--approve-all", "-q")
    assert cli("solve", *task, *recipe, "--max-calls", "2", "--out", out).code == 3
    before = (out / "run.sqlite").read_bytes()
    ended = Run.open(out).reason
    done = cli("resume", out, "--max-calls", "+2")
    assert done.code == 2 and "there is no terminal to ask at" in done.err
    assert (out / "run.sqlite").read_bytes() == before
    assert Run.open(out).reason == ended
