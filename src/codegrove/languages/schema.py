"""What a language's YAML file may say."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

SOURCE, BINARY, PROGRAM = "{source}", "{binary}", "{program}"
"""Placeholders in commands: the program's file, the file a compiler makes, a tool that is asked for."""

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def _absolute(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/") or path.strip("/") == "":
        raise ValueError("expected the absolute path of a file or folder, not of everything")
    return path


def _bare_name(name: str) -> str:
    if "/" in name or name in (".", ".."):
        raise ValueError("expected a file name without a folder")
    return name


_Word = Annotated[str, Field(min_length=1)]
_Command = Annotated[tuple[_Word, ...], Field(min_length=1)]
_FileName = Annotated[_Word, AfterValidator(_bare_name)]
_Path = Annotated[_Word, AfterValidator(_absolute)]


class _Step(_Part):
    command: _Command
    """Arguments; the first is a program on the PATH, or `BINARY`. No shell is involved."""
    programs: tuple[_Word, ...] = ()
    """Further programs the step may start. All others are refused on the strict levels."""
    reads: tuple[_Path, ...] = ()
    """Files and folders it may read besides the programs and the shared libraries they are linked with. What a
    machine does not have is skipped."""


class CompileStep(_Step):
    """Makes a program, or checks its syntax. An exit code other than 0 means that the text is no program."""

    ask: tuple[_Word, ...] = ()
    """Command that prints where `PROGRAM`, one of `programs`, is; without, they are looked up on the PATH."""
    seconds: float = Field(default=15.0, gt=0, le=600)
    """Longest time, within the wall limit of the run."""
    memory_mb: int = Field(default=1024, ge=16)
    """Of each of its processes (address space), and of all together."""
    file_mb: int = Field(default=32, ge=1)
    """Largest file it may write; the program it makes among them."""


class RunStep(_Step):
    """Runs the program once for a test: input on stdin, answer on stdout, exit code 0."""

    forks: bool = False
    """Whether the program starts processes as a matter of course, as shell scripts do. Without, it is refused any
    new process and, once it runs, any other program, unless the limits of a run allow children."""
    memory: Literal["address_space", "data"] = "address_space"
    """What the memory limit counts. Address space is the plainest; runtimes that reserve more than they use
    need ``data``: private writable memory, and what all processes hold together, looked at now and then."""
    stack_mb: int = Field(default=8, ge=1, le=1024)
    """Of the main thread, and what a thread reserves by default."""


class Check(_Part):
    """A right program, run once before a language is used: if it does not pass, the toolchain does not work behind
    the walls of a sandbox, and nothing in this language is judged."""

    program: _Word
    stdin: str = ""
    expected: str


class Language(_Part):
    """How one language is written, compiled and run."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_+#-]{0,30}$")]
    """How tasks and commands name it."""
    title: _Word
    """What models are told, e.g. ``C++17``."""
    fences: Annotated[tuple[_Word, ...], Field(min_length=1)]
    """Labels of code blocks that hold it; the first is the one models are asked for."""
    file: _FileName
    """Name of the program's file."""
    binary: _FileName = "program"
    """Name of the file a compiler makes."""
    version: _Command
    """Prints the version, on its first line. Its first argument must be installed."""
    compile: CompileStep | None = None
    run: RunStep
    check: Check
    notes: str = ""
    """What a model should know about the compiler, libraries and limits, in a sentence or two."""

    @field_validator("name")
    @classmethod
    def _not_python(cls, name: str) -> str:
        if name == "python":
            raise ValueError("expected another name; Python is built in")
        return name

    @field_validator("fences")
    @classmethod
    def _lower_case(cls, fences: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(fence.lower() for fence in fences)

    @model_validator(mode="after")
    def _placeholders(self) -> Language:
        known = {"version": (), "run": (SOURCE, BINARY), "compile": (SOURCE, BINARY)}
        commands = {"version": self.version, "run": self.run.command}
        if self.compile is not None:
            commands["compile"] = self.compile.command
        for step, command in commands.items():
            for word in _PLACEHOLDER.findall(" ".join(command)):
                if word not in known[step]:
                    allowed = f"known here: {', '.join(known[step])}" if known[step] else "none is known here"
                    raise ValueError(f"unknown placeholder {word} in the command of {step!r}; {allowed}")
        if self.runs_binary and not self.makes_binary:
            raise ValueError("'run' uses {binary}, but no command of 'compile' makes it")
        if not self.runs_binary and not any(SOURCE in word for word in self.run.command):
            raise ValueError(
                "the command of 'run' uses neither {source} nor {binary}: it would run no program"
            )
        if BINARY in commands.get("compile", ())[:1] or SOURCE in commands.get("compile", ())[:1]:
            raise ValueError("the first word of 'compile' must be a program that is installed")
        if self.binary == self.file:
            raise ValueError(f"'file' and 'binary' have the same name {self.file!r}")
        return self

    @property
    def makes_binary(self) -> bool:
        """Whether compiling makes a file that is run, rather than looking at the text only."""
        return self.compile is not None and any(BINARY in word for word in self.compile.command)

    @property
    def runs_binary(self) -> bool:
        """Whether the program is run from the compiled file."""
        return any(BINARY in word for word in self.run.command)
