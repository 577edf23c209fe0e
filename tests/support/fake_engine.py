"""Stands in for the command line of docker or podman: takes the same options, refuses unknown ones, and runs the
command of a container as plain processes of this machine. Nothing is contained.

Started as ``fake_engine.py FOLDER NAME ...``, see `containers.FakeEngine`. The folder holds ``setup.json``: which
images there are and what goes wrong.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

FLAGS = {"--rm", "--interactive", "--read-only", "--no-healthcheck"}
VALUES = {
    "--pull": "never|missing|always",
    "--name": r"[a-zA-Z0-9][a-zA-Z0-9_.-]+",
    "--network": "none|bridge|host",
    "--ipc": "none|private|host",
    "--hostname": "[a-z]+",
    "--tmpfs": r"/[a-z/]*(:[a-z_]+(=\w+)?(,[a-z_]+(=\w+)?)*)?",
    "--workdir": "/.*",
    "--cap-drop": "[A-Z_]+",
    "--security-opt": "no-new-privileges|seccomp=.+",
    "--user": r"\d+:\d+",
    "--pids-limit": r"\d+",
    "--memory": r"\d+[bkmg]",
    "--memory-swap": r"\d+[bkmg]",
    "--cpus": r"\d+(\.\d+)?",
    "--ulimit": r"[a-z]+=\d+(:\d+)?",
    "--log-driver": "none|json-file",
    "--runtime": r"\w+",
    "--entrypoint": ".+",
}
DAEMON_DOWN = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
)
DENIED = (
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"
)


class Fake:
    """One invocation."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.setup: dict[str, Any] = json.loads((folder / "setup.json").read_text())
        self.containers = folder / "containers"

    def main(self, arguments: list[str]) -> int:
        with open(self.folder / "log", "a") as log:
            log.write(json.dumps([argument[:200] for argument in arguments]) + "\n")
        command = " ".join(arguments[:2]) if arguments[0] == "image" else arguments[0]
        if command in self.setup.get("hang", ()):
            time.sleep(1000)
        if self.setup.get("down"):
            return self.complain(DAEMON_DOWN, 125 if command == "run" else 1)
        if self.setup.get("denied"):
            return self.complain(DENIED, 125 if command == "run" else 1)
        if command == "image inspect":
            return self.inspect(arguments[-1])
        if command == "ps":
            return 0
        if command == "rm" and arguments[1] == "--force":
            return max(map(self.remove, arguments[2:]))
        if command == "run":
            return self.run(arguments[1:])
        return self.complain(f"unknown command: {command}", 1)

    def complain(self, text: str, code: int) -> int:
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)
        return code

    def inspect(self, image: str) -> int:
        if image in self.setup["images"]:
            print("sha256:0123")
            return 0
        if self.name == "podman":
            return self.complain(f"Error: {image}: image not known", 125)
        return self.complain(f"Error response from daemon: No such image: {image}", 1)

    def remove(self, name: str) -> int:
        if self.setup.get("kill_fails"):
            return self.complain("Error response from daemon: cannot stop container: permission was odd", 1)
        state = self.containers / name
        if not state.exists():
            return self.complain(f"Error response from daemon: No such container: {name}", 1)
        if not self.setup.get("kill_lies"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(state.read_text()), signal.SIGTERM)
            while state.exists():
                time.sleep(0.002)
        print(name)
        return 0

    # -- running ---------------------------------------------------------------------------------------------

    def run(self, arguments: list[str]) -> int:
        options, command = self.parse(arguments)
        if warning := self.setup.get("warning"):
            print(warning, file=sys.stderr, flush=True)
        if "exit" in self.setup:
            return self.complain(self.setup.get("message", "something went wrong"), self.setup["exit"])
        if command[0] not in self.setup["images"]:
            return self.complain(f"Error response from daemon: No such image: {command[0]}", 125)
        time.sleep(self.setup.get("slow_start", 0.0))
        state = self.containers / options["--name"]
        if state.exists():
            return self.complain("Conflict. The container name is already in use", 125)
        mangle = self.setup.get("stdout")
        read, write = os.pipe() if mangle else (0, 1)
        shim = os.fork()
        if shim == 0:
            if mangle:
                os.close(read)
                os.dup2(write, 1)
                os.close(write)
            contain(state, [self.setup["python"], *command[1:]])
        if mangle:
            os.close(write)
            if code := Mangler(mangle, self.setup).copy(read):
                return self.complain("the container was killed", code)
        return os.waitstatus_to_exitcode(os.waitpid(shim, 0)[1])

    def parse(self, arguments: list[str]) -> tuple[dict[str, str], list[str]]:
        options: dict[str, str] = {}
        rest = list(arguments)
        while rest and rest[0].startswith("--"):
            option = rest.pop(0)
            if option in FLAGS or (option == "--read-only-tmpfs=false" and self.name == "podman"):
                options[option] = ""
            elif option in VALUES:
                options[option] = rest.pop(0)
                if not re.fullmatch(VALUES[option], options[option]):
                    sys.exit(self.complain(f'invalid argument "{options[option]}" for "{option}"', 125))
            else:
                sys.exit(self.complain(f"unknown flag: {option}", 125))
        if self.name == "podman" and "nr_inodes" in options["--tmpfs"]:
            sys.exit(self.complain('unknown mount option "nr_inodes": invalid mount option', 125))
        return options, rest


def contain(state: Path, command: list[str]) -> NoReturn:
    """Be what a daemon is for one container: go on without the client, and leave nothing behind."""
    os.setsid()
    scratch = tempfile.mkdtemp(prefix="codegrove-fake-")
    asked = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # orphans below become children of this process
    state.write_text(str(os.getpid()))
    main = os.fork()
    if main == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.chdir(scratch)
        environment = {"PATH": "/usr/bin:/bin", "TMPDIR": scratch, "HOSTNAME": "sandbox"}
        try:
            os.execve(command[0], command, environment)
        except OSError as error:
            print(f"exec: {command[0]!r}: {error.strerror}", file=sys.stderr, flush=True)
            os._exit(127)
    code = 137
    while not asked:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == main:
            code = os.waitstatus_to_exitcode(status) % 256
            break
        if pid == 0:
            time.sleep(0.002)
    with contextlib.suppress(ChildProcessError):
        while True:
            for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)
            os.waitpid(-1, 0)
    shutil.rmtree(scratch, ignore_errors=True)
    state.unlink()
    os._exit(code)


class Mangler:
    """Carries the output of a container, and damages it."""

    def __init__(self, how: str, setup: dict[str, Any]) -> None:
        self.how, self.setup = how, setup

    def copy(self, read: int) -> int:
        """Return the exit code to end with at once; 0 for that of the container."""
        if self.how == "garbage":
            self.write(b"Welcome to this image!\n\x00\xff\xfe")
        with os.fdopen(read, "rb") as file:
            for number, line in enumerate(file):
                if self.how == "cut" and number == self.setup["lines"]:
                    self.write(line[: len(line) // 2])
                    return int(self.setup["code"])
                if self.how == "endless":
                    self.write(b"x" * 300_000)
                    time.sleep(0.05)
                    continue
                if self.how == "lose" and number == self.setup["lines"]:
                    continue
                self.write(line)
                if self.how == "repeat" and number == self.setup["lines"]:
                    self.write(line)
        if self.how == "go on":
            self.write(b"record 99 e30=\n")
        if self.how == "stay":
            time.sleep(1000)
        return 0

    def write(self, data: bytes) -> None:
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            os._exit(1)


if __name__ == "__main__":
    sys.exit(Fake(Path(sys.argv[1]), sys.argv[2]).main(sys.argv[3:]))
