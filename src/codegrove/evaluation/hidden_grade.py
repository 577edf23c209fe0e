"""What an evaluation's hidden tests said about the answer of one of its runs."""

from __future__ import annotations

from codegrove.evaluation.attempts import Attempt
from codegrove.evaluation.directory import HEADER, load_evaluation
from codegrove.report.data import HiddenGrade
from codegrove.runs.run import Run


def hidden_grade(run: Run) -> HiddenGrade | None:
    """Return the hidden verdict on a run's answer from the evaluation that the run belongs to.

    None where it belongs to none, or is not graded yet; also where the run went on afterwards and has another
    answer now, of which the evaluation knows nothing.

    Raises:
        EvaluationError: if the evaluation cannot be read.
    """
    place = run.directory.resolve()
    for folder in place.parents:
        if (folder / HEADER).is_file():
            break
    else:
        return None
    inside = place.relative_to(folder).as_posix()
    for row in load_evaluation(folder).results:
        if Attempt(row.recipe, row.problem, row.seed).folder == inside:
            if row.hidden is None or row.program != run.solution.program:
                return None
            return HiddenGrade(
                status=row.hidden.value,
                passed=row.hidden_passed,
                total=row.hidden_total,
                note=row.hidden_note,
            )
    return None
