"""Keeps one talkative answer from outvoting the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def limited(test_texts: Iterable[Sequence[T]], limit: int) -> list[Sequence[T]]:
    """Keep the first `limit` tests of every answer; repeats inside an answer count."""
    return [tests[:limit] for tests in test_texts]
