"""Choosing an engine. What Ray does is tried by `tests.ray.trial`, in an environment that has it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from codegrove.errors import UsageError
from tests.support.small_evaluation import evaluate


def test_without_the_extra_ray_is_refused_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"not installed; pip install 'codegrove\[ray\]'"):
        evaluate(tmp_path / "eval", engine="ray")
    assert not (tmp_path / "eval").exists()


def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no engine 'rya'; did you mean 'ray'"):
        evaluate(tmp_path / "eval", engine="rya")
