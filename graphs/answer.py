"""The end of a run: which program is the answer, what is known about it, and the solution that this makes."""

from __future__ import annotations

from dataclasses import replace

from loguru import logger

from codegrove.approval import ApprovalRequest, Decision
from codegrove.candidate import Candidate
from codegrove.errors import BudgetExceeded
from codegrove.graphs.end import DONE, End
from codegrove.graphs.session import Session
from codegrove.graphs.solution import Result, Settled, Solution, edited_program
from codegrove.search.scoring import rank_key
from codegrove.search.tree import Node
from codegrove.task import Task
from codegrove.verdict import Status, Verdict, overall


async def settle(session: Session) -> None:
    """Choose the answer, and judge it on the task's tests if that is still open."""
    node_id = _choose(session)
    candidate = verdict = None
    if node_id is not None:
        node = session.search.tree[node_id]
        candidate = node.program
        verdict = _on_own_tests(node, session.task)
        if candidate is not None and verdict is None and session.task.tests:
            verdict = await _final_verdict(session, candidate)
    session.settled = Settled(node_id, candidate, verdict)


def solution_request(session: Session) -> ApprovalRequest | None:
    """Return the question about the answer; None without an answer, or when the run was broken off."""
    answer = session.settled
    if answer is None or answer.candidate is None or answer.node is None:
        return None
    if session.stopped is not None and session.stopped.kind.broken_off:
        return None
    about = "no visible test could judge it"
    if answer.verdict is not None and answer.verdict.results:
        passed, tests = answer.verdict.passed_count, len(answer.verdict.results)
        about = f"{passed} of {tests} visible tests passed"
    return ApprovalRequest(
        what="solution",
        text=answer.candidate.program,
        task=session.task.id,
        node=answer.node,
        about=about,
    )


async def finish(session: Session, decision: Decision | None = None) -> Solution:
    """Return the solution, settling the answer if that is still open.

    Args:
        decision: what a human said about the answer. Where one was wanted and there is none, the answer
            counts as unverified.
    """
    if session.settled is None:
        await settle(session)
    assert session.settled is not None
    node_id, candidate, verdict = session.settled.node, session.settled.candidate, session.settled.verdict
    if decision is not None and decision.kind == "edit":
        candidate = edited_program(decision.text, session.task.language)
        verdict = await _final_verdict(session, candidate) if session.task.tests else None
    result = _result(candidate, verdict)
    if decision is None and candidate is not None and "solution" in session.approvals.wanted:
        result = Result.UNVERIFIED
    spend = session.account.close()
    end, refused = session.stopped or DONE, session.refused
    if session.stopped is None and spend.calls and spend.failed_calls == spend.calls:
        end = End.model(f"every call failed, the last with: {session.last_error}")
    elif session.stopped is None and refused is not None and result is not Result.SOLVED:
        end = End.over(refused)
    if decision is not None and decision.kind == "reject":
        result, end = Result.UNSOLVED, End.rejected(decision.comment)
    return Solution(
        task_id=session.task.id,
        recipe=session.recipe,
        result=result,
        reason=end.reason,
        ended=end.kind,
        resource=end.resource,
        candidate=candidate,
        verdict=verdict,
        node=node_id,
        spend=spend,
        simulated=session.simulated,
        tree=session.search.tree,
    )


async def _final_verdict(session: Session, candidate: Candidate) -> Verdict | None:
    try:
        return await session.executions.execute(candidate, session.task.tests)
    except BudgetExceeded as reason:
        logger.info("the answer was not judged on the task's tests: {}", reason)
        return None


def _choose(session: Session) -> int | None:
    try:
        return session.search.answer()
    except Exception as error:  # noqa: BLE001  a policy may be a stranger's; the best program is still there
        logger.opt(exception=True).error("the search policy failed")
        session.stop(End.error(f"the search policy failed with {type(error).__name__}: {error}"))
        best = max(session.search.tree.programs(), key=lambda node: (rank_key(node), -node.id), default=None)
        return best.id if best else None


def _on_own_tests(node: Node, task: Task) -> Verdict | None:
    """Return what is known of a node's program on the task's own tests, which come first among its tests."""
    verdict, count = node.verdict, len(task.tests)
    if verdict is None or node.tests[:count] != task.tests or len(verdict.results) < count:
        return None
    if len(node.tests) == count:
        return verdict
    results = verdict.results[:count]
    status = overall(result.status for result in results)
    if status is Status.PASSED:
        # Whatever ended the run came later, among the generated tests.
        return replace(verdict, status=status, results=results, error=None, limit="")
    return replace(verdict, status=status, results=results)


def _result(candidate: Candidate | None, verdict: Verdict | None) -> Result:
    if candidate is None:
        return Result.UNSOLVED
    if verdict is None or verdict.status is Status.UNJUDGED:
        return Result.UNVERIFIED
    return Result.SOLVED if verdict.passed else Result.UNSOLVED
