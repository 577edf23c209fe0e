"""The report of a recorded run."""

from __future__ import annotations

from codegrove.report.build import report_data
from codegrove.report.data import HiddenGrade, ReportCall, ReportData
from codegrove.runs.run import Call, Run
from codegrove.search.tree import ROOT
from codegrove.verdict import Verdict


def run_report(run: Run, *, hidden: Verdict | HiddenGrade | None = None) -> ReportData:
    """Gather what the report of a recorded run shows, also while the run goes on.

    Args:
        run: the opened run directory.
        hidden: verdict of the hidden tests on the answer; None says "not graded". For a run of an evaluation
            `codegrove.evaluation.hidden_grade.hidden_grade` has it.
    """
    return report_data(
        task=run.task,
        tree=run.tree,
        solution=run.solution,
        recipe_yaml=run.recipe.to_yaml(),
        calls=[_call(call) for call in run.calls],
        added=run.nodes_of,
        budget=run.limits,
        seed=run.seed,
        workers=run.record.workers,
        hidden=hidden,
    )


def _call(call: Call) -> ReportCall:
    return ReportCall(
        expansion=call.expansion if call.expansion is not None else -1,  # no expansion has this number
        node=call.node if call.node is not None else ROOT,
        role=call.role,
        action=call.action,
        model=call.model,
        messages=call.messages,
        reply=call.reply,
        error=call.error,
        prompt=call.prompt,
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        estimated=call.estimated,
        dollars=call.dollars,
        seconds=call.seconds,
        adopted=call.adopted,
    )
