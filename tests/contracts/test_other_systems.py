"""On a system that cannot fork everything can be imported, programs run at level ``basic``, and what cannot be
done is said in one message.

Such a system is simulated: in a process of its own, without the modules and functions that Windows lacks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow

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
for name in ("fork", "forkpty", "setsid", "getuid", "geteuid", "WNOHANG", "memfd_create", "pread", "pwrite",
             "sched_getaffinity", "mkfifo", "getpgid", "chown", "setresuid"):
    if hasattr(os, name):
        delattr(os, name)
if hasattr(os, "process_cpu_count"):  # since Python 3.13; here it was made for what this system has
    os.process_cpu_count = os.cpu_count
for name in ("send_fds", "recv_fds"):
    if hasattr(socket, name):
        delattr(socket, name)
for name in ("SIGALRM", "SIGCHLD", "setitimer", "SIGXCPU", "ITIMER_REAL"):
    if hasattr(signal, name):
        delattr(signal, name)

import select
for name in ("poll", "epoll"):
    if hasattr(select, name):
        delattr(select, name)

import codegrove.tools.sandbox.fresh_process

class Job(codegrove.tools.sandbox.fresh_process.ProcessGroup):  # in place of Windows' job objects
    def wait(self):
        return self._process.wait()

    def kill(self):
        self._process.kill()

codegrove.tools.sandbox.fresh_process.ProcessGroup = Job
for name in ("waitid", "wait3", "wait4", "killpg"):
    delattr(os, name)
"""


COMMANDS = {
    "help": ["--help"],
    "recipes": ["recipes", "list"],
    "doctor": ["doctor"],
    "solve": ["solve", "--problem", "bundled", "--id", "rotate-ring", "--recipe", "direct"],
    "demanded": ["solve", "--problem", "bundled", "--id", "rotate-ring", "--require-sandbox", "restricted"],
}

TRY = """
import contextlib, importlib, io, json, pkgutil, traceback
found = {}

import codegrove
modules = found["modules"] = []
for each in pkgutil.walk_packages(codegrove.__path__, "codegrove."):
    forking = ("child", "child_supervise", "rehearsal", "supervisor", "__main__")
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
for settings in ({"level": "isolated"}, {"at_least": "restricted"}):
    try:
        make_sandbox(**settings)
    except SandboxError as error:
        found["refusals"].append(str(error))

async def judge():
    sandbox = ProcessSandbox()
    test = CallTest(args="(1,)", expected="1")
    programs = ("def f(x): return x", "def f(x): return 2", "def f(x):\\n    while True: pass")
    verdicts = [await sandbox.judge(program, [test], entry_point="f") for program in programs]
    found["verdicts"] = [str(verdict.status) for verdict in verdicts]
    for start in (sandbox.session, lambda: sandbox.for_language("bash")):
        try:
            start()
        except SandboxError as error:
            found["refusals"].append(str(error))
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
    assert code in (0, None), text
    assert "Traceback" not in text
    assert text.count("not available: it needs forked processes") == 3
    assert "sandbox level basic: available" in text
    assert "answered with a program" in text


def test_solve_runs_programs(found: dict[str, Any]) -> None:
    code, text = found["solve"]
    assert code in (0, None), text
    assert "solved with recipe direct" in text


def test_a_level_that_is_demanded_is_refused_in_one_message(found: dict[str, Any]) -> None:
    code, text = found["demanded"]
    assert code not in (0, None)
    assert "Traceback" not in text
    assert "this machine offers 'basic'" in " ".join(text.split())


def test_programs_are_judged(found: dict[str, Any]) -> None:
    assert found["verdicts"] == ["passed", "failed", "timed_out"]


def test_what_takes_forks_is_refused(found: dict[str, Any]) -> None:
    assert len(found["refusals"]) == 4
    for refusal in found["refusals"]:
        assert "cannot be forked here" in refusal
