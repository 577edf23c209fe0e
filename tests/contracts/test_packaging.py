"""What is built is what stands in the tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"codegrove": "src/codegrove"} | {
    f"codegrove/{name}": name for name in ("agents", "graphs", "prompts", "tools")
}
LINKS = set(FOLDERS.values()) - {"src/codegrove"}


def git_files(*folders: str) -> list[str]:
    """Files that are, or would be, committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\n") if name and (ROOT / name).exists()]


def tree_files() -> set[str]:
    """Files of the package as the tree has them, by their name in a wheel."""
    names = set()
    for line in git_files(*FOLDERS.values()):
        for package, folder in FOLDERS.items():
            if line.startswith(folder + "/") and Path(line).name not in {n.split("/")[-1] for n in LINKS}:
                names.add(f"{package}/{line.removeprefix(folder + '/')}")
    return names


def build(kind: str, folder: Path, into: Path) -> Path:
    """Build an sdist or a wheel in a process of its own, as a front end would."""
    code = f"import setuptools.build_meta as b, sys; b.build_{kind}(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(into)], cwd=folder, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (built,) = into.iterdir()
    return built


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_wheel_from_the_source_archive_holds_every_file_of_the_tree(tmp_path: Path) -> None:
    source, archive, wheel = (tmp_path / name for name in ("source", "archive", "wheel"))
    for name in git_files("."):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    archive.mkdir()
    wheel.mkdir()
    with tarfile.open(build("sdist", source, archive)) as packed:
        packed.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    names = zipfile.ZipFile(build("wheel", unpacked, wheel)).namelist()
    assert {name for name in names if name.startswith("codegrove/")} == tree_files()


def test_every_package_is_listed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(settings["tool"]["setuptools"]["packages"])
    found = {
        Path(name).parent.as_posix().replace("/", ".")
        for name in tree_files()
        if name.endswith("/__init__.py")
    }
    assert listed == found


def test_links_point_at_the_root_folders() -> None:
    for name in ("agents", "graphs", "prompts", "tools"):
        link = ROOT / "src" / "codegrove" / name
        assert link.resolve() == (ROOT / name).resolve() or link.read_text().strip() == f"../../{name}"
