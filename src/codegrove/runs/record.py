"""What a run directory says about the run as a whole: task, recipe, models, seed."""

from __future__ import annotations

import json
import platform
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from codegrove.errors import RecipeError, RunError
from codegrove.graphs.assemble import Assembly
from codegrove.graphs.recipe.loader import load_recipe
from codegrove.graphs.recipe.schema import Recipe
from codegrove.models.port import Model, Price
from codegrove.models.retry import RetryingModel
from codegrove.prompts.loader import load_prompt
from codegrove.store.coding import digest
from codegrove.task import Task

_TASK = TypeAdapter(Task)
_NOT_THE_METHOD = (
    "name",
    "about",
    "paper",
    "budget",
    "workers",
    "seed",
    "models",
    "prices",
    "sandbox",
    "require_sandbox",
)
"""Parts of a recipe that may differ when a run goes on, or that are compared by themselves."""


class ModelRecord(BaseModel):
    """One model of a run."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    spec: str
    price: tuple[float, float] | None = None
    """Dollars per million input and output tokens; None when unknown."""
    server: str | None = None
    """Address it was asked at, where that is known; the specification need not say it."""


class RunRecord(BaseModel):
    """Everything that is fixed when a run starts."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    """Tells the run from all others, wherever its directory is."""

    task: Task
    recipe: Recipe
    models: Mapping[str, ModelRecord]
    """The model of each action."""
    prompts: Mapping[str, str] = {}
    """Hash of what the prompt of each action says."""
    seed: int
    workers: int
    simulated: bool
    problem: tuple[str, str, str | None] | None = None
    """File, id and format (None: found out) of the problem, where it came from one: a simulated programmer has to
    look it up again."""
    created_at: str
    codegrove: str
    python: str

    @staticmethod
    def of(
        assembly: Assembly, task: Task, *, problem: tuple[str, str, str | None] | None = None
    ) -> RunRecord:
        """Describe a run that is about to start."""
        models = {}
        for action, model in assembly.models.items():
            price = model.price
            models[action] = ModelRecord(
                spec=model.spec,
                price=None if price is None else (price.input, price.output),
                server=_server(model),
            )
        return RunRecord(
            id=uuid.uuid4().hex,
            task=task,
            recipe=assembly.recipe,
            models=models,
            prompts={action: _said(agent.prompt) for action, agent in assembly.recipe.agents.items()},
            seed=assembly.seed,
            workers=assembly.workers,
            simulated=assembly.simulated,
            problem=problem,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            codegrove=version("codegrove"),
            python=platform.python_version(),
        )

    def to_meta(self) -> dict[str, str]:
        """Return the rows of the table `meta`."""
        settings = self.model_dump(mode="json", exclude={"task", "recipe"})
        return {
            "task": task_json(self.task),
            "recipe": json.dumps(self.recipe.to_data(), ensure_ascii=True, indent=2),
            **{key: json.dumps(value, ensure_ascii=False) for key, value in settings.items()},
        }

    @staticmethod
    def from_meta(meta: Mapping[str, str]) -> RunRecord:
        """Rebuild the record from the rows of `meta`.

        Raises:
            RunError: if rows are missing or malformed.
        """
        try:
            rest = {key: json.loads(value) for key, value in meta.items() if key not in ("task", "recipe")}
            task = _TASK.validate_json(meta["task"])
            recipe = load_recipe(json.loads(meta["recipe"]))
            return RunRecord(task=task, recipe=recipe, **rest)
        except (KeyError, ValueError, ValidationError, RecipeError) as error:
            raise RunError(
                f"the run's description is damaged or from another version: {str(error).splitlines()[0]}"
            ) from None

    def differences(self, other: RunRecord) -> list[str]:
        """Say in words where another run is not this one. Budgets, workers and labels may differ."""
        found = []
        if task_json(self.task) != task_json(other.task):
            found.append(f"its task is {self.task.id!r}{_other(self.task.id, other.task.id)}")
        if _method(self.recipe) != _method(other.recipe):
            found.append(f"its recipe is {self.recipe.name!r}{_other(self.recipe.name, other.recipe.name)}")
        if self.seed != other.seed:
            found.append(f"its seed is {self.seed}, not {other.seed}")
        mine = {action: model.spec for action, model in self.models.items()}
        others = {action: model.spec for action, model in other.models.items()}
        found += [
            f"its model for {action} is {spec}, not {others[action]}"
            for action, spec in mine.items()
            if others.get(action, spec) != spec
        ]
        return found

    def changes(self, other: RunRecord) -> list[str]:
        """Say in words what has changed that a run can go on with, but that its user should know of."""
        found = [
            f"prompt {self.recipe.agents[action].prompt!r} of {action} says something else than when the run"
            " began; answers on record to what it said then are not used"
            for action, said in self.prompts.items()
            if other.prompts.get(action, said) != said
        ]
        for action, model in self.models.items():
            server = other.models[action].server if action in other.models else None
            if None not in (model.server, server) and model.server != server:
                found.append(f"{model.spec} for {action} was asked at {model.server}, and is now at {server}")
        return found

    def prices(self) -> dict[str, Price | None]:
        """Return the price of each action's model."""
        return {
            action: None if model.price is None else Price(*model.price)
            for action, model in self.models.items()
        }


def task_json(task: Task) -> str:
    """Return a task as JSON."""
    return json.dumps(_TASK.dump_python(task, mode="json"), ensure_ascii=True, indent=2)


def _said(prompt: str) -> str:
    """Return a hash of what a prompt says."""
    read = load_prompt(prompt)
    return digest(
        read.answer, *(part for section in read.sections for part in (section.role, section.source))
    ).hex()


def _server(model: Model) -> str | None:
    inner = model.model if isinstance(model, RetryingModel) else model
    server = getattr(inner, "server", None)
    return server if isinstance(server, str) else None


def _method(recipe: Recipe) -> dict[str, object]:
    return {key: value for key, value in recipe.to_data().items() if key not in _NOT_THE_METHOD}


def _other(mine: str, other: str) -> str:
    return f", not {other!r}" if mine != other else " too, but in another version"
