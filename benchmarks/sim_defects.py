"""Which defects of the bundled problems change nothing: every single one is put into its reference and run.

The simulated programmer leaves these out of the drafts that are meant to be wrong, so that its pass rate is what
it is set to. Writes ``src/codegrove/models/sim/harmless.json``; run it again when a bundled problem or an operator
of the simulation changes (a test says so). Takes several minutes on two cores.

    python -P benchmarks/sim_defects.py
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

from codegrove.models.sim.harmless import FILE, fingerprint
from codegrove.models.sim.mutations import mutations
from codegrove.models.sim.scopes import given_names
from codegrove.models.sim.trees import edited, parse, source
from codegrove.problem import Problem
from codegrove.problems.bundled import all_bundled
from codegrove.tools.hidden_tests import hidden_tests
from codegrove.tools.sandbox import make_sandbox
from codegrove.tools.sandbox.port import Sandbox
from codegrove.verdict import Status

TARGET = Path(__file__).resolve().parents[1] / "src" / "codegrove" / "models" / "sim" / FILE


def with_each_defect(problem: Problem) -> list[str]:
    """Return the reference with each of its possible defects, in the order in which the simulation finds them."""
    tree, entry_point = parse(problem.reference), problem.task.entry_point
    assert tree is not None
    found = mutations(tree, entry_point, given_names(problem.task.stub, entry_point))
    return [source(edited(tree, [mutation.edit])) for mutation in found]


async def statuses(problem: Problem, programs: list[str], sandbox: Sandbox) -> list[Status]:
    """Run a problem's hidden tests on programs."""
    ready = await hidden_tests(problem, sandbox)
    verdicts = await asyncio.gather(
        *(
            sandbox.judge(
                program,
                ready.tests,
                entry_point=problem.task.entry_point,
                limits=ready.limits,
                fail_fast=True,
            )
            for program in programs
        )
    )
    assert not any(verdict.status is Status.UNJUDGED for verdict in verdicts), "the sandbox did not work"
    return [verdict.status for verdict in verdicts]


async def main() -> None:
    """Run all of them and write the file."""
    sandbox, entries, seen = make_sandbox(workers=2), [], Counter[str]()
    try:
        for problem in all_bundled():
            found = await statuses(problem, with_each_defect(problem), sandbox)
            seen.update(status.value for status in found)
            passing = [index for index, status in enumerate(found) if status is Status.PASSED]
            print(f"{problem.id}: {len(passing)} of {len(found)} change nothing", flush=True)
            entries.append(
                {
                    "problem": problem.id,
                    "reference": fingerprint(problem),
                    "defects": len(found),
                    "harmless": passing,
                }
            )
    finally:
        await sandbox.aclose()
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    TARGET.write_text(f"[\n{lines}\n]\n", encoding="utf-8", newline="\n")
    print(dict(seen))


if __name__ == "__main__":
    asyncio.run(main())
