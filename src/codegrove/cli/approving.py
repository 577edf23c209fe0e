"""Asks the user at the terminal: what a planner proposes, and the program before the run is over."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from codegrove.approval import ApprovalRequest, Decision, accept_all
from codegrove.errors import UsageError
from codegrove.graphs.assemble import Assembly

QUESTION = "[a]ccept, [e]dit, [r]eject? "
_STDERR = 2
Read = Callable[[str], str]
"""Shows a prompt and returns the next line with its line end; an empty text is the end of the input."""


def with_approver(assembly: Assembly, *, everything: bool) -> Assembly:
    """Return the assembly with somebody who answers, where its recipe wants approval.

    Args:
        assembly: what a run is made of.
        everything: whether to accept whatever comes.
    """
    if not assembly.recipe.approve:
        return assembly
    return replace(assembly, approver=accept_all if everything else Prompt())


def require_terminal(assembly: Assembly) -> None:
    """Refuse to begin, before anything is paid for, where the user has to be asked and cannot be.

    Raises:
        UsageError: if there is no terminal.
    """
    if isinstance(assembly.approver, Prompt) and not (sys.stdin.isatty() and sys.stderr.isatty()):
        wanted = ", ".join(assembly.recipe.approve)
        raise UsageError(
            f"recipe {assembly.recipe.name!r} wants your approval ({wanted}), and there is no terminal to ask at;"
            " run it in a terminal, or accept everything with --approve-all"
        )


class Prompt:
    """Puts questions to the user of a terminal. Called from a thread of its own, one question at a time.

    Args:
        read: asks for a line.
        write: shows a text.
        edit: lets the user edit a text; the second argument is the file's ending. None: the editor that VISUAL or
            EDITOR names, if one does.

    Raises:
        UsageError: if VISUAL or EDITOR is no command.
    """

    def __init__(
        self,
        *,
        read: Read | None = None,
        write: Callable[[str], None] | None = None,
        edit: Callable[[str, str], str] | None = None,
    ) -> None:
        self.alone: Callable[[], AbstractContextManager[object]] = nullcontext
        """Keeps the display of the run off the screen while a question is on it."""
        self._read = read or read_line
        self._write = write or _write
        self._edit = edit or _editor()

    def __call__(self, request: ApprovalRequest) -> Decision:
        """Ask until there is an answer.

        Raises:
            EOFError: if the terminal is closed.
        """
        with self.alone():
            self._write(_shown(request))
            while True:
                answer = self._line(QUESTION).strip().lower()
                if answer in ("a", "accept", "y", "yes"):
                    return Decision.accept()
                if answer in ("r", "reject", "n", "no"):
                    return Decision.reject(self._line("why (or nothing): ").strip())
                if answer in ("e", "edit"):
                    text = self._edited(request)
                    if text.strip() and text != request.text:
                        return Decision.edit(text)
                    self._write("nothing was changed\n")
                else:
                    self._write("type a, e or r\n")

    def _edited(self, request: ApprovalRequest) -> str:
        if self._edit is not None:
            try:
                return self._edit(request.text, ".py" if request.what == "solution" else ".md")
            except (OSError, subprocess.SubprocessError) as error:
                self._write(f"the editor failed: {error}\n")
        self._write("type the new text; a line with a single dot ends it\n")
        lines: list[str] = []
        while (line := self._line("")).rstrip("\r\n") != ".":
            lines.append(line)
        return "".join(lines)

    def _line(self, prompt: str) -> str:
        line = self._read(prompt)
        if not line:
            raise EOFError("the terminal was closed before the question was answered")
        return line


def read_line(prompt: str) -> str:
    """Read a line from the terminal.

    Not with `input`: a thread that waits there when the program ends holds a lock that Python then needs.
    """
    _write(prompt)
    parts: list[bytes] = []
    while not parts or not parts[-1].endswith(b"\n"):
        part = os.read(sys.stdin.fileno(), 4096)
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode(sys.stdin.encoding or "utf-8", "replace")


def _shown(request: ApprovalRequest) -> str:
    """Return the question with its text, line by line."""
    which = f" {request.item + 1} of {request.count}" if request.count > 1 else ""
    lines = request.text.rstrip("\n").split("\n")
    width = len(str(len(lines)))
    head = f"\n{request.what}{which} for {request.task}, node #{request.node} ({request.about}):\n"
    return head + "".join(f"{number:>{width}}  {line}\n" for number, line in enumerate(lines, 1))


def _editor() -> Callable[[str, str], str] | None:
    """Return how to edit with the program that VISUAL or EDITOR names, if one does."""
    variable = "VISUAL" if os.environ.get("VISUAL") else "EDITOR"
    editor = os.environ.get(variable, "").strip()
    if not editor:
        return None
    try:
        editor_command(editor, "")
    except ValueError as error:
        raise UsageError(
            f"{variable}={editor}: no command ({error}); expected a program and its options, e.g. vim or"
            " 'code --wait'"
        ) from None

    def edit(text: str, suffix: str) -> str:
        with tempfile.TemporaryDirectory(prefix="codegrove-") as folder:
            path = Path(folder, f"{'program' if suffix == '.py' else 'plan'}{suffix}")
            path.write_text(text, encoding="utf-8")
            # Standard output is data: what an editor draws must not get into a program that goes to a file.
            subprocess.run(editor_command(editor, str(path)), check=True, stdout=_STDERR)
            return path.read_text(encoding="utf-8", errors="replace")

    return edit


def editor_command(editor: str, path: str, *, windows: bool = os.name == "nt") -> list[str] | str:
    """Return what starts an editor on a file, as `subprocess.run` takes it.

    Args:
        editor: program and options, as a shell would be given them.
        path: the file.
        windows: whether programs are given one line of text, in which a backslash is a backslash.

    Raises:
        ValueError: if a quotation in `editor` has no end.
    """
    if windows:
        return f"{editor} {subprocess.list2cmdline([path])}"
    return [*shlex.split(editor), path]


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
