"""`progress=True`: one output that is kept up to date, and nothing at all without it."""

from __future__ import annotations

import os
import pty
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from codegrove import Solution, asolve, load_problems, resume, solve
from codegrove.graphs.session import Session
from codegrove.models.metered import CallRecord
from codegrove.outcome import Outcome
from codegrove.search.policy import Expansion
from codegrove.search.tree import Node, SearchTree

PROBLEM = load_problems("bundled").by_id("rotate-ring")
SETTINGS: dict[str, Any] = {"model": "sim:pass_rate=0.3", "sandbox": "basic", "seed": 7}


class Published(DisplayPublisher):
    """Keeps what a notebook would be sent."""

    def publish(self, data: Any, *args: Any, **kwargs: Any) -> None:
        """Keep one message."""
        self.sent.append((data, kwargs.get("transient"), kwargs.get("update", False)))

    sent: ClassVar[list[tuple[Any, Any, bool]]] = []


class Shell(InteractiveShell):
    """A shell as notebooks have it: with a kernel."""

    kernel = object()


@pytest.fixture
def notebook() -> Iterator[Published]:
    """What a notebook in this process is sent."""
    Published.sent.clear()
    shell = Shell.instance(display_pub_class=Published)
    assert isinstance(shell.display_pub, Published)
    yield shell.display_pub
    Shell.clear_instance()


@pytest.mark.filterwarnings("default")
async def test_a_notebook_has_one_output_that_follows_the_search(
    notebook: Published, capfd: pytest.CaptureFixture[str]
) -> None:
    solution = await asolve(PROBLEM, "grove", progress=True, **SETTINGS)
    (_, first, update), *later = notebook.sent
    assert not update and first["display_id"]
    assert all(update and transient == first for _, transient, update in later), "always the same output"
    assert "grove · rotate-ring · sim:" in later[0][0]["text/plain"]
    assert all({"text/plain", "text/html"} <= data.keys() for data, *_ in notebook.sent)
    assert later[-1][0] == solution._repr_mimebundle_()
    assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings("default")
