from __future__ import annotations

import os
from pathlib import Path

from codegrove.tools.sandbox.scratch import remove_tree


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
