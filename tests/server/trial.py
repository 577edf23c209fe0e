"""Starts `langgraph dev` on every recipe and solves a task through its HTTP interface, offline.

python -P -m tests.server.trial

The server brings many packages, so it gets an environment of its own. Where that cannot be made because there is
no network, this says so and ends well.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from codegrove import Task, load_problems
from tests.support.environments import ROOT, Skip, environment

OWN = '''"""A recipe of one's own, with a question to a human."""

import asyncio
from functools import cache

from codegrove import build_graph


@cache
def make():
    return build_graph("loop", overrides={"approve": ["plan", "solution"]})


async def careful():
    return await asyncio.to_thread(make)
'''
UP_WITHIN = 120.0
Call = Callable[..., Any]


def configure(folder: Path) -> None:
    """Write a configuration with every recipe of the repository, and one of one's own."""
    config = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
    config["graphs"]["careful"] = "./mine.py:careful"
    (folder / "langgraph.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "mine.py").write_text(OWN, encoding="utf-8")


@contextmanager
def serving(programs: Path, folder: Path) -> Iterator[Call]:
    """Run the server in a folder, and stop it with all its children whatever happens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    options = ["--no-browser", "--no-reload", "--port", str(port)]
    settings = {"LANGSMITH_TRACING": "false", "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen(
            [str(programs / "langgraph"), "dev", *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

        def call(method: str, path: str, body: object = None) -> Any:
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}{path}",
                method=method,
                data=None if body is None else json.dumps(body).encode(),
                headers={"content-type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=100) as answer:
                return json.loads(answer.read())

        try:
            _wait(process, call)
            yield call
        except BaseException:
            log.seek(0)
            print(log.read()[-6000:], file=sys.stderr)
            raise
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait(process: subprocess.Popen[bytes], call: Call) -> None:
    end = time.monotonic() + UP_WITHIN
    while True:
        try:
            call("GET", "/ok")
            return
        except OSError:
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < end, f"the server was not up within {UP_WITHIN:.0f} s"
            time.sleep(0.2)


def ask(call: Call, thread: str, graph: str, **given: object) -> Any:
    """Run a graph on a thread and return the state it ends or waits with."""
    return call("POST", f"/threads/{thread}/runs/wait", {"assistant_id": graph, **given})


def trial(call: Call) -> None:
    """Use the server as a client would."""
    config = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
    served = {assistant["graph_id"] for assistant in call("POST", "/assistants/search", {"limit": 100})}
    assert served == {*config["graphs"], "careful"}, served

    task = load_problems("bundled").by_id("merge-shifts").task
    given = {"task": TypeAdapter(Task).dump_python(task, mode="json")}
    thread = call("POST", "/threads", {})["thread_id"]
    solution = ask(call, thread, "uct", input=given)["solution"]
    assert solution["result"] == "solved", solution
    assert solution["simulated"] is True
    assert "def merge_shifts" in solution["candidate"]["program"]
    assert call("POST", f"/threads/{thread}/history", {"limit": 10})

    thread = call("POST", "/threads", {})["thread_id"]
    waiting = ask(call, thread, "careful", input=given)
    assert waiting["__interrupt__"][0]["value"]["what"] == "plan", waiting
    waiting = ask(
        call, thread, "careful", command={"resume": {"decision": "edit", "text": "Sort, then sweep."}}
    )
    assert waiting["__interrupt__"][0]["value"]["what"] == "solution", waiting
    solution = ask(call, thread, "careful", command={"resume": {"decision": "reject", "comment": "no"}})[
        "solution"
    ]
    assert (solution["result"], solution["reason"]) == ("unsolved", "rejected: no"), solution

    thread = call("POST", "/threads", {})["thread_id"]
    refused = ask(call, thread, "uct", input={"task": {"id": "x"}})
    assert refused["__error__"]["error"] == "TaskError", refused  # the server keeps its words to its log


def main() -> None:
    """Make the trial."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="codegrove-server-") as name:
        folder = Path(name)
        try:
            programs = environment(folder, extra="server", module="langgraph_api")
        except Skip as reason:
            print(f"skipped: {reason}", file=sys.stderr)
            return
        installed = time.monotonic()
        configure(folder)
        with serving(programs, folder) as call:
            trial(call)
    now = time.monotonic()
    seconds = f"installed in {installed - started:.0f} s, tried in {now - installed:.0f} s"
    print(f"langgraph dev serves every recipe: {seconds}")


if __name__ == "__main__":
    main()
