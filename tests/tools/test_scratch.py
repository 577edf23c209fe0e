"""What a stranger leaves in a folder is counted and removed, whatever it does meanwhile."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegrove.tools.sandbox import files_below
from codegrove.tools.sandbox.files_below import open_up, stats_below
from codegrove.tools.sandbox.scratch import remove_tree

NOBODY = 65534


@pytest.fixture
def mine() -> Iterator[Path]:
    """Return a folder of somebody who is not root, and become that one where this is root."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        remove_tree(str(folder))


def test_an_empty_and_a_missing_folder(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    remove_tree(str(folder))
    remove_tree(str(folder))
    assert not folder.exists()


def test_depth_permissions_and_links_do_not_matter(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("kept")
    folder = tmp_path / "scratch"
    (folder / "closed" / "inner").mkdir(parents=True)
    (folder / "closed" / "inner" / "file").write_text("gone")
    (folder / "link").symlink_to(victim)
    (folder / "closed" / "link").symlink_to(victim, target_is_directory=True)
    os.mkfifo(folder / "pipe")
    (folder / "closed").chmod(0)
    inner = os.open(folder, os.O_RDONLY)
    for _ in range(1500):  # deeper than recursion and path names reach
        os.mkdir("d", dir_fd=inner)
        deeper = os.open("d", os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = deeper
    os.close(inner)
    remove_tree(str(folder))
    assert not folder.exists()
    assert (victim / "file").read_text() == "kept"


def test_closed_folders_go_as_well_and_nothing_else_is_lost_with_them(mine: Path) -> None:
    folder = mine / "scratch"
    for name in ("a", "b", "c"):
        (folder / "run" / name / "inner").mkdir(parents=True)
        (folder / "run" / name / "inner").chmod(0)
        (folder / "run" / name).chmod(0)
    remove_tree(str(folder))
    assert not folder.exists()


def test_files_are_counted_in_closed_folders_too(mine: Path) -> None:
    (mine / "a" / "b").mkdir(parents=True)
    (mine / "a" / "b" / "file").write_bytes(bytes(100))
    (mine / "a" / "b").chmod(0)
    assert sorted(info.st_size for info in stats_below(str(mine), 10) if info.st_nlink == 1) == [100]
    (mine / "a" / "b").chmod(0o600)  # may be listed, but nothing in it may be looked at
    assert len(stats_below(str(mine), 10)) == 3


def test_no_more_is_counted_than_asked_for(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / str(number)).mkdir()
    assert len(stats_below(str(tmp_path), 10)) == 11
    assert len(stats_below(str(tmp_path), 30)) == 30


def test_folders_too_deep_to_be_counted_are_an_error(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    inner = os.open(tmp_path, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=inner)
        deeper = os.open("d", os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = deeper
    os.close(inner)
    with contextlib.suppress(OSError):  # how many descriptors there are depends on the machine
        assert len(stats_below(str(tmp_path), 4000)) == 3000
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/fd")) == before
    remove_tree(str(tmp_path / "d"))


def test_whoever_exchanges_a_folder_for_a_link_leads_nobody_astray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "scratch"
    (victim / "inner").mkdir(parents=True)
    victim.chmod(0o755)
    (folder / "a").mkdir(parents=True)
    (folder / "b").mkdir()
    really_open = files_below.open_folder

    def exchange_first(name: str, above: int | None) -> int:
        if name == "a":
            (folder / "a").rmdir()
            (folder / "a").symlink_to(victim)
        elif name == "b":
            (folder / "b").rmdir()
            (folder / "b").write_text("now a file")
        return really_open(name, above)

    monkeypatch.setattr(files_below, "open_folder", exchange_first)
    assert len(stats_below(str(folder), 10)) == 2
    with pytest.raises(OSError, match="a"):
        open_up(str(folder / "a"), None)
    assert victim.stat().st_mode & 0o777 == 0o755


def test_the_folder_itself_is_not_followed_either(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match="link"):
        stats_below(str(tmp_path / "link"), 10)
