"""Parquet files, Arrow files and directories, written by pyarrow; and Hugging Face ids with a double."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from codegrove.errors import TaskError
from codegrove.problems import load_problems
from codegrove.problems.files import problem_set
from codegrove.problems.hub import HubDataset
from tests.problems import rows_of_benchmarks as rows
from tests.problems.rows_of_benchmarks import ENTRIES, FORMATS, Row

pa = pytest.importorskip("pyarrow")


def write_parquet(path: Path, entries: Sequence[Row], **settings: Any) -> Path:
    import_module("pyarrow.parquet").write_table(pa.Table.from_pylist(list(entries)), path, **settings)
    return path


def write_arrow(path: Path, entries: Sequence[Row]) -> Path:
    table = pa.Table.from_pylist(list(entries))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return path


TABULAR = [name for name in ENTRIES if name not in ("humaneval+", "find_zero", "mbpp+")]
"""Inputs of EvalPlus have no common type, so there is no such table."""


@pytest.mark.parametrize("name", TABULAR)
def test_formats_are_recognised_in_tables(tmp_path: Path, name: str) -> None:
    found = load_problems(write_parquet(tmp_path / "a.parquet", [ENTRIES[name]]))
    (tmp_path / "b.jsonl").write_text(json.dumps(ENTRIES[name]))
    assert found.format == FORMATS[name]
    assert found.problems == load_problems(tmp_path / "b.jsonl").problems
    assert load_problems(write_arrow(tmp_path / "c.arrow", [ENTRIES[name]])).problems == found.problems


def many(count: int) -> list[Row]:
    return [{**rows.MBPP, "task_id": number} for number in range(count)]


@pytest.mark.parametrize("group", [1, 7, 40, 100])
def test_row_groups_are_read_one_by_one_and_in_any_order(tmp_path: Path, group: int) -> None:
    found = load_problems(write_parquet(tmp_path / "a.parquet", many(100), row_group_size=group))
    assert found.ids == tuple(f"MBPP/{number}" for number in range(100))
    for number in (99, 3, 4, 60, 20, 20):
        assert found.by_id(number).id == f"MBPP/{number}"
    assert found.report.problems == 100 and len(found.report.sha256) == 64


def test_a_wrong_cell_is_named_by_its_row(tmp_path: Path) -> None:
    entries = [*many(3), {**rows.MBPP, "task_id": None}]
    with pytest.raises(TaskError, match=r"a\.parquet, row 4, field 'task_id': expected a whole number"):
        load_problems(write_parquet(tmp_path / "a.parquet", entries))


def test_a_broken_table_gets_one_message(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", many(50))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TaskError, match=r"a\.parquet cannot be read \(.*\); expected 'bundled'"):
        load_problems(path)
    (tmp_path / "b.arrow").write_bytes(b"nothing")
    with pytest.raises(TaskError, match=r"b\.arrow cannot be read"):
        load_problems(tmp_path / "b.arrow")


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_parquet(tmp_path / "a.parquet", many(1))
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(
        TaskError, match=r"need pyarrow, which is not installed; pip install 'codegrove\[parquet\]'"
    ):
        load_problems(path)


def test_parts_of_a_directory_are_one_set_in_natural_order(tmp_path: Path) -> None:
    for name, number in (("test2.jsonl", 2), ("test.jsonl", 1), ("test10.jsonl", 3)):
        (tmp_path / name).write_text(json.dumps({**rows.LCB_STDIN, "question_id": str(number)}) + "\n")
    (tmp_path / "README.md").write_text("about")
    found = load_problems(tmp_path)
    assert found.ids == ("1", "2", "3")
    assert "read from 3 files: test.jsonl, test2.jsonl, test10.jsonl" in found.report.notes


def test_snapshots_and_saved_sets_are_found_inside_their_folders(tmp_path: Path) -> None:
    (tmp_path / "snapshot" / "sanitized").mkdir(parents=True)
    for part in range(2):
        name = f"test-{part:05}-of-00002.parquet"
        write_parquet(tmp_path / "snapshot" / "sanitized" / name, [{**rows.MBPP_SANITIZED, "task_id": part}])
    assert load_problems(tmp_path / "snapshot").ids == ("MBPP-sanitized/0", "MBPP-sanitized/1")
    saved = tmp_path / "saved"
    saved.mkdir()
    write_arrow(saved / "data-00000-of-00001.arrow", many(2))
    (saved / "state.json").write_text("{}")
    (saved / "dataset_info.json").write_text("{}")
    assert load_problems(saved).ids == ("MBPP/0", "MBPP/1")


def test_several_splits_are_not_mixed(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_parquet(tmp_path / f"{split}-00000-of-00001.parquet", many(1))
    with pytest.raises(
        TaskError, match=r"holds several splits \(test, train\); name the file of one of them"
    ):
        load_problems(tmp_path)


def test_a_directory_of_directories_asks_which(tmp_path: Path) -> None:
    for name in ("full", "sanitized"):
        (tmp_path / name).mkdir()
    with pytest.raises(TaskError, match="did you mean one of its folders: full, sanitized"):
        load_problems(tmp_path)


class Library:
    """Stands for the module ``datasets``."""

    def __init__(self, splits: dict[str, list[Row]] | Exception) -> None:
        self.splits = splits
        self.asked: tuple[str, str | None] | None = None

    def load_dataset(self, name: str, config: str | None) -> dict[str, list[Row]]:
        self.asked = (name, config)
        if isinstance(self.splits, Exception):
            raise self.splits
        return self.splits


def test_an_id_is_loaded_by_the_library(tmp_path: Path) -> None:
    library = Library({"test": many(2), "train": many(5)})
    source = HubDataset("hf:google-research-datasets/mbpp:full@train", library=library)
    found = problem_set(source, called="x")
    assert library.asked == ("google-research-datasets/mbpp", "full")
    assert len(found) == 5 and found.format == "MBPP"
    assert "split 'train' of google-research-datasets/mbpp" in str(found.report)
    assert len(problem_set(HubDataset("hf:mbpp", library=library), called="x")) == 2
    one = Library({"v0.1.4": many(1)})
    assert len(problem_set(HubDataset("hf:a/b", library=one), called="x")) == 1


@pytest.mark.parametrize(
    ("source", "splits", "message"),
    [
        ("hf:a/b@dev", {"test": []}, "has no split 'dev'; say which with @SPLIT: test"),
        ("hf:a/b", {"x": [], "y": []}, "has several splits; say which with @SPLIT: x, y"),
        (
            "hf:a/b",
            ConnectionError("no route\nto host"),
            r"cannot be loaded \(ConnectionError: no route\); without",
        ),
        ("hf:a/b", RuntimeError(), r"cannot be loaded \(RuntimeError: RuntimeError\)"),
        ("hf:../../etc", {"x": []}, "is no data set; expected hf:OWNER/NAME"),
        ("hf:", {"x": []}, "is no data set"),
    ],
)
def test_what_the_library_does_not_have_gets_one_message(source: str, splits: Any, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        list(HubDataset(source, library=Library(splits)).scan())


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(TaskError, match=r"pip install 'codegrove\[datasets\]', or give the path of a file"):
        load_problems("hf:openai/openai_humaneval")
