"""From a model's text to the parts of an outcome. Nothing is executed; no text makes a parser crash."""

from codegrove.agents.answers.asserts import extract_asserts
from codegrove.agents.answers.fences import Fence, find_fences
from codegrove.agents.answers.formats import FORMATS, AnswerFormat, read_answer
from codegrove.agents.answers.parts import Parts, Question

__all__ = [
    "FORMATS",
    "AnswerFormat",
    "Fence",
    "Parts",
    "Question",
    "extract_asserts",
    "find_fences",
    "read_answer",
]
