"""The public surface: small, documented, cheap to import, silent."""

from __future__ import annotations

import subprocess
import sys

import codegrove


def test_every_public_name_exists_and_is_documented() -> None:
    for name in codegrove.__all__:
        value = getattr(codegrove, name)
        assert (value.__doc__ or "").strip(), name


def test_all_is_sorted_and_complete() -> None:
    assert list(codegrove.__all__) == sorted(codegrove.__all__)
    assert set(codegrove.__all__) <= set(dir(codegrove))
    assert len(codegrove.__all__) <= 20


def test_importing_costs_no_heavy_package() -> None:
    heavy = ["langgraph", "langchain_core", "networkx", "pydantic", "jinja2", "rich", "typer"]
    code = f"import codegrove, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_the_library_is_silent_until_it_is_enabled() -> None:
    code = (
        "import codegrove\n"
        "from codegrove.models.scripted import ScriptedModel\n"
        "from codegrove import CallTest, Task, solve\n"
        "task = Task(id='t', statement='s', entry_point='f', tests=(CallTest(args='(1,)', expected='1'),))\n"
        "print(solve(task, 'direct', model=['no code at all']).result)\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "unsolved"
    assert done.stderr == ""


def test_an_unknown_name_is_an_attribute_error() -> None:
    try:
        codegrove.no_such_name  # noqa: B018
    except AttributeError as error:
        assert "no_such_name" in str(error)
    else:
        raise AssertionError("expected an AttributeError")
