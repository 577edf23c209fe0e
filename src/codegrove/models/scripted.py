"""A model that gives answers written beforehand: for tests, demos and replaying a conversation by hand."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from codegrove.errors import ModelError, UsageError, did_you_mean
from codegrove.models.port import FREE, Price, Reply, Request
from codegrove.models.tokens import estimate_prompt, estimate_tokens

Answer = str | Reply | BaseException
"""An exception is raised instead of answering."""

AnswerFunction = Callable[[Request], Answer | Awaitable[Answer]]

Then = Literal["fail", "cycle", "repeat_last"]
"""What follows the last answer of a list."""


@dataclass(frozen=True, slots=True)
class AnswerList:
    """Answers in order, and what follows the last one."""

    answers: tuple[Answer, ...]
    then: Then = "fail"


Answers = str | Sequence[Answer] | AnswerList | AnswerFunction
"""A text stands for itself at every request; a sequence is used up in order."""

Script = Answers | Mapping[str, Answers]
"""Answers for everybody, or by key: a prompt id, an action, a role, or ``*`` for the rest."""


class ScriptedModel:
    """Gives the answers of a script and remembers what was asked.

    In a script by key, a request is answered by the first key of these that exists: its prompt id, its
    action, its role, ``*``. Every key counts its own answers, in the order of asking.

    Args:
        script: what to answer, see `Script`.
        then: what follows the last answer of a list: a `ModelError`, the list again, or its last answer.
        spec: name of this model in records.
        price: price of its tokens, so that budgets can be tested.
        latency: seconds an answer takes.
        sleep: how to wait for that long. Passed in so that tests need not wait.
    """

    def __init__(
        self,
        script: Script,
        *,
        then: Then = "fail",
        spec: str = "scripted:",
        price: Price | None = FREE,
        latency: Callable[[Request], float] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.requests: list[Request] = []
        """Every request, in the order of asking."""
        self._spec = spec
        self._price = price
        self._latency = latency
        self._sleep = sleep
        by_key = script if isinstance(script, Mapping) else {"*": script}
        self._script = {key: _prepare(answers, then) for key, answers in by_key.items()}
        self._given = dict.fromkeys(self._script, 0)

    @property
    def spec(self) -> str:
        """The name given."""
        return self._spec

    @property
    def price(self) -> Price | None:
        """The price given."""
        return self._price

    async def complete(self, request: Request) -> Reply:
        """Answer from the script.

        Raises:
            ModelError: if the script has no answer (left) for this request.
        """
        self.requests.append(request)
        answers = self._next(request)
        if self._latency is not None:
            await self._sleep(self._latency(request))
        answer = answers(request) if callable(answers) else answers
        if inspect.isawaitable(answer):
            answer = await answer
        return _reply(answer, request)

    def _next(self, request: Request) -> Answer | AnswerFunction:
        asked = f"action {request.action or request.role!r} of role {request.role!r}"
        for key in (request.prompt, request.action, request.role, "*"):
            if key in self._script:
                break
        else:
            hint = did_you_mean(request.action or request.role, self._script)
            raise ModelError(f"{self._spec} has no answers for {asked}{hint}")
        answers = self._script[key]
        if not isinstance(answers, AnswerList):
            return answers
        index, count = self._given[key], len(answers.answers)
        self._given[key] += 1
        if index >= count and (answers.then == "fail" or not count):
            whose = "" if key == "*" else f" for {key!r}"
            raise ModelError(
                f"{self._spec} has {count} answer{'' if count == 1 else 's'}{whose}, all given;"
                f" {asked} asked for one more"
            )
        return answers.answers[index % count if answers.then == "cycle" else min(index, count - 1)]


def _prepare(answers: Answers, then: Then) -> AnswerList | AnswerFunction:
    if isinstance(answers, str):
        return AnswerList((answers,), "repeat_last")
    if isinstance(answers, AnswerList) or callable(answers):
        return answers
    if isinstance(answers, Sequence):
        return AnswerList(tuple(answers), then)
    raise UsageError(
        f"a script holds texts, lists of answers or functions; found {type(answers).__name__} {answers!r:.60}"
    )


def _reply(answer: object, request: Request) -> Reply:
    if isinstance(answer, BaseException):
        raise answer
    if isinstance(answer, str):
        answer = Reply(text=answer)
    if not isinstance(answer, Reply):
        raise UsageError(
            f"scripted answers are texts, Replies or exceptions; found {type(answer).__name__} {answer!r:.50}"
        )
    return replace(
        answer,
        input_tokens=estimate_prompt(request) if answer.input_tokens is None else answer.input_tokens,
        output_tokens=estimate_tokens(answer.text) if answer.output_tokens is None else answer.output_tokens,
    )
