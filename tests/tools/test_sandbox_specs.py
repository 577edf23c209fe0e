"""Sandboxes by name: what is meant, what is demanded besides, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from codegrove.errors import RecipeError, SandboxError, UsageError
from codegrove.graphs.assemble import assemble
from codegrove.graphs.recipe.loader import load_recipe
from codegrove.task import CallTest, Task
from codegrove.tools.sandbox import ProcessSandbox, make_sandbox, open_sandbox
from codegrove.tools.sandbox.factory import check_level
from codegrove.tools.sandbox.remote import ContainerExecutor, RemoteSandbox
from tests.support.containers import IMAGE, FakeEngine
from tests.support.executors import PlainExecutor

TASK = Task(id="t", statement="Write f.", entry_point="f", tests=(CallTest(args="(1,)", expected="1"),))


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Docker, as far as anybody can tell."""
    made = FakeEngine(tmp_path, images=[IMAGE, "registry:5000/own/python:3"])
    monkeypatch.setenv("PATH", f"{made.folder}:/usr/bin:/bin")
    return made


@pytest.mark.skipif(sys.platform != "linux", reason="the fake engine needs Linux")
async def test_engines_are_named_with_or_without_an_image(engine: FakeEngine) -> None:
    for spec, image in (
        ("container", IMAGE),
        ("docker", IMAGE),
        ("docker:registry:5000/own/python:3", "registry:5000/own/python:3"),
    ):
        sandbox = open_sandbox(spec, workers=1)
        assert isinstance(sandbox, RemoteSandbox)
        assert isinstance(sandbox.executor, ContainerExecutor)
        assert (sandbox.executor.image, sandbox.executor.name, sandbox.workers) == (image, "docker", 1)
        await sandbox.aclose()
    with pytest.raises(SandboxError, match="docker pull python:3.13"):
        open_sandbox("container:python:3.13")
    with pytest.raises(SandboxError, match="no 'podman' is on the PATH"):
        open_sandbox("podman")


async def test_levels_are_named_too() -> None:
    sandbox = open_sandbox("basic")
    assert isinstance(sandbox, ProcessSandbox)
    assert sandbox.level == "basic"
    await sandbox.aclose()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("contaner", "did you mean 'container'"),
        ("container:", "for example, container:python"),
        ("docker:--privileged", "for example"),
        ("docker:a b", "for example"),
        ("basic:python", "for example"),
        ("", "for example"),
    ],
)
def test_what_names_nothing_is_refused(spec: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        open_sandbox(spec)


def test_remote_is_neither_above_nor_below_a_level(engine: FakeEngine) -> None:
    with pytest.raises(SandboxError, match="'restricted' is demanded, but 'container' is level 'remote'"):
        open_sandbox("container", at_least="restricted")
    assert open_sandbox("container", at_least="remote").level == "remote"
    with pytest.raises(UsageError, match="name its backend as the sandbox, such as 'container'"):
        make_sandbox("remote")
    with pytest.raises(UsageError, match="name its backend"):
        make_sandbox(at_least="remote")
    with pytest.raises(UsageError, match="name its backend"):
        open_sandbox("basic", at_least="remote")
    remote = RemoteSandbox(PlainExecutor())
    check_level(remote, "remote")
    for level in ("isolated", "basic"):
        with pytest.raises(SandboxError, match="has level 'remote'"):
            check_level(remote, level)
    with pytest.raises(SandboxError, match="has level 'basic'"):
        check_level(ProcessSandbox(), "remote")


@pytest.mark.skipif(sys.platform != "linux", reason="the fake engine needs Linux")
async def test_recipes_and_settings_choose(engine: FakeEngine) -> None:
    recipe = load_recipe("direct", {"sandbox": "container", "require_sandbox": "remote"})
    session = assemble(recipe, model=["no code"]).open_session(TASK)
    assert session.executions.sandbox.level == "remote"
    await session.aclose()
    local = assemble(recipe, model=["no code"], sandbox="basic", require_sandbox="basic").open_session(TASK)
    assert local.executions.sandbox.level == "basic"
    await local.aclose()
    with pytest.raises(RecipeError, match="sandbox"):
        load_recipe("direct", {"sandbox": "kontainer:x"})
    assert engine.containers() == []
