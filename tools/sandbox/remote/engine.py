"""The command line of docker or podman: which one is there, and what its complaints mean."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from codegrove.errors import SandboxError
from codegrove.tools.sandbox.clip import clip

ENGINES = ("docker", "podman")
"""Programs looked for, in this order. Their command lines are alike in all that is used here."""

_MOST_SAID = 300

_MEANINGS = (
    (
        (
            "no such image",
            "image not known",
            "unable to find image",
            "no such object",
            "failed to find image",
        ),
        "image",
    ),
    (("permission denied", "access denied"), "permission"),
    (
        (
            "cannot connect",
            "is the docker daemon running",
            "connection refused",
            "no such host",
            "econnrefused",
        ),
        "daemon",
    ),
)
_GONE = ("no such container", "no container with name", "not found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command said."""

    code: int
    text: str
    """Standard error, or standard output where there is none, clipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A container engine that is driven by its command line."""

    path: str
    seconds: float = 10.0
    """Deadline of every command but the run itself."""

    @property
    def name(self) -> str:
        """Name of the program: ``docker`` or ``podman``."""
        return Path(self.path).name

    @property
    def is_podman(self) -> bool:
        """Whether options that only podman has can be used, and those that only docker has cannot."""
        return "podman" in self.name

    def ask(self, *arguments: str) -> Answer:
        """Run a command.

        Raises:
            SandboxError: if it cannot be started or does not end in time.
        """
        try:
            done = subprocess.run(
                [self.path, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.seconds,
                start_new_session=True,  # Ctrl-C is for us; we end what has to be ended
            )
        except subprocess.TimeoutExpired:
            words = " ".join((self.name, *arguments[:2]))
            raise SandboxError(f"`{words}` did not answer within {self.seconds:g} seconds") from None
        except OSError as error:
            raise SandboxError(f"cannot start {self.path!r}: {error.strerror or error}") from None
        return Answer(code=done.returncode, text=said(done.stderr) or said(done.stdout))

    def require_image(self, image: str) -> None:
        """Make sure that containers of an image can be started at once.

        Raises:
            SandboxError: with the engine's message and what to do about it.
        """
        answer = self.ask("image", "inspect", "--format", "{{.Id}}", image)
        if answer.code:
            raise SandboxError(self.explain(answer.text or f"exit code {answer.code}", image))

    def remove(self, name: str) -> bool:
        """Kill a container and delete it; False if there was none.

        Raises:
            SandboxError: if that cannot be done.
        """
        answer = self.ask("rm", "--force", name)
        if any(word in answer.text.lower() for word in _GONE):
            return False
        if answer.code == 0:
            return name in answer.text
        raise SandboxError(f"cannot remove container {name}: {answer.text}")

    def explain(self, text: str, image: str) -> str:
        """Return the engine's message with what to do about it."""
        lowered = text.lower()
        for words, meaning in _MEANINGS:
            if any(word in lowered for word in words):
                advice = {
                    "image": f"get it first: {self.name} pull {image} (nothing is pulled during a run)",
                    "permission": f"this user may not use {self.name}: join its group, or use rootless podman",
                    "daemon": f"start {self.name}, or name another engine",
                }[meaning]
                return f"{text}; {advice}"
        return text


def find_engine(name: str | None = None, *, seconds: float = 10.0) -> Engine:
    """Return an engine that is installed.

    Args:
        name: ``docker``, ``podman`` or the path of such a program; None takes the first one that answers, or the
            first one there is if none does.
        seconds: deadline of its commands.

    Raises:
        SandboxError: if there is none.
    """
    for_all = [name] if name is not None else list(ENGINES)
    found = [Engine(path=path, seconds=seconds) for one in for_all if (path := shutil.which(one))]
    if not found:
        wanted = " nor ".join(map(repr, for_all))
        raise SandboxError(
            f"no container engine: {'neither ' if name is None else 'no '}{wanted} is on the PATH; install one"
        )
    return next((engine for engine in found if len(found) == 1 or _answers(engine)), found[0])


def _answers(engine: Engine) -> bool:
    try:
        return engine.ask("ps", "--quiet").code == 0
    except SandboxError:
        return False


def said(output: bytes) -> str:
    """Return what a program wrote, on one line and clipped; the last lines matter most."""
    lines = [line.strip() for line in output[-4000:].decode("utf-8", "replace").splitlines() if line.strip()]
    return clip(" ".join(lines), _MOST_SAID)
