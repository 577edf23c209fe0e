"""What the simulated programmer does on the bundled problems, measured by running programs in the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from codegrove.agents.answers.code import read_code
from codegrove.agents.answers.parts import Question
from codegrove.agents.answers.written_tests import read_tests
from codegrove.agents.feedback import describe_verdict
from codegrove.models.port import Request
from codegrove.models.sim import SimSettings, SimSkill, SimulatedProgrammer
from codegrove.problem import Problem
from codegrove.problems.bundled import all_bundled
from codegrove.task import Test
from codegrove.tools.sandbox.port import Sandbox
from codegrove.verdict import Verdict
from tests.models.sim.material import request

Case = tuple[str, int]
"""A problem's id and a draw."""


class Measured:
    """Programs and tests of simulated programmers, judged. Nothing is run twice.

    Args:
        sandbox: where.
        draws: answers to each request.
    """

    def __init__(self, sandbox: Sandbox, draws: int) -> None:
        self._sandbox = sandbox
        self._draws = draws
        self._problems = {problem.id: problem for problem in all_bundled()}
        self._verdicts: dict[tuple[str, str], asyncio.Future[Verdict]] = {}

    async def drafts(self, **skill: float) -> dict[Case, str]:
        """Return one program for every problem and draw, written from the task alone."""
        model, found = _programmer(skill), {}
        for case in self._cases():
            asked = request(self._problems[case[0]], "code", role="coder", action="write", draw=case[1])
            found[case] = self._program(case, model, asked)
        return found

    async def repairs(self, programs: Mapping[Case, str], **skill: float) -> dict[Case, str]:
        """Return what becomes of programs that fail, in one round with the feedback on a hidden test."""
        model, found = _programmer(skill), {}
        for case, program in programs.items():
            problem = self._problems[case[0]]
            verdict = await self._verdict(case[0], program)
            shown = describe_verdict(verdict, problem.hidden, problem.task.entry_point)
            about = {"program": program, "feedback": shown}
            asked = request(problem, "code", role="debugger", action="debug", draw=case[1], **about)
            found[case] = self._program(case, model, asked)
        return found

    async def passing(self, programs: Mapping[Case, str]) -> dict[Case, bool]:
        """Say which programs pass all hidden tests."""
        verdicts = await asyncio.gather(*(self._verdict(case[0], text) for case, text in programs.items()))
        return {case: verdict.passed for case, verdict in zip(programs, verdicts, strict=True)}

    async def written_tests(self, **skill: float) -> list[bool]:
        """Say of every test that was written whether the reference fails it."""
        model, wrong = _programmer(skill), []
        for problem in self._problems.values():
            written: list[Test] = []
            for draw in range(self._draws):
                answer = model.reply(request(problem, "tests", role="tester", draw=draw)).text
                written += read_tests(answer, Question(task=problem.task)).tests
            verdict = await self._judge(problem, problem.reference, tuple(written), fail_fast=False)
            wrong += [not result.passed for result in verdict.results]
        return wrong

    def _cases(self) -> Iterable[Case]:
        return [(problem, draw) for problem in self._problems for draw in range(self._draws)]

    def _program(self, case: Case, model: SimulatedProgrammer, asked: Request) -> str:
        answer = model.reply(asked).text
        return read_code(answer, Question(task=self._problems[case[0]].task)).program or ""

    async def _verdict(self, problem: str, program: str) -> Verdict:
        known = self._verdicts.get((problem, program))
        if known is None:
            subject = self._problems[problem]
            known = asyncio.ensure_future(self._judge(subject, program, subject.hidden, fail_fast=True))
            self._verdicts[problem, program] = known
        return await known

    async def _judge(
        self, problem: Problem, program: str, tests: tuple[Test, ...], *, fail_fast: bool
    ) -> Verdict:
        name = problem.task.entry_point
        return await self._sandbox.judge(program, tests, entry_point=name, fail_fast=fail_fast)


def _programmer(skill: Mapping[str, float]) -> SimulatedProgrammer:
    return SimulatedProgrammer(all_bundled(), SimSettings(skill=SimSkill.model_validate(skill)))
