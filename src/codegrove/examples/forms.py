"""The forms in which examples are written, found in lines of prose."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from codegrove.examples.source import (
    ROW_ERRORS,
    calls_function,
    closing_bracket,
    is_literal,
    parse_expression,
    parse_quietly,
)
from codegrove.examples.values import segment_from, value_in


class Form(StrEnum):
    """How an example is written."""

    DOCTEST = "doctest"
    COMPARISON = "f(x) == y"
    ARROW = "f(x) -> y"
    EQUALS = "f(x) = y"
    WORDS = "f(x) returns y"
    ASSERT = "assert"
    INPUT_OUTPUT = "Input/Output"
    SENTENCE = "for x the output should be y"


_PROMPT = re.compile(r"^\s*>>>(?: (.*)|\s*)$")
_CONTINUATION = re.compile(r"^\s*\.\.\.(?: (.*)|\s*)$")
_NAME_CALL = re.compile(r"(?<![\w.])([A-Za-z_]\w*)[ \t]*\(")
_RELATION = re.compile(
    r"""[ \t`]*(?:\n[ \t]*)?(?:\#[ \t]*)?
    (?: (?P<arrow>=+>|-+>|[➞→⇒⟶➔])
      | (?P<comparison>==)
      | (?P<equals>=)
      | (?P<words>(?:should|must|will|would|shall)\s+(?:return|be|equal|give|output|yield)\b
          |(?:returns?|equals?|gives|yields|outputs|evaluates\s+to|is\s+equal\s+to|is)\b)
    )[ \t]*:?[ \t]*(?:\n[ \t]*)?""",
    re.VERBOSE,
)
HEADING = re.compile(
    r"^\W*(?:(?:for|some|here are(?: some)?|input/output|\[input/output\])\s+)?"
    r"(?:exam[pb]les?|samples?|e\.?g\.?|test cases?|doctests?|usage)\b[\s\d]*[^\w\"']*$",
    re.IGNORECASE,
)
BULLET = re.compile(r"^[\s`#*>-]*(?:\(?\d+[.)]\s+)?(?:(?:assert|for|e\.g\.)\s+)?", re.IGNORECASE)
_INPUT = re.compile(r"^[\s*#>-]*(?:sample |example )?inputs?\s*\d*\s*:\s*(.*)$", re.IGNORECASE)
_OUTPUT = re.compile(r"^[\s*#>-]*(?:sample |example |expected )?outputs?\s*\d*\s*:\s*(.*)$", re.IGNORECASE)
_SENTENCE = re.compile(
    r"^[\s*#>-]*(?:for|if|when|given|with)\s+(?P<given>.+?)[\s,]+"
    r"(?:(?:the|your)\s+)?(?:output|result|answer|function)\s+"
    r"(?:should\s+be|must\s+be|will\s+be|is|should\s+return|must\s+return|returns)\s+(?P<value>.+)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    form: Form
    first: int
    """First and last line, from 0, inclusive."""
    last: int
    column: int = 0
    """Where on the first line it begins; what stands before is prose."""
    call: str = ""
    expected: str = ""
    foreign: bool = False
    """It shows another function: no example to use, but one to strip."""
    defines: bool = False
    """It is an equation with the function on both sides."""


def scan(lines: list[str], entry_point: str) -> list[Found]:
    """Return what looks like an example, in order; equations that define the function are left out."""
    doctests = list(_doctests(lines, entry_point))
    pairs = list(_input_output(_without(lines, doctests), entry_point))
    sentences = list(_sentences(_without(lines, [*doctests, *pairs]), entry_point))
    calls = _calls(_without(lines, [*doctests, *pairs, *sentences]), entry_point)
    return sorted(
        [*doctests, *pairs, *sentences, *_drop_definitions(calls, lines)], key=lambda e: (e.first, e.column)
    )


def _without(lines: list[str], found: list[Found]) -> list[str]:
    taken = {number for e in found for number in range(e.first, e.last + 1)}
    return ["" if number in taken else line for number, line in enumerate(lines)]


def _doctests(lines: list[str], entry_point: str) -> Iterator[Found]:
    number = 0
    while number < len(lines):
        prompt = _PROMPT.match(lines[number])
        if prompt is None:
            number += 1
            continue
        first, source = number, [prompt[1] or ""]
        number += 1
        while number < len(lines) and (more := _CONTINUATION.match(lines[number])):
            source.append(more[1] or "")
            number += 1
        output: list[str] = []
        while number < len(lines) and lines[number].strip() and not _PROMPT.match(lines[number]):
            output.append(lines[number].strip())
            number += 1
        surplus = _trailing_prose(output, entry_point)
        number -= surplus
        yield Found(
            form=Form.DOCTEST,
            first=first,
            last=number - 1,
            call="\n".join(source),
            expected="\n".join(output[: len(output) - surplus]),
        )


def _trailing_prose(output: list[str], entry_point: str) -> int:
    """Return how many lines at the end belong to the text that follows an output without a blank line."""
    for count in range(len(output) - 1, 0, -1):
        follows = output[count]
        if parse_expression("\n".join(output[:count])) is not None:
            is_prose = follows[0].isalpha() and " " in follows and parse_expression(follows) is None
            is_example = re.match(rf"{re.escape(entry_point)}\s*\(", follows) is not None
            return len(output) - count if is_prose or is_example or HEADING.match(follows) else 0
    return 0


def _calls(lines: list[str], entry_point: str) -> list[Found]:
    """Return calls that are followed by a relation and a value, and asserts that hold such a call."""
    found = [e for number, line in enumerate(lines) for e in _assert_line(line, number, entry_point)]
    lines = _without(lines, found)
    text = "\n".join(lines)
    position = 0
    while match := _NAME_CALL.search(text, position):
        position = match.end()
        foreign = match[1] != entry_point
        if text[: match.start()].endswith("def ") or (foreign and not _may_be_foreign(text, match)):
            continue
        close = closing_bracket(text, match.end() - 1)
        if close is None:
            continue
        example = _relation_after(text, match.start(), close, entry_point, foreign=foreign)
        position = close if not foreign else position
        if example is not None:
            found.append(example)
    rest = enumerate(_without(lines, found))
    return found + [e for number, line in rest for e in _comparison_line(line, number, entry_point)]


def _may_be_foreign(text: str, match: re.Match[str]) -> bool:
    """Whether a call of another function opens its line, as examples that misspell the function's name do."""
    line_start = text.rfind("\n", 0, match.start()) + 1
    return not hasattr(builtins, match[1]) and BULLET.fullmatch(text[line_start : match.start()]) is not None


def _relation_after(text: str, start: int, close: int, entry_point: str, *, foreign: bool) -> Found | None:
    relation = _RELATION.match(text, close)
    if relation is None or re.search(r"\bor\s*$", text[max(0, start - 10) : start]):
        return None
    form = Form.WORDS
    for kind in (Form.ARROW, Form.COMPARISON, Form.EQUALS):
        if relation[kind.name.lower()]:
            form = kind
    call = parse_expression(re.sub(r"\s*\n\s*", " ", text[start:close]))
    if not isinstance(call, ast.Call):
        return None
    segment, end = segment_from(text, relation.end())
    expected = value_in(segment, entry_point)
    given = all(is_literal(arg) for arg in call.args) and all(is_literal(k.value) for k in call.keywords)
    clear = expected is not None and is_literal(expected)
    # the right side of a recurrence need not parse: "f(n - 1) + 1, if n is odd"
    repeats = (expected is not None and calls_function(expected, entry_point)) or re.match(
        rf"[\d\s+*/%(-]*\b{re.escape(entry_point)}\s*\(", segment
    ) is not None
    defines = (
        not foreign
        and repeats
        and (form is not Form.COMPARISON or not given or not _calls_literally(expected))
    )
    line_start = text.rfind("\n", 0, start) + 1
    example = Found(
        form=form,
        first=text.count("\n", 0, start),
        last=text.count("\n", 0, end),
        column=start - line_start,
        call=ast.unparse(call),
        expected=ast.unparse(expected) if expected is not None else "",
        foreign=foreign,
        defines=defines,
    )
    if defines:
        return example
    if foreign and form is Form.WORDS:
        return None  # "g(1) is [1]" explains another function
    if form is Form.WORDS or foreign:
        # "f(x) returns the sum" and "g(1) = the first" are prose
        return example if given and clear else None
    return example if given or clear else None


def _calls_literally(node: ast.expr | None) -> bool:
    """Whether no variables occur in an expression, only functions and literal values."""
    if node is None:
        return False
    functions = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    return all(id(n) in functions for n in ast.walk(node) if isinstance(n, ast.Name))


def _assert_line(line: str, number: int, entry_point: str) -> Iterator[Found]:
    """Yield the line when it is one assert that calls the function."""
    text = line.strip().lstrip("#*-").strip().strip("`")
    statement = _one_statement(text) if text.startswith("assert") else None
    if isinstance(statement, ast.Assert) and calls_function(statement, entry_point):
        yield Found(form=Form.ASSERT, first=number, last=number, call=ast.unparse(statement))


def _comparison_line(line: str, number: int, entry_point: str) -> Iterator[Found]:
    """Yield the line when it compares something that calls the function with a literal value."""
    statement = _one_statement(line.strip().lstrip("#*-").strip().strip("`"))
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Compare):
        return
    test = statement.value
    if [type(op) for op in test.ops] != [ast.Eq] or not is_literal(test.comparators[0]):
        return
    if calls_function(test.left, entry_point):
        left, right = ast.unparse(test.left), ast.unparse(test.comparators[0])
        yield Found(form=Form.COMPARISON, first=number, last=number, call=left, expected=right)


def _one_statement(text: str) -> ast.stmt | None:
    try:
        statements = parse_quietly(text).body
    except ROW_ERRORS:
        return None
    return statements[0] if len(statements) == 1 else None


def _input_output(lines: list[str], entry_point: str) -> Iterator[Found]:
    for number, line in enumerate(lines):
        match = _INPUT.match(line)
        if match is None:
            continue
        output_line = next(
            (n for n in range(number + 1, min(number + 12, len(lines))) if _OUTPUT.match(lines[n])), None
        )
        if output_line is None or any(_INPUT.match(between) for between in lines[number + 1 : output_line]):
            continue
        output = _OUTPUT.match(lines[output_line])
        assert output is not None
        rest = "\n".join([output[1] or "", *lines[output_line + 1 :]]).lstrip("\n")
        skipped = 0 if output[1] else 1
        segment, end = segment_from(rest, len(rest) - len(rest.lstrip()))
        value = value_in(segment, entry_point)
        given = [part for part in [match[1], *lines[number + 1 : output_line]] if part.strip()]
        call = _call_with(given, entry_point)
        yield Found(
            form=Form.INPUT_OUTPUT,
            first=number,
            last=output_line + skipped + rest.count("\n", 0, end) if value is not None else output_line,
            call=ast.unparse(call) if call is not None else "",
            expected=ast.unparse(value) if value is not None else "",
        )


def _sentences(lines: list[str], entry_point: str) -> Iterator[Found]:
    for number, line in enumerate(lines):
        match = _SENTENCE.match(line)
        if match is None:
            continue
        given = match["given"]
        # "N = 150, the sum of digits is 6": what stands after the values explains them
        cuts = [given, *(given[: m.start()] for m in re.finditer(r",?\s+(?:the|its)\b", given))]
        call = next((c for cut in cuts if (c := _call_with([cut], entry_point)) is not None), None)
        value = value_in(match["value"], entry_point)
        if call is not None and value is not None and is_literal(value):
            yield Found(
                form=Form.SENTENCE,
                first=number,
                last=number,
                call=ast.unparse(call),
                expected=ast.unparse(value),
            )


def _call_with(given: list[str], entry_point: str) -> ast.Call | None:
    """Read ``a = 1, b = 2``, one ``a : 1`` per line, or plain values as literal arguments of a call."""
    named = [re.sub(r"^(\s*[A-Za-z_]\w*)\s*:", r"\1 =", line).strip().rstrip(",") for line in given]
    for arguments in (", ".join(named), " ".join(given)):
        call = parse_expression(f"{entry_point}({arguments.strip().rstrip(' .,')})")
        if (
            isinstance(call, ast.Call)
            and (call.args or call.keywords)
            and all(is_literal(value) for value in [*call.args, *(k.value for k in call.keywords)])
        ):
            return call
    return None


def _drop_definitions(calls: list[Found], lines: list[str]) -> list[Found]:
    """Leave out equations in a paragraph that also has one with the function on both sides: a recurrence."""
    paragraph = 0
    paragraph_of = []
    for line in lines:
        if not line.strip() or HEADING.match(line):
            paragraph += 1
        paragraph_of.append(paragraph)
    defining = {paragraph_of[e.first] for e in calls if e.defines}
    return [e for e in calls if paragraph_of[e.first] not in defining]
