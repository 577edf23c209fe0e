"""The simulated programmer: a model that needs no key, no network and no language model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from codegrove.errors import ModelError, ModelSpecError
from codegrove.models.port import FREE, Price, Reply, Request
from codegrove.models.sim import judging, planning, writing
from codegrove.models.sim.dice import Dice, roll
from codegrove.models.sim.drafting import draft
from codegrove.models.sim.examples import as_json, spoilt
from codegrove.models.sim.known import Known, reference_tree
from codegrove.models.sim.reading import Situation, read
from codegrove.models.sim.repairing import repaired
from codegrove.models.sim.skill import SimSettings
from codegrove.problem import Problem

MODEL_NAME = "sim (simulation)"
DEFAULT_TESTS = 5
CHARACTERS_PER_TOKEN = 4
"""For the estimate of token use; a usual figure for English and Python text."""

Lookup = Callable[[str], Problem | None]
_Taken = TypeVar("_Taken")


class SimulatedProgrammer:
    """Answers for problems whose reference solution it knows, with the mistakes its settings give it.

    It is a simulation for demonstrations, tests and research on controllers: its programs are the reference
    with defects put in, so its results say nothing about any language model.

    An answer depends on the settings and the request alone (seed, draw, messages, variables), not on what was
    asked before; the same request gives the same answer in any process. Sampling temperature has no effect.

    Args:
        problems: what it knows; either the problems, or a function that finds one by its id (None: unknown),
            so that problems can be read when they are first asked for.
        settings: skill, seed and latency.
        sleep: how to spend the latency.
    """

    def __init__(
        self,
        problems: Iterable[Problem] | Lookup,
        settings: SimSettings | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings or SimSettings()
        self._sleep = sleep
        self._others: tuple[Problem, ...] = ()
        if callable(problems):
            self._lookup: Lookup = problems
        else:
            by_id = {problem.id: problem for problem in problems}
            self._others = tuple(problem for problem in by_id.values() if problem.reference.strip())
            self._lookup = by_id.get
        self._known: dict[str, Known] = {}

    @property
    def settings(self) -> SimSettings:
        """Skill, seed and latency."""
        return self._settings

    @property
    def spec(self) -> str:
        """Specification that names the settings, e.g. ``sim:pass_rate=0.4``."""
        return self._settings.spec()

    @property
    def price(self) -> Price:
        """Free of charge."""
        return FREE

    def check_task(self, task_id: str, language: str = "python") -> None:
        """Say at once that a task cannot be worked on.

        Raises:
            ModelSpecError: if there is no problem of this id with a usable reference, or another language is asked
                for.
        """
        if language != "python":
            raise ModelSpecError(
                f"sim: is a simulation that only writes Python; task {task_id!r} asks for {language!r}; use a real"
                " model with -m"
            )
        try:
            if task_id not in self._known:  # all it derives takes many times as long
                self._use(task_id, reference_tree)
        except ModelError as error:
            raise ModelSpecError(str(error)) from None

    async def complete(self, request: Request) -> Reply:
        """Answer one request.

        Raises:
            ModelError: for a task it does not know (not retryable), or, at the configured rate, at random.
        """
        if self._settings.latency > 0:
            await self._sleep(self._settings.latency)
        return self.reply(request)

    def reply(self, request: Request) -> Reply:
        """Answer one request at once, without latency.

        Raises:
            ModelError: as for `complete`.
        """
        known = self._find(request.task_id)
        dice = roll(request, self._settings.seed)
        skill = self._settings.skill
        if dice.happens("error", skill.error_rate):
            raise ModelError("the simulated provider failed (error_rate)", kind="server", retryable=True)
        if dice.happens("unreadable", skill.unreadable):
            text = writing.missed(dice.stream("unreadable text"))
        else:
            text = self._answer(request, known, dice, read(request))
        finish = "stop"
        limit = request.sampling.max_tokens
        if limit is not None and _tokens(text) > limit:
            text, finish = text[: limit * CHARACTERS_PER_TOKEN], "length"
        return Reply(
            text=text,
            input_tokens=sum(_tokens(message.text) for message in request.messages),
            output_tokens=_tokens(text),
            finish=finish,
            model=MODEL_NAME,
        )

    def _find(self, task_id: str) -> Known:
        known = self._known.get(task_id)
        if known is None:
            known = self._known[task_id] = self._use(task_id, Known)
        return known

    def _use(self, task_id: str, take: Callable[[Problem], _Taken]) -> _Taken:
        """Return what is taken from a problem that it must know.

        Raises:
            ModelError: if there is no such problem, or it has no usable reference.
        """
        problem = self._lookup(task_id)
        reason = "is not one of them"
        if problem is not None:
            try:
                return take(problem)
            except ValueError as error:
                reason = f"cannot be used: {error}"
        raise ModelError(
            "sim: is a simulation that only knows problems with reference solutions; "
            f"this task {task_id!r} {reason}; use a real model with -m, or a bundled problem with "
            "--problem bundled",
            kind="bad_request",
            retryable=False,
        )

    def _answer(self, request: Request, known: Known, dice: Dice, situation: Situation) -> str:
        skill = self._settings.skill
        rng = dice.stream("form")
        match request.answer_format or _FORMAT_OF_ROLE.get(request.role, "text"):
            case "code":
                return self._code(request, known, dice, situation)
            case "tests":
                return self._tests(known, dice, situation.width or DEFAULT_TESTS)
            case "numbered":
                width = situation.width or planning.DEFAULT_WIDTH
                if situation.program.strip():
                    return writing.numbered(judging.remarks(known, skill, dice, situation, width))
                return writing.numbered(planning.strategies(known, skill, dice, width))
            case "thoughts_json":
                width = situation.width or planning.DEFAULT_WIDTH
                block = planning.thoughts_json(known, skill, dice, situation, width)
                return writing.with_words(writing.fenced(block, "json"), rng, "Possible next thoughts:")
            case "exemplars":
                return planning.exemplars(
                    known, dice, self._others, situation.width or planning.DEFAULT_WIDTH
                )
            case "confidence":
                share = judging.perceived(judging.plan_quality(known, situation.plan), skill, dice)
                return (
                    "<root>\n<explanation>\nI compared each step of the plan with the statement.\n</explanation>\n"
                    f"<confidence>{round(100 * share)}</confidence>\n</root>"
                )
            case "last_line_score":
                share = judging.perceived(judging.quality(known, situation.program), skill, dice)
                return f"I weighed the program against the task and the test results.\n{round(5 * share)}"
            case "last_line_bool":
                correct, why = judging.critique(known, skill, dice, situation)
                return f"{why}\n{'true' if correct else 'false'}"
            case "number":
                share = judging.perceived(judging.quality(known, situation.program), skill, dice)
                return f"{2 * share - 1:.2f}"
            case "blocks_json":
                return judging.block_verdicts(known, skill, dice, situation)
            case _:
                return self._text(request, known, dice, situation)

    def _code(self, request: Request, known: Known, dice: Dice, situation: Situation) -> str:
        repairs = request.role == "debugger" or request.action in ("debug", "repair")
        program = (repaired if repairs else draft)(known, self._settings.skill, dice, situation)
        note = ""
        if repairs and request.variables.get("previous"):
            note = planning.plan_text(known, self._settings.skill, dice)
        return writing.code_answer(program, dice.stream("form"), note=note)

    def _text(self, request: Request, known: Known, dice: Dice, situation: Situation) -> str:
        skill = self._settings.skill
        if request.role == "critic":
            return judging.critique(known, skill, dice, situation)[1]
        if request.action == "rethink" or situation.thoughts:
            return planning.rethought(known, skill, dice, situation)
        return planning.plan_text(known, skill, dice)

    def _tests(self, known: Known, dice: Dice, width: int) -> str:
        """Write tests in a random order, fewer than asked for when the problem has no more to offer."""
        rng = dice.stream("tests")
        stdio = known.entry_point is None
        chosen = rng.sample(known.examples, min(width, len(known.examples)))
        chosen = [
            spoilt(example, rng, stdio=stdio) if rng.random() < self._settings.skill.wrong_tests else example
            for example in chosen
        ]
        if known.entry_point is None:
            return writing.with_words(
                writing.fenced(as_json(chosen), "json"), rng, "These cases come to mind."
            )
        # With nothing known about values there is still one thing that can be said of any solution.
        lines = [example.line(known.entry_point) for example in chosen] or [
            f"assert callable({known.entry_point})"
        ]
        return writing.with_words(
            writing.fenced("\n".join(lines), "python"), rng, "These tests cover the cases."
        )


_FORMAT_OF_ROLE = {"coder": "code", "debugger": "code", "tester": "tests"}


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)
