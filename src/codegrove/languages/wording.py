"""What models are told about a language."""

from __future__ import annotations

from dataclasses import dataclass

from codegrove.languages.loading import PYTHON, load_language


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How a language is called in prompts, and how it is recognised in answers."""

    title: str
    fences: tuple[str, ...]
    """Labels of code blocks; the first is the one to ask for."""
    notes: str = ""


_PYTHON = Wording(title="Python 3", fences=("python", "py", "python3", "py3", "pycon"))


def wording(language: str) -> Wording:
    """Return what to call a language, by its name or the path of its file.

    Raises:
        LanguageError: if there is no such language.
    """
    if language == PYTHON:
        return _PYTHON
    found = load_language(language)
    return Wording(title=found.title, fences=found.fences, notes=" ".join(found.notes.split()))
