"""The programs that a language needs, as this machine has them."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from dataclasses import dataclass

from codegrove.errors import SandboxError
from codegrove.languages import Language
from codegrove.languages.schema import PROGRAM, CompileStep, RunStep
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.containment import Stage
from codegrove.tools.sandbox.linked_files import libraries_of, loader_of

COMPILE, RUN = "compile", "run"
"""Names of the stages."""

_SECONDS = 20.0
_LOADER_FILES = ("/etc/ld.so.cache",)


class ToolchainMissing(SandboxError):
    """This machine lacks what a language takes. The message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """A language with its programs."""

    language: Language
    version: str
    """First line of what the version command prints."""
    compiler: str
    """Path without links; empty where nothing is compiled."""
    runner: str
    """The same; empty where the compiled program itself is run."""
    stages: tuple[Stage, ...]
    """What may be read and executed in which step."""

    @property
    def readable(self) -> tuple[str, ...]:
        """Every path that a step needs."""
        return tuple({path: None for stage in self.stages for path in (*stage.execute, *stage.read)})


@functools.lru_cache(maxsize=64)
def find_toolchain(language: Language) -> Toolchain:
    """Find the programs of a language and ask for their version. Takes some milliseconds, once per process.

    Raises:
        ToolchainMissing: if one is not installed, or does not answer.
    """
    version = _version(language)
    compiler = _installed(language, language.compile.command[0]) if language.compile else ""
    runner = "" if language.runs_binary else _installed(language, language.run.command[0])
    made_by = compiler if language.runs_binary else ""
    stages = [_stage(RUN, language.run, runner, _find(language, language.run), made_by)]
    if language.compile is not None:
        stages.append(_stage(COMPILE, language.compile, compiler, _find(language, language.compile)))
    return Toolchain(
        language=language, version=version, compiler=compiler, runner=runner, stages=tuple(stages)
    )


def _version(language: Language) -> str:
    command = language.version
    _installed(language, command[0])
    answer = _ask(language, command)
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    if not lines:
        raise ToolchainMissing(f"{language.title} is not available here: {' '.join(command)} prints nothing")
    return clip(lines[0], 200)


def _ask(language: Language, command: tuple[str, ...]) -> str:
    shown = " ".join(command)
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolchainMissing(f"{language.title} is not available here: {shown}: {error}") from None
    if answer.returncode:
        said = clip(" ".join(answer.stdout.split()), 200)
        raise ToolchainMissing(
            f"{language.title} is not available here: {shown} ended with exit code {answer.returncode}: {said}"
        )
    return answer.stdout


def _installed(language: Language, name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ToolchainMissing(f"{language.title} is not available here: {name!r} is not installed")
    return os.path.realpath(found)


def _find(language: Language, step: RunStep | CompileStep) -> list[str]:
    """Return the paths of a step's further programs. A program that is not installed is missed by nobody but the
    candidates that call it; what the step itself cannot do without, the check of the language finds out."""
    found: list[str] = []
    for name in step.programs:
        place: str | None = None
        if isinstance(step, CompileStep) and step.ask:
            place = _ask(language, tuple(word.replace(PROGRAM, name) for word in step.ask)).strip()
        path = shutil.which(place or name)
        if path is not None:
            found.append(os.path.realpath(path))
    return found


def _stage(name: str, step: RunStep | CompileStep, main: str, others: list[str], made_by: str = "") -> Stage:
    """Put a stage together.

    Args:
        made_by: compiler of the program that the stage runs; what that takes to be loaded is taken to be what the
            compiler itself takes.
    """
    programs = [path for path in (main, *others) if path]
    loaders = [
        os.path.realpath(loader) for path in (*programs, made_by) if path and (loader := loader_of(path))
    ]
    libraries = [library for path in programs for library in libraries_of(path)]
    reads = [path for path in (*_LOADER_FILES, *step.reads) if os.path.exists(path)]
    return Stage(
        name=name,
        execute=tuple(dict.fromkeys([*programs, *loaders])),
        read=tuple(dict.fromkeys([*libraries, *reads])),
        own_programs=bool(made_by),
    )
