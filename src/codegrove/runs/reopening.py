"""Makes the assembly of a recorded run again, so that it can go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from codegrove.approval import Approver
from codegrove.budget import Budget
from codegrove.errors import CodegroveError, ModelSpecError, RunError
from codegrove.graphs.assemble import Assembly, Problems, RunSettings, assemble
from codegrove.graphs.session import Observer
from codegrove.models.port import Price
from codegrove.models.specs import make_model
from codegrove.problems import load_problems
from codegrove.runs.ending import latest_limits
from codegrove.runs.record import RunRecord
from codegrove.store import database, reader
from codegrove.tools.sandbox.port import Sandbox


class Changes(TypedDict, total=False):
    """What may be given anew when a run goes on."""

    model: Any
    models: Mapping[str, Any]
    problems: Problems | None
    workers: int | None
    sandbox: Sandbox | str | None
    require_sandbox: str | None
    observers: Sequence[Observer]
    approver: Approver | None


def reopen(
    directory: str | Path,
    *,
    budget: Budget | None = None,
    extend: Budget | None = None,
    **changes: Unpack[Changes],
) -> tuple[Assembly, RunRecord]:
    """Return what a recorded run is made of, see `codegrove.api.aresume`.

    Raises:
        RunError: if there is no run that can be read, or its models cannot be made again.
    """
    path = Path(directory)
    with database.reading(path) as connection:
        record = RunRecord.from_meta(reader.read_meta(connection))
        spend = reader.read_spend(connection)
        limits = latest_limits(connection)
    # Those of the recipe are the first session's, and hold where none was given since.
    limits = limits or record.recipe.budget.to_budget()
    limits = limits.changed(budget)
    if extend is not None:
        limits = limits.extended(extend, spend)
    settings = RunSettings()
    settings.update(changes)  # type: ignore[typeddict-item]  # Changes is a part of it
    settings["budget"], settings["seed"] = limits, record.seed
    settings["workers"] = changes.get("workers") or record.workers
    if changes.get("model") is None and not changes.get("models"):
        settings["models"] = _make_models(record, changes.get("problems"))
    # The recipe's own limits must not come back where an earlier session lifted them.
    recipe = record.recipe.model_copy(update={"budget": type(record.recipe.budget)()})
    assembly = assemble(recipe, **settings)
    return replace(assembly, recipe=record.recipe), record


def _make_models(record: RunRecord, problems: Problems | None) -> dict[str, Any]:
    """Make every model again from its name; actions that shared one share it again."""
    if problems is None and record.problem is not None and record.simulated:
        source, problem_id, form = record.problem
        try:
            problems = [load_problems(source, format=form).by_id(problem_id)]
        except CodegroveError as error:
            raise RunError(
                f"the run's simulated programmer needs problem {problem_id!r} of {source}: {error}"
            ) from None
    made: dict[tuple[str, Price | None], Any] = {}
    models = {}
    for action, price in record.prices().items():
        spec = record.models[action].spec
        if (spec, price) not in made:
            try:
                made[spec, price] = make_model(spec, problems=problems, price=price)
            except ModelSpecError as error:
                raise RunError(
                    f"the run's model {spec!r} cannot be made again from its name: {error}; pass it:"
                    " codegrove.resume(directory, model=...)"
                ) from None
        models[action] = made[spec, price]
    return models
