"""Every notebook runs from top to bottom in a real kernel, offline, and is committed without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.notebook
@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever calls out is caught: every proxy leads nowhere.
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    client.execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert shown
    # A display that writes where its text should be returned shows itself many times.
    assert all(sum("data" in output for output in cell.get("outputs", [])) <= 1 for cell in notebook.cells)
    assert not [output for output in shown if output.output_type == "stream" and output.name == "stderr"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def test_the_hand_wired_graph_takes_less_than_25_lines() -> None:
    notebook = nbformat.read(FOLDER / "02_your_own_graph.ipynb", as_version=4)
    wiring = next(cell for cell in notebook.cells if "StateGraph(BranchState)" in cell.source)
    lines = [line for line in wiring.source.splitlines() if line.strip()]
    assert len(lines) < 25
    assert "controller" not in wiring.source


def test_a_policy_and_an_agent_take_30_lines_each() -> None:
    notebook = nbformat.read(FOLDER / "04_write_a_recipe.ipynb", as_version=4)
    policy = next(cell.source for cell in notebook.cells if "class Beam:" in cell.source)
    policy = policy[policy.index("class Beam:") : policy.index("register_policy(Beam")]
    agent = next(cell.source for cell in notebook.cells if "suspect.md" in cell.source)
    for written in (policy, agent):
        assert len([line for line in written.splitlines() if line.strip()]) <= 30
