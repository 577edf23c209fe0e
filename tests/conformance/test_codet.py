"""The conformance checks of the CodeT sheet that need the whole machine.

Checks 1 to 6 are formulas: tests/search/select. Checks 7 and 8 are the extractor's: tests/agents.
"""

from __future__ import annotations

from codegrove import Budget, CallTest, Task, solve
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from codegrove.tools.sandbox.process import ProcessSandbox
from codegrove.verdict import Status
from tests.conformance.machine import Answers, run, text_of


def test_calls_are_programs_plus_test_answers_and_executions_the_unique_programs() -> None:
    bodies = iter(["1", "1", "x", "x", "x", "2"])
    answers = Answers(
        {
            "write": lambda _: f"```python\ndef f(x):\n    return {next(bodies)}\n```",
            "write_tests": "```python\nassert f(1) == 1\nassert f(2) == 2\n```",
        }
    )
    done = run("codet", answers, programs=6, test_answers=4)
    assert dict(done.counts) == {"write": 6, "write_tests": 4}
    generated = [
        tests for _, tests in done.sandbox.judged if all(t.origin.value == "generated" for t in tests)
    ]
    assert len(generated) == 3
    assert all(len(tests) == 2 for tests in generated)


def test_a_budget_that_ends_the_drawing_leaves_programs_and_tests_to_choose_by() -> None:
    bodies = iter(["1", "x", "x", "x", "x"])
    answers = Answers(
        {
            "write": lambda _: f"```python\ndef f(x):\n    return {next(bodies)}\n```",
            "write_tests": "```python\nassert f(7) == 7\n```",
        }
    )
    model = ScriptedModel(answers)
    task = Task(id="t", statement="Return x.", entry_point="f", tests=(CallTest(args="(1,)", expected="1"),))
    solution = solve(
        task,
        "codet",
        model=model,
        overrides={"policy.programs": 100, "policy.test_answers": 100},  # the paper's
        budget=Budget(calls=6),
    )
    assert [request.action for request in model.requests] == ["write", "write_tests"] * 3
    assert solution.program is not None and "return x" in solution.program


def test_no_visible_test_takes_part_in_the_choice() -> None:
    # Two agreeing programs pass the generated tests and fail the visible one; the odd one passes the visible.
    bodies = iter(["x + 1", "x + 1", "x"])
    answers = Answers(
        {
            "write": lambda _: f"```python\ndef f(x):\n    return {next(bodies)}\n```",
            "write_tests": "```python\nassert f(1) == 2\n```",
        }
    )
    model = ScriptedModel(answers)
    task = Task(id="t", statement="Return x.", entry_point="f", tests=(CallTest(args="(1,)", expected="1"),))
    solution = solve(task, "codet", model=model, overrides={"policy.programs": 3, "policy.test_answers": 1})
    assert solution.program is not None and "x + 1" in solution.program
    assert not solution.solved


async def test_9_a_hanging_test_costs_its_own_limit_only() -> None:
    from codegrove.task import AssertTest, Origin
    from codegrove.tools.sandbox.port import Limits

    sandbox = ProcessSandbox(workers=1)
    program = "def f(x):\n    while x == 2:\n        pass\n    return x\n"
    tests = tuple(AssertTest(code=f"assert f({n}) == {n}", origin=Origin.GENERATED) for n in (1, 2, 3))
    try:
        verdict = await sandbox.judge(program, tests, entry_point="f", limits=Limits(test_seconds=0.3))
    finally:
        await sandbox.aclose()
    assert [result.status for result in verdict.results] == [Status.PASSED, Status.TIMED_OUT, Status.PASSED]


def test_10_the_tester_is_not_shown_the_examples() -> None:
    docstring = '"""Return x plus three.\n\n    >>> f(39)\n    42\n    """'
    stub = f"def f(x: int) -> int:\n    {docstring}\n"
    task = Task(
        id="t",
        statement=stub,
        stub=stub,
        entry_point="f",
        tests=(CallTest(args="(39,)", expected="42"),),
    )
    done = run("codet", Answers(), task=task, programs=1, test_answers=1)
    (tester,) = [request for request in done.requests if request.action == "write_tests"]
    (coder,) = [request for request in done.requests if request.action == "write"]
    assert "Return x plus three" in text_of(tester)
    assert "f(39)" not in text_of(tester) and "42" not in text_of(tester)
    assert "f(39)" in text_of(coder)
    assert _no_program_in(tester)


def _no_program_in(request: Request) -> bool:
    """The tester never sees a candidate."""
    return "return 100" not in text_of(request)
