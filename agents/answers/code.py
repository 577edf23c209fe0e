"""Programs in answers: which block is meant, and what it takes to make it whole."""

from __future__ import annotations

import ast
import re
import textwrap
from itertools import islice

from codegrove.agents.answers.fences import Fence, find_fences
from codegrove.agents.answers.other_code import read_other_code
from codegrove.agents.answers.parts import LONGEST, Parts, Question
from codegrove.agents.answers.python_source import (
    bound_names,
    module_names,
    read_program,
    reads_stdin,
    unbound_names,
    used_names,
)
from codegrove.errors import UnreadableAnswer
from codegrove.languages import PYTHON
from codegrove.task import Task

_CODE_LINE = re.compile(r"^(?:import |from |def |async def |class |@|if __name__)", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\n[ \t]+(?:pass|\.\.\.|raise NotImplementedError[^\n]*)$")
_WORK = ast.Call | ast.Yield | ast.YieldFrom | ast.Await
"""Expressions that do something by themselves; a lone word is no function body."""
_MOST_OPENINGS = 8
"""Places in a reply without fences at which the program is looked for."""


def read_code(answer: str, question: Question) -> Parts:
    """Return the program in an answer.

    Of several fenced blocks, the last that parses and defines the entry point is taken; else the last one
    labelled as Python, else the last one without a label. For programs on standard input it is the last that
    reads it, else the last that does something; blocks that need names of another one, such as a call as an
    example, only where there is nothing else. A block that is cut short is used as it is. Without any block, the
    reply itself is the program if it is one. Bare function bodies are completed with the task's stub, and so are
    missing imports and helpers of the stub. Programs in other languages: see `read_other_code`.

    Raises:
        UnreadableAnswer: if there is no program, or the answer was cut off inside it.
    """
    if question.task.language != PYTHON:
        return read_other_code(answer, question)
    task, text = question.task, answer[:LONGEST]
    fences = [fence for fence in find_fences(text) if fence.text.strip()]
    found = _best_block(fences, task) if fences else _bare(text, task)
    if found is None:
        raise UnreadableAnswer(_what_is_missing(text, fences, task))
    program, tree = found
    if question.truncated and (tree is None or not _fits(tree, task)):
        raise UnreadableAnswer("the program is cut off at the token limit")
    return Parts(program=program)


def _best_block(fences: list[Fence], task: Task) -> tuple[str, ast.Module | None] | None:
    last_first = list(reversed(fences))
    labelled = [fence for fence in last_first if fence.is_python]
    unlabelled = [fence for fence in last_first if not fence.label]
    if task.entry_point is None and (program := _best_on_stdin(fences, task)) is not None:
        return program
    for make in (_as_it_is, _completed):
        for fence in last_first:
            program = make(fence.text, task)
            if program is not None:
                return program
    for fence in labelled + unlabelled:
        return fence.text, read_program(fence.text)
    return None


def _best_on_stdin(fences: list[Fence], task: Task) -> tuple[str, ast.Module] | None:
    """Return the last program that stands on its own and reads its input, or comes closest to that."""
    programs = [(place, _as_it_is(fence.text, task)) for place, fence in enumerate(fences)]
    found = [(place, program) for place, program in programs if program is not None]
    bound = {name for _, (_, tree) in found for name in module_names(tree)}

    def rank(entry: tuple[int, tuple[str, ast.Module]]) -> tuple[bool, bool, bool, int]:
        place, (_, tree) = entry
        # What it lacks and another block has shows that it was not meant to be run alone.
        return unbound_names(tree).isdisjoint(bound), reads_stdin(tree), fences[place].is_python, place

    return max(found, key=rank)[1] if found else None


def _bare(text: str, task: Task) -> tuple[str, ast.Module] | None:
    """Find a program in a reply without fences: the whole reply, or its end after some words."""
    whole = _as_it_is(text, task) or _completed(text, task)
    if whole is not None:
        return whole
    for match in islice(_CODE_LINE.finditer(text), _MOST_OPENINGS):
        program = _as_it_is(text[match.start() :], task)
        if program is not None:
            return program
    return None


def _as_it_is(text: str, task: Task) -> tuple[str, ast.Module] | None:
    """Return the text if it is a whole program, with what it lacks of the stub."""
    text = text.strip("\n").rstrip() + "\n"
    for source in (text, textwrap.dedent(text)) if text[:1].isspace() else (text,):
        tree = read_program(source)
        if tree is not None and _fits(tree, task):
            return _with_preamble(source, tree, task)
    return None


def _fits(tree: ast.Module, task: Task) -> bool:
    if task.entry_point is not None:
        return task.entry_point in module_names(tree)
    return any(isinstance(node, ast.Call | ast.FunctionDef | ast.Import) for node in ast.walk(tree))


def _completed(text: str, task: Task) -> tuple[str, ast.Module] | None:
    """Put a bare function body under the stub."""
    if task.entry_point is None or not task.stub.strip():
        return None
    first = next((line for line in text.split("\n") if line.strip()), "")
    body = textwrap.dedent(text.strip("\n")).rstrip()
    parsed = read_program(body)
    if parsed is None:
        return None
    # "return x" at the top level parses; it is the compiler that refuses it.
    returns = any(isinstance(node, ast.Return) for node in _outside_functions(parsed))
    works = any(not isinstance(node, ast.Expr) or isinstance(node.value, _WORK) for node in parsed.body)
    if not (returns or (first[:1].isspace() and works)):
        return None
    stub = _PLACEHOLDER.sub("", task.stub.rstrip())
    function = next((s for s in _statements(stub) if task.entry_point in bound_names(s)), None)
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    program = f"{stub}\n{textwrap.indent(body, ' ' * function.body[0].col_offset)}\n"
    tree = read_program(program)
    return None if tree is None else (program, tree)


def _outside_functions(tree: ast.Module) -> list[ast.AST]:
    found: list[ast.AST] = []
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            todo.extend(ast.iter_child_nodes(node))
    return found


def _with_preamble(source: str, tree: ast.Module, task: Task) -> tuple[str, ast.Module]:
    """Prepend what the stub brings before its function and the program uses without having it."""
    preamble = _preamble(task)
    if not preamble:
        return source, tree
    own, unbound = module_names(tree), unbound_names(tree)
    wanted: list[ast.stmt] = []
    # From the end, because helpers use the imports before them.
    for statement in reversed(preamble):
        names = bound_names(statement)
        if names & unbound or ("*" in names and unbound):
            wanted.append(statement)
            unbound |= used_names(statement) - own
    if not wanted:
        return source, tree
    added = "\n".join(_segment(task.stub, statement) for statement in reversed(wanted))
    lines = source.split("\n")
    at = max((s.end_lineno or 0 for s in tree.body if _is_future(s)), default=0)
    program = "\n".join([*lines[:at], added, "", *lines[at:]])
    return program, read_program(program) or tree


def _preamble(task: Task) -> list[ast.stmt]:
    """Return the stub's statements before its entry point."""
    before: list[ast.stmt] = []
    for statement in _statements(task.stub):
        if task.entry_point in bound_names(statement):
            return before
        if not isinstance(statement, ast.Expr) and not _is_future(statement):
            before.append(statement)
    return []


def _statements(stub: str) -> list[ast.stmt]:
    """Return the statements of a stub, which may break off after the signature."""
    for source in (stub, stub.rstrip() + "\n    pass\n"):
        tree = read_program(source)
        if tree is not None:
            return tree.body
    return []


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _segment(source: str, statement: ast.stmt) -> str:
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
    return "\n".join(source.split("\n")[first - 1 : statement.end_lineno])


def _what_is_missing(text: str, fences: list[Fence], task: Task) -> str:
    if not text.strip():
        return "the answer is empty"
    wanted = f"a program that defines {task.entry_point!r}" if task.entry_point else "a program"
    if fences:
        labels = ", ".join(sorted({repr(fence.label) for fence in fences if fence.label}))
        return f"no fenced block holds {wanted}; found only blocks labelled {labels}"
    return f"there is no fenced block, and the reply itself is not {wanted}"