def test_while_it_runs_the_output_shows_spend_and_tree(
    notebook: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codegrove.display.notebook.REFRESH_SECONDS", 0.0)
    solve(PROBLEM, "grove", progress=True, **SETTINGS)
    texts = [data["text/plain"] for data, *_ in notebook.sent]
    counts = [int(found[1]) for text in texts if (found := re.search(r"calls (\d+)", text))]
    assert counts == sorted(counts) and counts[-1] > counts[0]
    assert any("#1" in text for text in texts[:-1])
    assert any("<svg" in data["text/html"] for data, *_ in notebook.sent[:-1])


@pytest.mark.filterwarnings("default")
def test_a_run_that_is_finished_is_shown_as_it_ended(notebook: Published, tmp_path: Path) -> None:
    solution = solve(PROBLEM, "grove", out=tmp_path / "run", **SETTINGS)
    assert not notebook.sent
    again = resume(tmp_path / "run", progress=True)
    assert len(notebook.sent) == 2 and notebook.sent[-1][0]["text/plain"] == _plain(again)
    assert again.program == solution.program


class Changing:
    """Changes something about a session before its first step."""

    def __init__(self, change: Callable[[Session], object]) -> None:
        self._change: Callable[[Session], object] | None = change

    def asked(self, session: Session, expansion: Expansion) -> None:
        """Change it, once."""
        change, self._change = self._change, None
        if change is not None:
            change(session)

    def told(self, session: Session, expansion: Expansion, outcome: Outcome) -> None:
        """Not this one."""

    def called(self, session: Session, record: CallRecord) -> None:
        """Not this one."""


def answer_with(value: object) -> Changing:
    """Let the policy of a session answer this, or raise it."""

    def answer(tree: SearchTree) -> object:
        if isinstance(value, Exception):
            raise value
        return value

    return Changing(lambda session: vars(session.search.policy).update(answer=answer))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("answer", [RuntimeError("no answer"), 10_000, "first"])
def test_a_policy_that_answers_badly_does_not_reach_the_event_loop(
    notebook: Published, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: object
) -> None:
    monkeypatch.setattr("codegrove.display.notebook.REFRESH_SECONDS", 0.0)
    solution = solve(PROBLEM, "loop", progress=True, observers=[answer_with(answer)], **SETTINGS)
    assert notebook.sent[-1][0]["text/plain"] == _plain(solution)
    assert not [record for record in caplog.records if record.name == "asyncio"]


def _plain(solution: Solution) -> str:
    return solution._repr_mimebundle_()["text/plain"]


class Terminal:
    """A terminal of 100 columns on standard error, and what appeared on it."""

    def __init__(self) -> None:
        ours, theirs = pty.openpty()
        self.stream = os.fdopen(theirs, "w")
        self._shown = bytearray()
        self._reader = threading.Thread(target=self._read, args=(ours,))
        self._reader.start()

    def _read(self, ours: int) -> None:
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                part = b""
            if not part:
                os.close(ours)
                return
            self._shown += part

    def close(self) -> str:
        """Close it and return everything that was sent to it."""
        self.stream.close()
        self._reader.join(10)
        return self._shown.decode()


def standard_error(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal that standard error goes to."""
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    return terminal


@pytest.mark.filterwarnings("default")
def test_a_terminal_has_one_picture_that_follows_the_search(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = standard_error(monkeypatch)
    solution = solve(
        PROBLEM, "grove", progress=True, **{**SETTINGS, "model": "sim:pass_rate=0.3,latency=0.1"}
    )
    shown = terminal.close()
    assert "\x1b[2K" in shown, "lines are replaced"
    assert "best" in shown and f"rotate-ring: {solution.result.value}" in shown
    assert capsys.readouterr().out == ""


class WatchedTree(SearchTree):
    """Notes which threads read it."""

    readers: ClassVar[set[str]] = set()

    def __getitem__(self, node_id: int) -> Node:
        self.readers.add(threading.current_thread().name)
        return super().__getitem__(node_id)

    def __len__(self) -> int:
        self.readers.add(threading.current_thread().name)
        return super().__len__()


@pytest.mark.filterwarnings("default")
def test_only_the_thread_that_changes_the_tree_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = standard_error(monkeypatch)
    WatchedTree.readers.clear()
    watch = Changing(lambda session: setattr(session.search.tree, "__class__", WatchedTree))
    settings = {**SETTINGS, "model": "sim:pass_rate=0.0,repair_rate=0.0,latency=0.05"}
    solve(PROBLEM, "uct", progress=True, observers=[watch], **settings)
    assert "\x1b[2K" in terminal.close()
    assert len(WatchedTree.readers) == 1


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("answer", [RuntimeError("no answer"), 10_000])
def test_a_policy_that_answers_badly_spoils_at_most_the_picture(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: object
) -> None:
    terminal = standard_error(monkeypatch)
    settings = {**SETTINGS, "model": "sim:pass_rate=0.0,latency=0.05"}
    solution = solve(PROBLEM, "loop", progress=True, observers=[answer_with(answer)], **settings)
    shown = terminal.close()
    assert f"rotate-ring: {solution.result.value}" in shown and "Exception in thread" not in shown
    assert not [record for record in caplog.records if record.name == "asyncio"]


@pytest.mark.filterwarnings("default")
def test_elsewhere_a_line_for_each_outcome_goes_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    solution = solve(PROBLEM, "grove", progress=True, **SETTINGS)
    captured = capsys.readouterr()
    assert captured.out == "" and "\x1b" not in captured.err
    assert f"{solution.spend.calls} calls" in captured.err
    assert "[" in captured.err.splitlines()[2]


@pytest.mark.filterwarnings("default")
def test_nothing_is_written_unless_asked_for(
    notebook: Published, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    solve(PROBLEM, "grove", **SETTINGS)
    solve(PROBLEM, "grove", out=tmp_path / "run", **SETTINGS)
    assert capfd.readouterr() == ("", "") and not notebook.sent
