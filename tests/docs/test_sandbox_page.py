"""The executor that the page about the sandbox shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from codegrove.task import AssertTest, CallTest
from codegrove.tools.sandbox.remote import RemoteSandbox

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def example() -> RemoteSandbox:
    """The sandbox that the example makes."""
    (text,) = [
        block for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M) if "Executor" in block
    ]
    assert len(text.split("class LocalProcess")[1].strip().splitlines()) <= 40, "no example any more"
    scope: dict[str, Any] = {}
    exec(compile(text, "docs/sandbox.md", "exec"), scope)
    sandbox = scope["sandbox"]
    assert isinstance(sandbox, RemoteSandbox)
    return sandbox


async def test_the_executor_on_the_page_judges() -> None:
    sandbox = example()
    split = AssertTest(code="[].copy()\nfor i in range(3):\n    assert f(i) == i + 1")
    verdict = await sandbox.judge("def f(x):\n    return x + 1\n", [split], entry_point="f")
    assert verdict.passed
    assert verdict.guarantees == ("G1", "G2", "G12", "G13")
    wrong = CallTest(args="(1,)", expected="3")
    assert not (await sandbox.judge("def f(x):\n    return x + 1\n", [wrong], entry_point="f")).passed
    await sandbox.aclose()
