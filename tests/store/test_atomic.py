"""Files that appear whole or not at all, whatever happens while they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegrove.errors import RunError
from codegrove.store import atomic, database


def test_a_file_is_replaced_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a[1].txt"
    path.write_text("old")
    with atomic.replacing(path) as new:
        new.write_text("new")
        assert path.read_text() == "old"
        assert atomic.unfinished(path) == [new]
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, GeneratorExit])
def test_what_breaks_off_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(error), atomic.replacing(path) as new:
        new.write_text("half")
        raise error
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_directory_that_breaks_off_is_removed_with_what_is_in_it(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), atomic.replacing(tmp_path / "a") as new:
        (new / "b").mkdir(parents=True)
        (new / "b" / "c").write_text("half")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    with atomic.replacing(tmp_path / "a") as one, atomic.replacing(tmp_path / "a") as other:
        one.write_text("one")
        other.write_text("other")
    assert (tmp_path / "a").read_text() == "one"


def test_a_place_that_cannot_be_replaced_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError):
        atomic.write_text(tmp_path / "a", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_any_text_can_be_written(tmp_path: Path) -> None:
    atomic.write_text(tmp_path / "a", "é\ud800\r\n")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9\\ud800\r\n"


def test_a_database_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "run.sqlite").mkdir()
    with pytest.raises(RunError, match="cannot write to"):
        database.create(tmp_path, {})
    assert [path.name for path in tmp_path.iterdir()] == ["run.sqlite"]
