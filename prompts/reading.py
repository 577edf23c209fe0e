"""From the text of a prompt file to a checked `Prompt` with compiled templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, cast

import yaml
from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from codegrove.errors import PromptError, did_you_mean
from codegrove.prompts.prompt import ANSWER_FORMATS, ANY, ROLES, Prompt, Section, TurnRole

_TURNS = ("system", "user", "assistant")
_MARKER = re.compile(r"^<!--[ \t]*([A-Za-z_]+)[ \t]*-->[ \t]*$")
_KEYS = ("about", "role", "answer", "variables")
_HEAD_HINT = f"expected a head between two lines '---' with {', '.join(_KEYS)}"


def parse_prompt(text: str, prompt_id: str, source: str) -> Prompt:
    """Return the prompt that a file's text holds.

    Args:
        text: content of the file.
        prompt_id: id of the prompt.
        source: the file's name, for messages.

    Raises:
        PromptError: naming file and line where the text is no prompt.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    end = next((i for i, line in enumerate(lines) if i and line.rstrip() == "---"), None)
    if lines[0].rstrip() != "---" or end is None:
        raise PromptError(f"{source}:1: {_HEAD_HINT}; found {lines[0][:40]!r}")
    head = _read_head("\n".join(lines[1:end]), source)
    variables = tuple(head["variables"])
    sections, used = _read_body(lines, end + 1, source)
    for name in variables:
        if name not in used:
            raise PromptError(
                f"{source}: variable {name!r} is declared but not used{did_you_mean(name, used) if used else ''}"
            )
    for name in sorted(used):
        if name not in variables:
            raise PromptError(
                f"{source}:{used[name]}: variable {name!r} is used but not declared{did_you_mean(name, variables)}"
            )
    return Prompt(
        id=prompt_id,
        about=head["about"],
        role=head["role"],
        answer=head["answer"],
        variables=variables,
        sections=sections,
    )


def _read_head(text: str, source: str) -> dict[str, Any]:
    try:
        # Composed first: a plain load would hide duplicate keys.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        head = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark is not None else 1
        problem = getattr(error, "problem", None) or str(error)
        raise PromptError(f"{source}:{line}: the head is not YAML: {problem}") from None
    if not isinstance(node, yaml.MappingNode) or not isinstance(head, dict):
        raise PromptError(f"{source}:1: {_HEAD_HINT}; found {type(head).__name__}")
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 2
        if key.value not in _KEYS:
            raise PromptError(f"{source}:{line}: unknown key {key.value!r}{did_you_mean(key.value, _KEYS)}")
        if key.value in lines:
            raise PromptError(f"{source}:{line}: key {key.value!r} stands twice")
        lines[key.value] = line
    for name in _KEYS:
        if name not in lines:
            raise PromptError(f"{source}:1: the head has no key {name!r}; {_HEAD_HINT}")
    about = head["about"]
    if not isinstance(about, str) or not about.strip() or "\n" in about.strip():
        raise PromptError(f"{source}:{lines['about']}: about: expected one line of text, found {about!r}")
    _require_one_of("role", head["role"], ROLES, source, lines["role"])
    _require_one_of("answer", head["answer"], ANSWER_FORMATS, source, lines["answer"])
    _require_names(head["variables"], source, lines["variables"])
    return {**head, "about": about.strip()}


def _require_one_of(key: str, found: object, known: Iterable[str], source: str, line: int) -> None:
    options = (*known, ANY)
    if found not in options:
        raise PromptError(f"{source}:{line}: {key}: found {found!r}{did_you_mean(str(found), options)}")


def _require_names(found: object, source: str, line: int) -> None:
    at = f"{source}:{line}: variables"
    if not isinstance(found, list):
        raise PromptError(f"{at}: expected a list of names such as [statement, plan], found {found!r}")
    for name in found:
        if not isinstance(name, str) or not name.isidentifier():
            raise PromptError(f"{at}: {name!r} is no name of a variable")
        if found.count(name) > 1:
            raise PromptError(f"{at}: {name!r} stands twice")


def _read_body(lines: list[str], start: int, source: str) -> tuple[tuple[Section, ...], dict[str, int]]:
    """Return the messages, and the variables they use with the line where their message begins."""
    sections: list[Section] = []
    used: dict[str, int] = {}
    markers = _markers(lines, start, source)
    for (at, role), (end, _) in zip(markers, [*markers[1:], (len(lines), "user")], strict=True):
        first = next((i for i in range(at + 1, end) if lines[i].strip()), None)
        if first is None:
            raise PromptError(f"{source}:{at + 1}: the {role} message is empty")
        body = "\n".join(lines[first:end]).rstrip()
        template, names = _compile(body, source, first)
        for name in names:
            used.setdefault(name, first + 1)
        sections.append(Section(role=role, source=body, render=_renderer(template, source)))
    if sections[-1].role != "user":
        raise PromptError(f"{source}:{markers[-1][0] + 1}: the last message must be the user's")
    return tuple(sections), used


def _markers(lines: list[str], start: int, source: str) -> list[tuple[int, TurnRole]]:
    markers: list[tuple[int, TurnRole]] = []
    for index in range(start, len(lines)):
        match = _MARKER.match(lines[index])
        if match is None:
            if not markers and lines[index].strip():
                raise PromptError(
                    f"{source}:{index + 1}: text before the first message; open one with a line <!-- user -->"
                )
            continue
        role = match[1]
        if role not in _TURNS:
            raise PromptError(
                f"{source}:{index + 1}: no message is of kind {role!r}{did_you_mean(role, _TURNS)}"
            )
        if role == "system" and markers:
            raise PromptError(f"{source}:{index + 1}: the system message must be the first")
        markers.append((index, cast(TurnRole, role)))
    if not markers:
        raise PromptError(f"{source}:{start + 1}: no message; open one with a line <!-- user -->")
    return markers


def _compile(body: str, source: str, offset: int) -> tuple[Template, set[str]]:
    """Compile one message; `offset` lines stand before it in the file."""
    try:
        tree = _ENVIRONMENT.parse(body)
        if any(True for _ in meta.find_referenced_templates(tree)):
            raise PromptError(f"{source}:{offset + 1}: a prompt cannot include or import another file")
        names = meta.find_undeclared_variables(tree)
        return _ENVIRONMENT.from_string(body), names
    except TemplateSyntaxError as error:
        raise PromptError(f"{source}:{offset + error.lineno}: template syntax: {error.message}") from None


def _renderer(template: Template, source: str) -> Callable[[Mapping[str, object]], str]:
    return partial(_render, template, source)


def _render(template: Template, source: str, values: Mapping[str, object]) -> str:
    try:
        return template.render(values).strip("\n").rstrip()
    except Exception as error:  # a stranger's template may fail in any way Python code can
        raise PromptError(f"{source}: cannot be filled in: {type(error).__name__}: {error}") from error


def fenced(text: object, language: str = "python") -> str:
    """Return text in a code fence that is longer than any run of backticks inside it."""
    content = str(text).strip("\n")
    longest = max((len(run) for run in re.findall(r"`{3,}", content)), default=2)
    mark = "`" * (longest + 1)
    return f"{mark}{language}\n{content}\n{mark}"


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True, cache_size=0
    )
    environment.filters["fenced"] = fenced
    return environment


_ENVIRONMENT = _environment()
