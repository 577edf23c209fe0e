"""A part of the crash suite; `make crash` runs all of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.crash.campaign import RECIPES, at_every_event, at_random, reference, zygote

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups"),
]


@pytest.mark.parametrize("workers", [1, 8])
def test_nothing_paid_is_lost_or_paid_twice(workers: int, tmp_path: Path) -> None:
    with zygote() as server:
        for number, recipe in enumerate(RECIPES):
            known = reference(server, tmp_path, recipe, workers)
            assert at_every_event(server, tmp_path, recipe, workers, known, every=29, offset=number * 9)
            assert at_random(server, tmp_path, recipe, workers, known, kills=1, seed=number)
