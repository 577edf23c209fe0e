"""Programming languages besides Python, each described by a short YAML file: how a model is asked for it, and how
a sandbox compiles and runs it. Nothing here runs anything."""

from codegrove.languages.loading import PYTHON, language_names, load_language, solution_file
from codegrove.languages.schema import Check, CompileStep, Language, RunStep
from codegrove.languages.wording import Wording, wording

__all__ = [
    "PYTHON",
    "Check",
    "CompileStep",
    "Language",
    "RunStep",
    "Wording",
    "language_names",
    "load_language",
    "solution_file",
    "wording",
]
