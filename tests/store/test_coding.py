"""What goes into the database comes out of it."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from codegrove.candidate import Candidate
from codegrove.outcome import Failure, Outcome, Proposal, Review
from codegrove.store.coding import (
    decode_outcome,
    decode_test,
    decode_verdict,
    digest,
    encode_outcome,
    encode_test,
    encode_verdict,
    to_json,
)
from codegrove.store.texts import pieces
from codegrove.task import AssertTest, CallTest, Origin, StdioTest, Test
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict

texts = st.text(max_size=30)
numbers = st.floats(allow_nan=False)
times = st.integers(0, 10**9).map(lambda micros: micros / 1_000_000)
errors = st.builds(
    ErrorInfo,
    type=texts,
    message=texts,
    line=st.none() | st.integers(1, 99),
    trace=st.lists(st.tuples(st.integers(1, 99), texts), max_size=3).map(tuple),
)
results = st.builds(
    TestResult, status=st.sampled_from(Status), output=texts, error=st.none() | errors, seconds=times
)
verdicts = st.builds(
    Verdict,
    status=st.sampled_from(Status),
    results=st.lists(results, max_size=3).map(tuple),
    error=st.none() | errors,
    stdout=texts,
    stderr=texts,
    seconds=times,
    cpu_seconds=times,
    memory_mb=times,
    limit=texts,
    level=st.sampled_from(["", "isolated"]),
    guarantees=st.lists(st.sampled_from(["G1", "G2", "G3"]), max_size=3).map(tuple),
    note=texts,
)
tests: st.SearchStrategy[Test] = st.one_of(
    st.builds(CallTest, args=texts, expected=texts, tolerance=numbers, origin=st.sampled_from(Origin)),
    st.builds(StdioTest, stdin=texts, expected=texts, origin=st.sampled_from(Origin)),
    st.builds(AssertTest, code=texts, origin=st.sampled_from(Origin)),
)
outcomes = st.builds(
    Outcome,
    answer=texts,
    proposals=st.lists(
        st.builds(
            Proposal, text=texts, score=st.none() | numbers, data=st.dictionaries(texts, texts, max_size=2)
        ),
        max_size=2,
    ).map(tuple),
    program=st.none() | st.builds(Candidate, program=texts, action=texts, prompt=texts, model=texts),
    tests=st.lists(tests, max_size=2).map(tuple),
    review=st.none()
    | st.builds(Review, text=texts, score=st.none() | numbers, accepted=st.none() | st.booleans()),
    verdict=st.none() | verdicts,
    trace=texts,
    failure=st.none() | st.builds(Failure, kind=st.just("model"), message=texts),
)


@given(verdicts)
def test_a_verdict_survives(verdict: Verdict) -> None:
    assert decode_verdict(json.loads(to_json(encode_verdict(verdict)))) == verdict


@given(tests)
def test_a_test_survives(test: Test) -> None:
    assert decode_test(json.loads(to_json(encode_test(test)))) == test


@settings(max_examples=200)
@given(outcomes, st.booleans(), st.booleans(), st.booleans())
def test_an_outcome_survives_whatever_is_kept_elsewhere(
    outcome: Outcome, answer: bool, program: bool, verdict: bool
) -> None:
    data = json.loads(to_json(encode_outcome(outcome, answer=answer, program=program, verdict=verdict)))
    elsewhere_program = None if program or outcome.program is None else outcome.program.program
    decoded = decode_outcome(
        data,
        answer=None if answer else outcome.answer,
        program=elsewhere_program,
        verdict=None if verdict else outcome.verdict,
    )
    assert decoded == outcome


@given(st.text())
def test_pieces_joined_are_the_text(text: str) -> None:
    found = pieces(text)
    assert "".join(found) == text
    assert all(found)


def test_paragraphs_are_shared_pieces() -> None:
    task = "Write a function that does what the following statement says, and nothing else.\n\n"
    first, second = pieces(task + "One."), pieces(task + "Another.")
    assert first[0] == second[0] == task


@given(st.lists(st.text()), st.lists(st.text()))
def test_digests_tell_texts_apart(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


def test_lone_surrogates_can_be_written() -> None:
    text = to_json({"output": "\ud800 is half a character, é is one"})
    assert json.loads(text.encode().decode())["output"].startswith("\ud800")
