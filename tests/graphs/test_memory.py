"""A session whose search is over keeps the tree, not the machinery that grew it."""

from __future__ import annotations

import gc
from types import FunctionType, ModuleType

from langgraph.pregel import Pregel
from langgraph.pregel._loop import PregelLoop

from codegrove import CallTest, Task
from codegrove.api import run_session
from codegrove.graphs.assemble import assemble
from codegrove.models.scripted import ScriptedModel
from codegrove.tools.sandbox.scripted import ScriptedSandbox

TASK = Task(id="t", statement="Return x.", entry_point="f", tests=(CallTest(args="(1,)", expected="1"),))


class Checked(ScriptedSandbox):
    """One that is put through the self-test, as every sandbox of a user is."""

    exempt_from_self_test = False


def held_by(start: object) -> list[object]:
    """Everything that lives because `start` does, but for code."""
    found, seen = [start], {id(start)}
    for item in found:
        for other in gc.get_referents(item):
            if id(other) not in seen and not isinstance(other, type | ModuleType | FunctionType | Pregel):
                seen.add(id(other))
                found.append(other)
    return found


async def test_a_finished_session_lets_go_of_the_graph_it_ran_in() -> None:
    model = ScriptedModel(lambda request: "```python\ndef f(x):\n    return 2\n```")
    for sandbox in (ScriptedSandbox(lambda text, tests: 0.0), Checked(lambda text, tests: 0.0)):
        assembly = assemble("uct", model=model, sandbox=sandbox, overrides={"policy.expansions": 3})
        session = assembly.open_session(TASK)
        await run_session(assembly, session)
        held = held_by(session)
        assert session.search in held
        assert not [item for item in held if isinstance(item, PregelLoop)]
