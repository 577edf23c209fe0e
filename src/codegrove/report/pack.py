"""A report's data as compact JSON.

Prompts repeat the task, the tests and the programs of other nodes, so that a run of 2,000 nodes holds tens of
megabytes of text. Every distinct line is kept once, and texts are lists of line numbers.
"""

from __future__ import annotations

import json
from typing import Any

from codegrove.report.data import ReportCall, ReportData, ReportNode, ReportVerdict

FORMAT = 1
"""Version of the layout below; the page refuses any other."""
MOST_CHARACTERS = 200_000
"""Characters of one text that are kept; what is longer loses its middle, and says so."""


def pack(data: ReportData) -> str:
    """Return the data as ASCII JSON. Any text survives, lone surrogates and control characters too."""
    texts = _Texts()
    verdicts = _Verdicts(texts)
    add = texts.add
    content = {
        "kind": "run",
        "format": FORMAT,
        "run": {
            "task": data.task_id,
            "statement": add(data.statement),
            "stub": add(data.stub),
            "task_tests": data.task_tests,
            "recipe": data.recipe,
            "yaml": add(data.recipe_yaml),
            "models": data.models,
            "simulated": data.simulated,
            "seed": data.seed,
            "workers": data.workers,
            "result": data.result,
            "reason": data.reason,
            "answer": data.answer,
            "spend": _fields(data.spend),
            "limits": dict(data.limits),
            "hidden": _fields(data.hidden) if data.hidden is not None else None,
            "version": data.version,
        },
        "tests": [[add(t.input), add(t.expected), t.origin, t.kind] for t in data.tests],
        "nodes": [_node(node, texts, verdicts) for node in data.nodes],
        "calls": [_call(call, texts) for call in data.calls],
        "added": data.added,
        "verdicts": verdicts.rows,
        "texts": texts.rows,
        "lines": list(texts.lines),
    }
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


class _Texts:
    """Distinct texts as lists of line numbers. The empty text is number 0."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.rows: list[list[int]] = []
        self._known: dict[str, int] = {}
        self.add("")

    def add(self, text: str) -> int:
        number = self._known.get(text)
        if number is None:
            number = self._known[text] = len(self.rows)
            lines = self.lines
            self.rows.append([lines.setdefault(line, len(lines)) for line in clipped(text).split("\n")])
        return number


class _Verdicts:
    """Distinct verdict objects."""

    def __init__(self, texts: _Texts) -> None:
        self.rows: list[dict[str, Any]] = []
        self._texts = texts
        self._known: dict[int, int] = {}

    def add(self, verdict: ReportVerdict) -> int:
        number = self._known.get(id(verdict))
        if number is None:
            number = self._known[id(verdict)] = len(self.rows)
            self.rows.append(self._row(verdict))
        return number

    def _row(self, verdict: ReportVerdict) -> dict[str, Any]:
        add = self._texts.add
        row = _fields(verdict)
        row |= {name: add(row[name]) for name in ("error", "stdout", "stderr")}
        row["seconds"] = round(verdict.seconds, 4)
        row["memory_mb"] = round(verdict.memory_mb, 1)
        row["results"] = [
            [result.status, add(result.output), add(result.error), round(result.seconds, 4)]
            for result in verdict.results
        ]
        return row


def clipped(text: str) -> str:
    """Return the text, without its middle if it is too long for a report."""
    if len(text) <= MOST_CHARACTERS:
        return text
    half = MOST_CHARACTERS // 2
    gone = len(text) - 2 * half
    return f"{text[:half]}\n[{gone:,} characters are left out of this report]\n{text[-half:]}"


def _node(node: ReportNode, texts: _Texts, verdicts: _Verdicts) -> dict[str, Any]:
    add = texts.add
    row: dict[str, Any] = {
        "parents": node.parents,
        "kind": node.kind,
        "mark": node.mark,
        "status": node.status,
    }
    if node.text:
        row["text"] = add(node.text)
    if node.program is not None:
        row |= {"program": add(node.program), "origin": node.origin}
        row |= {"tests": node.tests, "visible": node.visible, "written": node.written}
    if node.verdict is not None:
        row["verdict"] = verdicts.add(node.verdict)
    if node.review:
        row["review"] = add(node.review)
    if node.notes:
        row["notes"] = [[name, add(text)] for name, text in node.notes]
    if node.pending:
        row["pending"] = node.pending
    row["visits"] = node.visits
    for name in ("reward", "prior", "mean", "best", "deviation"):
        value = getattr(node, name)
        if value is not None:
            row[name] = round(value, 5)
    return row


def _call(call: ReportCall, texts: _Texts) -> dict[str, Any]:
    row = _fields(call)
    row["messages"] = [[role, texts.add(text)] for role, text in call.messages]
    row["reply"] = texts.add(call.reply) if call.reply is not None else None
    row["error"] = texts.add(call.error) if call.error is not None else None
    row["seconds"] = round(call.seconds, 3)
    row["simulated"] = call.simulated
    return row


def _fields(record: Any) -> dict[str, Any]:
    """Return a record's fields, one level deep (dataclasses.asdict copies every leaf, which takes seconds)."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
