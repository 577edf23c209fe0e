"""What ``codegrove eval`` shows: the words of strangers as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegrove.cli.eval_display import EvalDisplay
from codegrove.evaluation.attempts import Attempt
from codegrove.evaluation.directory import ResultWriter, load_evaluation
from tests.support.made_up_evaluation import made_up_header, made_up_row

REASON = "model: 404 Not Found [/v1/chat] :smile: [bold]"


def test_names_and_reasons_are_no_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    row = made_up_row(recipe="[red]grove", problem="[easy] name [/p]")
    out = tmp_path / "[dim]eval"
    with ResultWriter(out, made_up_header([row])) as writer:
        writer.append(row)
    display = EvalDisplay()
    with display:
        display.planned(2, [])
        display.finished(Attempt(row.recipe, row.problem, 0), row)
        display.left_open(Attempt("direct", "[/x]", 0), REASON)
    display.summarise(load_evaluation(out))
    shown, said = capsys.readouterr()
    assert "[1/2] [red]grove [easy] name [/p] seed 0: correct" in said
    assert f"not finished: direct [/x] seed 0: {REASON}" in said
    assert f"evaluation: {out}" in said
    assert "[red]grove" in shown
