"""One program and where it came from."""

from __future__ import annotations

import ast
import contextlib
import hashlib
from dataclasses import dataclass
from functools import lru_cache

from codegrove.parsing import parse_python


@lru_cache(maxsize=4096)
def program_key(program: str, language: str = "python") -> str:
    """Return a content hash that ignores comments, blank lines and formatting.

    Programs that do not parse, and those in other languages, are hashed as text. Used to recognise a program
    before it is executed again.
    """
    content = "text:" + program
    if language == "python":
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            content = ast.dump(parse_python(program))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:20]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A whole program with its origin."""

    program: str
    action: str = ""
    """What the search asked for when it was written, e.g. ``write`` or ``debug``."""
    prompt: str = ""
    """Id of the prompt that produced it."""
    model: str = ""
    """Specification of the model that wrote it."""
    language: str = "python"

    @property
    def key(self) -> str:
        """Content hash of the program's syntax tree, see `program_key`."""
        return program_key(self.program, self.language)
