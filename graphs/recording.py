"""Writes a session's run down as it happens, and gives back what an earlier session of it has paid for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import asdict
from typing import TypeVar

from loguru import logger
from pydantic import TypeAdapter

from codegrove.approval import ApprovalRequest, Decision
from codegrove.candidate import Candidate, program_key
from codegrove.graphs.end import End
from codegrove.graphs.reuse import Reuse, SharedRun
from codegrove.languages import PYTHON, load_language
from codegrove.models.journal import SharedAnswer, request_key
from codegrove.models.metered import CallRecord
from codegrove.models.port import Reply, Request
from codegrove.outcome import Outcome
from codegrove.search.policy import Expansion
from codegrove.store import reader
from codegrove.store.coding import digest, hash_tests, to_json
from codegrove.store.database import ROW_ERRORS, reason
from codegrove.store.writer import CallRow, DecisionRow, ExecutionRow, RunWriter, verdict_json
from codegrove.task import Task, Test
from codegrove.tools.sandbox.port import BlockTrace, Limits, Sandbox
from codegrove.verdict import Status, Verdict

CURRENT: ContextVar[int | None] = ContextVar("codegrove_expansion", default=None)
"""The expansion on whose behalf the running coroutine asks models. Agents need not know of it."""

_T = TypeVar("_T")
_TRACE = TypeAdapter(BlockTrace)


class Recorder:
    """The journal of one session.

    What cannot be written ends the run, with its best result so far: a run that goes on unrecorded would buy what
    a resumed one buys again.

    Args:
        writer: the open database of the run; closed by its owner.
        resumed: expansions that an earlier session left open, or that were taken back.
        shared: other runs whose answers may be taken.
        decisions: what humans have said in earlier sessions.
    """

    def __init__(
        self,
        writer: RunWriter,
        *,
        resumed: Iterable[int] = (),
        shared: Iterable[SharedRun] = (),
        decisions: Iterable[reader.DecisionRecord] = (),
    ) -> None:
        self._writer = writer
        self._connection = writer.connection
        self._answers = reader.answers_of(self._connection, resumed)
        self._last = reader.last_execution(self._connection)
        """The latest execution of earlier sessions. What this one executes the session itself remembers."""
        self._decisions = {
            (entry.expansion, entry.item, entry.asked): Decision(
                kind=entry.kind, text=entry.text, comment=entry.comment
            )
            for entry in decisions
        }
        self._reuse = Reuse(
            shared, own=reader.run_id(self._connection), taken=reader.origins(self._connection)
        )
        self._rows: dict[int, tuple[Verdict, int]] = {}
        """Row of each verdict on record, by the identity of the verdict."""
        self._on_failure: Callable[[End], None] = lambda reason: None
        self._seconds: Callable[[], float] = lambda: 0.0
        self._setting = b""
        self._broken = False

    @property
    def broken(self) -> bool:
        """Whether something could not be written: the record ends before it."""
        return self._broken

    def bind(
        self,
        *,
        seconds: Callable[[], float],
        on_failure: Callable[[End], None],
        task: Task,
        limits: Limits | None,
        sandbox: Sandbox,
    ) -> None:
        """Learn the clock of the run, whom to tell of failures, and what executions depend on."""
        self._seconds, self._on_failure = seconds, on_failure
        wanted = "" if limits is None else to_json(asdict(limits))
        # a verdict says nothing about the same text in another language, or compiled in another way
        language = [] if task.language == PYTHON else [repr(load_language(task.language))]
        self._setting = digest(task.entry_point or "", wanted, sandbox.level, *language)

    def remember(self, verdicts: Iterable[tuple[Verdict, int]]) -> None:
        """Learn the rows of verdicts that were read from the record."""
        self._rows.update((id(known[0]), known) for known in verdicts)

    def has_paid_for(self, expansion: int) -> bool:
        """Whether answers for an expansion are waiting to be used."""
        return bool(self._answers.get(expansion))

    def asked(self, expansion: Expansion) -> None:
        """Record what the policy asked for."""
        self._write(
            lambda: self._writer.asked(self._seconds(), expansion.id, expansion.action, expansion.node)
        )

    def told(self, expansion: Expansion, outcome: Outcome, *, reused: bool) -> None:
        """Record what an expansion brought."""
        verdict = outcome.verdict
        _, row = self._rows.get(id(verdict), (None, None))
        self._write(
            lambda: self._writer.told(self._seconds(), expansion.id, outcome, execution=row, reused=reused)
        )

    def known_decision(self, request: ApprovalRequest) -> Decision | None:
        """Return what a human has said to the same question about the same text."""
        return self._decisions.get((request.expansion, request.item, request.text))

    def decided(self, request: ApprovalRequest, decision: Decision) -> None:
        """Record what a human said."""
        row = DecisionRow(
            what=request.what,
            expansion=request.expansion,
            item=request.item,
            asked=request.text,
            kind=decision.kind,
            text=decision.text,
            comment=decision.comment,
        )
        self._write(lambda: self._writer.decided(self._seconds(), row))

    def called(self, record: CallRecord) -> None:
        """Record a model call."""
        request, reply, error = record.request, record.reply, record.error
        row = CallRow(
            expansion=CURRENT.get(),
            role=request.role,
            action=request.action,
            model=record.spec,
            prompt=request.prompt,
            key=request_key(record.spec, request),
            draw=request.draw,
            messages=[(message.role, message.text) for message in request.messages],
            sampling={name: value for name, value in asdict(request.sampling).items() if value},
            max_tokens=record.max_tokens,
            reply=None if reply is None else reply.text,
            finish=None if reply is None else reply.finish,
            answered_by=None if reply is None else reply.model or None,
            error=None if error is None else str(error),
            error_kind=None if error is None else error.kind,
            attempts=record.attempts,
            input_tokens=record.usage.input_tokens,
            output_tokens=record.usage.output_tokens,
            estimated=record.usage.estimated,
            dollars=record.usage.dollars,
            seconds=record.seconds,
            adopted=record.adopted or None,
            origin=record.origin or None,
        )
        self._write(lambda: self._writer.called(self._seconds(), row))

    def own(self, spec: str, request: Request) -> Reply | None:
        """Return what an earlier session bought for the expansion at work, see `AnswerSource`."""
        expansion = CURRENT.get()
        waiting = None if expansion is None else self._answers.get(expansion)
        if not waiting or expansion is None:
            return None
        key = request_key(spec, request)
        found = next((entry for entry in waiting if entry[0] == key), None)
        if found is None:
            logger.warning(
                "expansion {}: {} asks what is not on record; {} recorded answers to other questions are not used",
                expansion,
                request.action or request.role,
                len(waiting),
            )
            return None
        waiting.remove(found)
        answer = found[1]
        self._writer.answered(expansion, answer.call, answer.text)
        self._write(lambda: self._writer.adopted("calls", answer.call))
        return _reply(answer)

    def shared(self, spec: str, request: Request) -> SharedAnswer | None:
        """Return an answer of a run that is shared on purpose, see `AnswerSource`."""
        found = self._reuse.take(request_key(spec, request))
        if found is None:
            return None
        answer, source, origin = found
        return SharedAnswer(reply=_reply(answer), usage=answer.usage, source=source, origin=origin)

    def known_verdict(self, candidate: Candidate, tests: tuple[Test, ...]) -> tuple[str, Verdict] | None:
        """Return the verdict on a program that was judged by an earlier session of this run, and its text.

        That of the very text if there is one, else the latest on a program that is the same but for layout.
        """
        record = self._own_execution(reader.JUDGE, candidate.program, candidate.key, tests)
        verdict = None if record is None else self._read(lambda: reader.verdict_from_json(record.verdict))
        if record is None or verdict is None:
            return None
        self._rows[id(verdict)] = (verdict, record.id)
        return record.program, verdict

    def unused(self, verdict: Verdict, expansion: int | None) -> bool:
        """Whether a recorded verdict was bought for this expansion, and its session ended before it was told."""
        known = self._rows.get(id(verdict))
        if known is None or expansion is None or expansion not in self._answers:
            return False
        record = self._read(lambda: reader.read_execution(self._connection, known[1]))
        if record is None or record.expansion != expansion:
            return False
        self._write(lambda: self._writer.adopted("executions", known[1]))
        return True

    def shared_verdict(self, candidate: Candidate, tests: tuple[Test, ...]) -> tuple[Verdict, str] | None:
        """Return another run's verdict on exactly this program, and the name of that run."""
        return self._reuse.verdict(candidate, tests, self._setting)

    def executed(
        self,
        candidate: Candidate,
        tests: tuple[Test, ...],
        verdict: Verdict,
        *,
        expansion: int | None,
        adopted: str = "",
    ) -> None:
        """Record a verdict. One that says nothing is kept as well, but never given back."""
        status = verdict.status.value
        row = self._execution(
            reader.JUDGE, candidate.program, candidate.key, tests, expansion, status, adopted
        )
        written = self._write(lambda: self._writer.executed(self._seconds(), row(verdict_json(verdict))))
        if written is not None:
            self._rows[id(verdict)] = (verdict, written)

    def known_trace(self, program: str, test: Test) -> BlockTrace | None:
        """Return the trace of a run that an earlier session recorded."""
        record = self._own_execution(reader.TRACE, program, program_key(program), (test,))
        if record is None or record.program != program:
            return None
        return self._read(lambda: _TRACE.validate_json(record.verdict))

    def traced(self, program: str, test: Test, trace: BlockTrace, *, expansion: int | None) -> None:
        """Record a trace."""
        status = Status.CRASHED.value if trace.error is not None else Status.UNJUDGED.value
        row = self._execution(reader.TRACE, program, program_key(program), (test,), expansion, status, "")
        content = to_json(_TRACE.dump_python(trace, mode="json", exclude_defaults=True))
        self._write(lambda: self._writer.executed(self._seconds(), row(content)))

    def _own_execution(
        self, kind: str, program: str, key: str, tests: tuple[Test, ...]
    ) -> reader.ExecutionRecord | None:
        if not self._last:
            return None
        found = self._read(
            lambda: reader.find_executions(
                self._connection, kind, key, hash_tests(tests), self._setting, last=self._last
            )
        )
        return min(found, key=lambda record: record.program != program) if found else None

    def _execution(
        self,
        kind: str,
        program: str,
        key: str,
        tests: tuple[Test, ...],
        expansion: int | None,
        status: str,
        adopted: str,
    ) -> Callable[[str], ExecutionRow]:
        return lambda result: ExecutionRow(
            expansion=expansion,
            kind=kind,
            program_key=key,
            program=program,
            tests=hash_tests(tests),
            setting=self._setting,
            status=status,
            result=result,
            adopted=adopted or None,
        )

    def _write(self, write: Callable[[], _T]) -> _T | None:
        if self._broken:
            return None
        try:
            return write()
        except ROW_ERRORS as error:
            self._fail("written", error)
            return None

    def _read(self, read: Callable[[], _T]) -> _T | None:
        """Read what an earlier session has recorded; None where that turns out to be damaged."""
        try:
            return read()
        except ROW_ERRORS as error:
            self._fail("read", error)
            return None

    def _fail(self, what: str, error: Exception) -> None:
        self._broken = True
        logger.error("the run is no longer recorded: {}", error)
        self._on_failure(End.error(f"the run directory cannot be {what}: {reason(error)}"))


def _reply(answer: reader.Answer) -> Reply:
    usage = answer.usage
    return Reply(
        text=answer.text,
        input_tokens=None if usage.estimated else usage.input_tokens,
        output_tokens=None if usage.estimated else usage.output_tokens,
        finish=answer.finish,
        model=answer.answered_by,
    )
