"""What all agents share: a prompt is filled in, a model is asked, its answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from codegrove.agents.answers.formats import FORMATS, read_answer
from codegrove.agents.answers.parts import Parts, Question
from codegrove.agents.clipping import clip
from codegrove.agents.variables import derive
from codegrove.candidate import Candidate
from codegrove.errors import BudgetExceeded, ModelError, PromptError, UnreadableAnswer, UsageError
from codegrove.models.port import Message, Model, Reply, Request, Sampling
from codegrove.outcome import Failure, Outcome
from codegrove.prompts.loader import load_prompt
from codegrove.prompts.prompt import ANY, Prompt
from codegrove.task import Task

Unreadable = Literal["fail", "repair", "default"]
"""What to do about an answer in the wrong form: fail; ask once more, showing the answer and the form (one more
call); or take the form's neutral value, see `codegrove.agents.answers.FORMATS`."""

REPAIR_PROMPT = "shared/repair_format"
MOST_SHOWN = 20_000
"""Characters of an unreadable answer that are shown again."""


class Agent:
    """One role with its prompt, model and way of reading answers. Stateless: one object serves many runs.

    An unreadable answer counts as follows with ``unreadable="default"``: a yes or no as `if_unreadable` says;
    a number as 0; thoughts as empty ones, equally likely; scores, confidences and verdicts on blocks as the
    critic's words without a score. Programs, tests, plans and lists have no neutral value.

    Args:
        model: whom to ask.
        prompt: id of a prompt of the package, path of a ``.md`` file, or a prompt; by default the role's own.
        sampling: how answers are drawn.
        unreadable: what to do about an answer in the wrong form.
        if_unreadable: what an unreadable yes or no counts as where `unreadable` is ``default``.

    Raises:
        PromptError: if there is no such prompt, or it is written for another role.
        UsageError: if the model is none, or `unreadable` does not fit the prompt's answers.
    """

    role: ClassVar[str]
    default_prompt: ClassVar[str]

    def __init__(
        self,
        model: Model,
        *,
        prompt: str | Path | Prompt | None = None,
        sampling: Sampling | None = None,
        unreadable: Unreadable = "fail",
        if_unreadable: Literal["accept", "reject"] = "accept",
    ) -> None:
        if not isinstance(model, Model):
            raise UsageError(
                f"{type(self).__name__} needs a model, found {type(model).__name__} {model!r:.60}; make one with"
                " codegrove.models.specs.make_model"
            )
        self.model = model
        self.prompt = prompt if isinstance(prompt, Prompt) else load_prompt(prompt or self.default_prompt)
        self.sampling = sampling or Sampling()
        self.unreadable = unreadable
        self.if_unreadable = if_unreadable
        if self.prompt.role not in (self.role, ANY):
            raise PromptError(
                f"prompt {self.prompt.id!r} is written for role {self.prompt.role!r}, not for {self.role!r}"
            )
        if self.prompt.answer == ANY:
            raise PromptError(f"prompt {self.prompt.id!r} says nothing about the form of its answers")
        if unreadable == "default" and FORMATS[self.prompt.answer].neutral is None:
            usable = ", ".join(sorted(name for name, form in FORMATS.items() if form.neutral is not None))
            raise UsageError(
                f"unreadable='default' does not fit prompt {self.prompt.id!r}: answers of form"
                f" {self.prompt.answer!r} have no neutral value; take 'fail' or 'repair' (forms that have one:"
                f" {usable})"
            )

    async def act(
        self, task: Task, inputs: Mapping[str, Any], *, action: str = "", draw: int = 0, seed: int = 0
    ) -> Outcome:
        """Ask the model and return what its answer holds. Failures of the model or its answer are outcomes.

        Args:
            task: what is to be done.
            inputs: what the agent sees besides the task; the prompt decides what of it is used.
            action: what for; by default the role's name.
            draw: which of several independent samples of the same request this is.
            seed: the run's seed, for simulated models.

        Raises:
            BudgetExceeded: if the call could pass a limit.
            PromptError: if the prompt declares a variable that nothing is known for.
        """
        values = derive(self.prompt.variables, task, inputs)
        request = Request(
            messages=_messages(self.prompt, values),
            sampling=self.sampling,
            role=self.role,
            action=action or self.role,
            prompt=self.prompt.id,
            answer_format=self.prompt.answer,
            task_id=task.id,
            variables=values,
            draw=draw,
            seed=seed,
        )
        try:
            reply = await self._ask(request)
        except ModelError as error:
            return Outcome(failure=Failure(kind="model", message=str(error)))
        question = self._question(task, values, reply)
        try:
            parts = read_answer(request.answer_format, reply.text, question)
        except UnreadableAnswer as error:
            return await self._unreadable(request, reply, question, error)
        return self._outcome(request, reply, parts, task.language)

    async def _unreadable(
        self, request: Request, reply: Reply, question: Question, error: UnreadableAnswer
    ) -> Outcome:
        neutral = FORMATS[request.answer_format].neutral
        if self.unreadable == "default" and neutral is not None:
            return self._outcome(request, reply, neutral(reply.text, question), question.task.language)
        if self.unreadable == "repair":
            try:
                second = await self._ask(_repair_request(request, reply, error))
            except ModelError as failed:
                return Outcome(answer=reply.text, failure=Failure(kind="model", message=str(failed)))
            except BudgetExceeded as refused:
                # The first answer was paid for; it is kept although nobody can read it.
                return Outcome(answer=reply.text, failure=Failure.over(refused))
            reply, question = second, replace(question, truncated=second.finish == "length")
            try:
                parts = read_answer(request.answer_format, reply.text, question)
                return self._outcome(request, reply, parts, question.task.language)
            except UnreadableAnswer as still:
                error = still
        message = f"the {self.role}'s answer to {self.prompt.id!r} cannot be read: {error}"
        return Outcome(answer=reply.text, failure=Failure(kind="unreadable", message=message))

    async def _ask(self, request: Request) -> Reply:
        reply = await self.model.complete(request)
        # Lone surrogates, which JSON can escape, cannot be written to any file.
        text = reply.text if reply.text.isascii() else reply.text.encode("utf-8", "replace").decode("utf-8")
        return replace(reply, text=text)

    def _question(self, task: Task, values: Mapping[str, object], reply: Reply) -> Question:
        width = values.get("width")
        return Question(
            task=task,
            role=self.role,
            width=width if isinstance(width, int) else None,
            truncated=reply.finish == "length",
            if_unreadable=self.if_unreadable,
        )

    def _outcome(self, request: Request, reply: Reply, parts: Parts, language: str) -> Outcome:
        program = None
        if parts.program is not None:
            program = Candidate(
                program=parts.program,
                action=request.action,
                prompt=request.prompt,
                model=reply.model or self.model.spec,
                language=language,
            )
        return Outcome(
            answer=reply.text,
            proposals=parts.proposals,
            program=program,
            tests=parts.tests,
            review=parts.review,
            trace=str(request.variables.get("trace", "")),
        )


def _messages(prompt: Prompt, values: Mapping[str, object]) -> tuple[Message, ...]:
    return tuple(Message(turn.role, turn.text) for turn in prompt.render(values))


def _repair_request(request: Request, reply: Reply, error: UnreadableAnswer) -> Request:
    """Ask the same question again, with the unreadable answer and what was wrong with it."""
    prompt = load_prompt(REPAIR_PROMPT)
    values = {
        "answer": clip(reply.text.strip(), MOST_SHOWN) or "(an empty answer)",
        "reason": str(error),
        "wanted": FORMATS[request.answer_format].wanted,
    }
    return replace(
        request,
        messages=(*request.messages, *_messages(prompt, values)),
        prompt=prompt.id,
        variables={**request.variables, **values},
    )
