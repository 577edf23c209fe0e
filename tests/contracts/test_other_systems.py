"""On a system that cannot fork everything can be imported, and what cannot be done is said in one message.

Such a system is simulated: in a process of its own, without the modules and functions that Windows lacks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

WITHOUT = """\
import importlib.abc, os, socket, sys

# The standard library and others' packages are as they are on this system, and need what they need.
import asyncio.subprocess, concurrent.futures, ctypes, getpass, logging.handlers, multiprocessing.synchronize
import platform, selectors, shutil, signal, subprocess, tempfile, uuid, webbrowser
import langchain_core.language_models, langchain_core.runnables, langgraph.graph, langgraph.types, loguru, networkx
import jinja2, markdown_it, pydantic, rich.console, rich.live, rich.progress, typer, typer.rich_utils, yaml

MISSING = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix_spawn", "syslog", "crypt", "nis")

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in MISSING:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
for name in ("fork", "forkpty", "setsid", "killpg", "getuid", "geteuid", "wait4", "WNOHANG", "memfd_create",
             "sched_getaffinity", "mkfifo", "getpgid", "chown", "setresuid", "O_NOFOLLOW", "O_DIRECTORY"):
    if hasattr(os, name):
        delattr(os, name)
if hasattr(os, "process_cpu_count"):  # since Python 3.13; here it was made for what this system has
    os.process_cpu_count = os.cpu_count
for name in ("send_fds", "recv_fds"):
    if hasattr(socket, name):
        delattr(socket, name)
for name in ("SIGALRM", "SIGKILL", "SIGCHLD", "setitimer", "SIGXCPU", "ITIMER_REAL"):
    if hasattr(signal, name):
        delattr(signal, name)
"""


COMMANDS = {
    "help": ["--help"],
    "recipes": ["recipes", "list"],
    "doctor": ["doctor"],
    "solve": ["solve", "--problem", "bundled", "--id", "rotate-ring", "--recipe", "direct"],
}

TRY = """
import contextlib, importlib, io, json, pkgutil, traceback
found = {}

import codegrove
modules = found["modules"] = []
for each in pkgutil.walk_packages(codegrove.__path__, "codegrove."):
    forking = ("child", "child_run", "child_supervise", "rehearsal", "supervisor", "__main__")
    if each.name.rpartition(".")[2] not in forking:  # those are parts of programs that start where there is fork
        importlib.import_module(each.name)
        modules.append(each.name)

from codegrove.cli import main
for name, arguments in json.loads(sys.argv[1]).items():
    sys.argv, text, code = ["codegrove", *arguments], io.StringIO(), None
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            code = main()
        except SystemExit as left:
            code = left.code
        except BaseException:
            traceback.print_exc()
    found[name] = [code, text.getvalue()]

from codegrove.errors import SandboxError
from codegrove.task import CallTest
from codegrove.tools.sandbox import ProcessSandbox, make_sandbox
found["refusals"] = []
for settings in ({}, {"level": "basic"}, {"at_least": "restricted"}):
    try:
        make_sandbox(**settings)
    except SandboxError as error:
        found["refusals"].append(str(error))

async def judge():
    sandbox = ProcessSandbox()
    test = CallTest(args="(1,)", expected="1")
    verdict = await sandbox.judge("def f(x): return x", [test], entry_point="f")
    found["verdict"] = [str(verdict.status), verdict.note]
    await sandbox.aclose()

asyncio.run(judge())
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What happens on such a system."""
    command = [sys.executable, "-P", "-c", WITHOUT + TRY, json.dumps(COMMANDS)]
    # No container engine there: the way Python starts programs here needs what is missing there.
    bare = {**os.environ, "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=bare)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_every_module_can_be_imported(found: dict[str, Any]) -> None:
    assert len(found["modules"]) > 50


def test_what_runs_no_program_works(found: dict[str, Any]) -> None:
    for name, said in (("help", "solve"), ("recipes", "mapcoder")):
        code, text = found[name]
        assert code in (0, None), text
        assert said in text


def test_doctor_says_what_is_missing(found: dict[str, Any]) -> None:
    code, text = found["doctor"]
    assert code == 1, text
    assert "Traceback" not in text
    assert text.count("sandbox level") == 5
    assert "sandbox: programs cannot be run on this system" in text
    assert "answered with a program" in text  # the rest was looked at all the same


def test_solve_ends_with_one_message(found: dict[str, Any]) -> None:
    code, text = found["solve"]
    assert code not in (0, None)
    assert "Traceback" not in text
    assert " ".join(text.split()).count("cannot be run on this system") == 1, text


def test_a_sandbox_is_refused_and_its_verdicts_judge_nobody(found: dict[str, Any]) -> None:
    assert len(found["refusals"]) == 3
    (refusal,) = set(found["refusals"])
    assert refusal.startswith("programs cannot be run on this system")
    assert "WSL 2" in refusal
    status, note = found["verdict"]
    assert status == "unjudged"
    assert note.startswith("the sandbox failed: programs cannot be run on this system")
