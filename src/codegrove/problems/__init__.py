"""Problems and tasks: those that ship with codegrove, benchmark files, and a user's own files."""

from codegrove.problems.files import ProblemSet, lasting_source, load_problems
from codegrove.problems.load_report import LoadReport
from codegrove.problems.task_files import load_task

__all__ = ["LoadReport", "ProblemSet", "lasting_source", "load_problems", "load_task"]
