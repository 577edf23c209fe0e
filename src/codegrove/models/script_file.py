"""Scripts of answers in YAML files."""

from __future__ import annotations

from pathlib import Path

import yaml

from codegrove.errors import ModelError, ModelSpecError, did_you_mean
from codegrove.models.port import Reply
from codegrove.models.scripted import Answer, AnswerList, Script, Then


def read_script(path: Path) -> Script:
    """Read a script from a YAML file.

    The file is a list of answers for everybody, or a mapping from a prompt id, action, role or ``*`` to
    one of: a text (given every time), a list of answers (given in order), or a mapping with ``answers:`` and
    ``then:`` (``fail``, ``cycle`` or ``repeat_last``). An answer is a text, or a mapping with ``text:`` and
    optionally ``input_tokens:``, ``output_tokens:``, ``finish:``, or a mapping with ``error:`` (a kind of
    `ModelError`) and optionally ``message:`` and ``retry_after:``.

    Raises:
        ModelSpecError: if the file cannot be read or is no script; names file, line and column.
    """
    return _ScriptFile(path).read()


_EXPECTED_FILE = (
    "expected a list of answers, or role or action names with their answers, e.g.  coder: ['first', 'second']"
)
_EXPECTED_ANSWERS = "expected a text, a list of answers, or a mapping with 'answers' and 'then'"
_EXPECTED_ANSWER = "expected a text, or a mapping with 'text' or 'error'; write \"\" for an empty answer"
_RETRYABLE = {"rate_limit": True, "server": True, "connection": True, "timeout": True}
_KINDS = [*_RETRYABLE, "auth", "bad_request", "refused", "other"]


class _ScriptFile:
    """Reads YAML nodes, not values: nodes know their lines, and ``0.5`` or ``yes`` stays the text it is."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Script:
        try:
            root = yaml.compose(self.path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except (OSError, UnicodeDecodeError) as problem:
            raise ModelSpecError(f"scripted:{self.path}: cannot read this file: {problem}") from problem
        except yaml.MarkedYAMLError as problem:
            mark = problem.problem_mark or problem.context_mark
            raise ModelSpecError(f"{self._place(mark)}: not YAML: {problem.problem}") from problem
        except yaml.YAMLError as problem:
            raise ModelSpecError(f"{self.path}: not YAML: {problem}") from problem
        if root is None:
            raise ModelSpecError(f"{self.path}: found an empty file; {_EXPECTED_FILE}")
        if isinstance(root, yaml.SequenceNode):
            return AnswerList(self._answer_tuple(root))
        if isinstance(root, yaml.MappingNode):
            return {key: self._answers(value) for key, value in self._items(root)}
        raise self._error(root, _EXPECTED_FILE)

    def _answers(self, node: yaml.Node) -> AnswerList:
        if isinstance(node, yaml.SequenceNode):
            return AnswerList(self._answer_tuple(node))
        if not isinstance(node, yaml.MappingNode):
            return AnswerList((self._text(node, _EXPECTED_ANSWERS),), "repeat_last")
        fields = self._fields(node, {"answers", "then"}, "answers")
        listed = fields["answers"]
        if not isinstance(listed, yaml.SequenceNode):
            raise self._error(listed, "expected a list of answers")
        if "then" not in fields:
            return AnswerList(self._answer_tuple(listed))
        choice = self._text(fields["then"], "expected fail, cycle or repeat_last")
        options: dict[str, Then] = {"fail": "fail", "cycle": "cycle", "repeat_last": "repeat_last"}
        if choice not in options:
            raise self._error(
                fields["then"], f"expected fail, cycle or repeat_last{did_you_mean(choice, options)}"
            )
        return AnswerList(self._answer_tuple(listed), options[choice])

    def _answer_tuple(self, node: yaml.SequenceNode) -> tuple[Answer, ...]:
        if not node.value:
            raise self._error(node, "expected at least one answer")
        return tuple(self._answer(item) for item in node.value)

    def _answer(self, node: yaml.Node) -> Answer:
        if not isinstance(node, yaml.MappingNode):
            return self._text(node, _EXPECTED_ANSWER)
        if any(key == "error" for key, _ in self._items(node)):
            return self._failure(node)
        fields = self._fields(node, {"text", "input_tokens", "output_tokens", "finish"}, "text")
        return Reply(
            text=self._text(fields["text"], "expected a text"),
            input_tokens=self._count(fields.get("input_tokens")),
            output_tokens=self._count(fields.get("output_tokens")),
            finish=self._text(fields["finish"], "expected a text") if "finish" in fields else "stop",
        )

    def _failure(self, node: yaml.MappingNode) -> ModelError:
        fields = self._fields(node, {"error", "message", "retry_after"}, "error")
        kind = self._text(fields["error"], "expected a kind of model error")
        if kind not in _KINDS:
            raise self._error(fields["error"], f"expected a kind of model error{did_you_mean(kind, _KINDS)}")
        message = (
            self._text(fields["message"], "expected a text") if "message" in fields else f"scripted {kind}"
        )
        wait = None
        if "retry_after" in fields:
            text = self._text(fields["retry_after"], "expected seconds")
            try:
                wait = float(text)
            except ValueError:
                raise self._error(fields["retry_after"], "expected seconds") from None
        return ModelError(message, kind=kind, retryable=_RETRYABLE.get(kind, False), retry_after=wait)

    def _count(self, node: yaml.Node | None) -> int | None:
        if node is None:
            return None
        text = self._text(node, "expected a number of tokens")
        if not text.isascii() or not text.isdigit():
            raise self._error(node, "expected a number of tokens")
        return int(text)

    def _fields(self, node: yaml.MappingNode, known: set[str], needed: str) -> dict[str, yaml.Node]:
        fields = dict(self._items(node))
        for (key_node, _), key in zip(node.value, fields, strict=True):
            if key not in known:
                raise self._error(key_node, f"unknown key{did_you_mean(key, known)}")
        if needed not in fields:
            raise self._error(node, f"expected the key {needed!r}")
        return fields

    def _items(self, node: yaml.MappingNode) -> list[tuple[str, yaml.Node]]:
        items: list[tuple[str, yaml.Node]] = []
        seen: set[str] = set()
        for key_node, value in node.value:
            key = self._text(key_node, "expected a name")
            if key in seen:
                raise self._error(key_node, "this key stands here twice")
            seen.add(key)
            items.append((key, value))
        return items

    def _text(self, node: yaml.Node, expected: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
            raise self._error(node, expected)
        return str(node.value)

    def _error(self, node: yaml.Node, expected: str) -> ModelSpecError:
        if isinstance(node, yaml.ScalarNode):
            found = f"{node.value!r:.60}" if node.tag != "tag:yaml.org,2002:null" else "nothing"
        else:
            found = "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
        return ModelSpecError(f"{self._place(node.start_mark)}: found {found}; {expected}")

    def _place(self, mark: yaml.Mark | None) -> str:
        return str(self.path) if mark is None else f"{self.path}:{mark.line + 1}:{mark.column + 1}"
