"""From a recipe to sessions: picks models, builds agents, policy, sandbox and account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypedDict, Unpack

from loguru import logger

from codegrove.account import Account, Sweep
from codegrove.agents import AGENTS
from codegrove.agents.role import Agent
from codegrove.approval import Approver
from codegrove.budget import Budget
from codegrove.errors import ModelSpecError, PromptError, TaskError, UsageError, did_you_mean
from codegrove.graphs.recipe.loader import list_recipes, load_recipe
from codegrove.graphs.recipe.schema import Recipe
from codegrove.graphs.recording import Recorder
from codegrove.graphs.session import Observer, Session
from codegrove.languages import PYTHON, wording
from codegrove.models.metered import MeteredModel, check_priced
from codegrove.models.passage import Halt
from codegrove.models.port import Model, Price
from codegrove.models.retry import RetryingModel
from codegrove.models.sim import SimulatedProgrammer
from codegrove.models.specs import make_model
from codegrove.models.throttle import PROCESS_GATES, Gate, Lane
from codegrove.problem import Problem
from codegrove.prompts.loader import load_prompt
from codegrove.search.policy import Policy
from codegrove.search.registry import make_policy
from codegrove.task import Task
from codegrove.tools.sandbox.factory import check_level, make_sandbox
from codegrove.tools.sandbox.grading import why_unusable
from codegrove.tools.sandbox.port import Sandbox
from codegrove.tools.sandbox.specs import open_sandbox

Problems = Iterable[Problem] | Callable[[str], Problem | None]
"""Problems the simulated programmer knows: a collection, or a lookup by task id."""


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """Everything a run needs but its task. One assembly serves any number of runs."""

    recipe: Recipe
    models: Mapping[str, Model]
    """The model of each action."""
    budget: Budget
    workers: int
    seed: int
    sandbox: Sandbox | None = None
    """Shared by all runs; None: each run has its own."""
    sandbox_spec: str | None = None
    """What each run opens as its own, see `open_sandbox`; None takes the best level here."""
    require_sandbox: str | None = None
    """Weakest sandbox level a run may use; None takes the best there is."""
    observers: Sequence[Observer] = ()
    approver: Approver | None = None
    """Answers where the recipe wants approval."""
    sweep: Sweep | None = None
    """Account shared with other runs."""

    @property
    def simulated(self) -> bool:
        """Whether any model is the simulated programmer."""
        return any(model.spec.startswith("sim:") for model in self.models.values())

    def new_policy(self) -> Policy:
        """Return a fresh policy as the recipe sets it."""
        return make_policy(self.recipe.policy)

    def check_task(self, task: Task) -> None:
        """Refuse a task that no session could work on; nothing is started.

        Raises:
            TaskError: if the recipe needs visible tests and the task has none, or one that cannot be judged.
            UsageError: if the task's language is not known, or not to a prompt or a model; or a simulated model
                does not know the task.
        """
        recipe = self.recipe
        if recipe.needs_tests == "visible" and not task.tests:
            raise TaskError(
                f"recipe {recipe.name!r} steers by the task's own tests, but task {task.id!r} has none; give"
                " some with --tests (or Task(tests=...)), or take a recipe that does without:"
                f" {recipes_without_tests()}"
            )
        self._check_tests(task)
        for model in set(self.models.values()):
            inner = model.model if isinstance(model, RetryingModel) else model
            if isinstance(inner, SimulatedProgrammer):
                inner.check_task(task.id, task.language)
        if task.language != PYTHON:
            self._check_prompts(task.language)

    def _check_tests(self, task: Task) -> None:
        """Refuse, or warn of, a visible test that no program can be judged on: none would ever pass them all.

        Raises:
            TaskError: if the recipe steers by these tests.
        """
        if task.language != PYTHON:
            return
        for number, test in enumerate(task.tests, start=1):
            why = why_unusable(test, task.entry_point)
            if why and self.recipe.needs_tests == "visible":
                raise TaskError(
                    f"recipe {self.recipe.name!r} steers by the task's own tests, but no program can be judged on"
                    f" test {number} of task {task.id!r}: {why}; mend it or leave it out"
                )
            if why:
                logger.warning("no program can be judged on test {} of task {!r}: {}", number, task.id, why)

    def open_session(
        self, task: Task, *, recorder: Recorder | None = None, interrupts: bool = False
    ) -> Session:
        """Open a session for one task.

        Args:
            task: what to solve.
            recorder: writes the run down, and gives back what an earlier session of it has paid for.
            interrupts: whether the session will run in a graph that can be interrupted and resumed, so that a
                recipe that wants approval needs no approver.

        Raises:
            UsageError: if the recipe wants approval and there is nobody to ask.
            TaskError: if the recipe needs visible tests and the task has none.
            UsageError: if the task's language is not known, or not to the sandbox, a prompt or a model.
            SandboxError: if this machine does not offer the sandbox level that is required, or what the task's
                language takes.
        """
        recipe = self.recipe
        self.check_task(task)
        if recipe.approve and self.approver is None and not interrupts:
            raise UsageError(
                f"recipe {recipe.name!r} wants approval ({', '.join(recipe.approve)}), but there is nobody to"
                " ask; pass approver= (a function that returns a Decision; codegrove.approval.accept_all takes"
                " everything), or compile the graph with a checkpointer and resume it with the answers:"
                " build_graph(..., checkpointer=...)"
            )
        account, halt = Account(self.budget, sweep=self.sweep), Halt()
        lanes = {role: Lane(Gate(limit)) for role, limit in recipe.concurrency_of_roles.items()}
        limits = recipe.limits.to_limits()
        own_sandbox: Sandbox | None = None
        if self.sandbox is None:
            demanded = self.require_sandbox
            if self.sandbox_spec is None:
                own_sandbox = make_sandbox(at_least=demanded, limits=limits)
            else:
                own_sandbox = open_sandbox(self.sandbox_spec, at_least=demanded, limits=limits)
        elif self.require_sandbox is not None:
            check_level(self.sandbox, self.require_sandbox)
        sandbox = self.sandbox or own_sandbox
        assert sandbox is not None
        policy = self.new_policy()
        session: Session

        def note_call(record: Any) -> None:
            session.note_call(record)

        metered = {
            id(model): MeteredModel(
                model, account, on_call=note_call, answers=recorder, halt=halt, lanes=lanes
            )
            for model in set(self.models.values())
        }
        agents = {action: self._agent(action, metered[id(model)]) for action, model in self.models.items()}
        session = Session(
            task,
            policy,
            agents,
            sandbox,
            recipe=recipe.name,
            account=account,
            limits=limits,
            halt=halt,
            workers=self.workers,
            seed=self.seed,
            simulated=self.simulated,
            observers=self.observers,
            recorder=recorder,
            approve=recipe.approve,
            approver=self.approver,
            on_close=own_sandbox.aclose if own_sandbox is not None else None,
        )
        return session

    def _check_prompts(self, language: str) -> None:
        """Refuse prompts that ask for programs without saying in which language.

        Raises:
            LanguageError: if there is no such language.
            PromptError: for a prompt that is written for Python.
        """
        title = wording(language).title
        for spec in self.recipe.agents.values():
            prompt = load_prompt(spec.prompt)
            if prompt.answer == "code" and not {"language", "fence"} & set(prompt.variables):
                raise PromptError(
                    f"the task asks for {title}, but prompt {prompt.id!r} asks for programs without saying in"
                    " which language; let it use the variables 'language' and 'fence', or take another prompt"
                )

    def _agent(self, action: str, model: Model) -> Agent:
        spec = self.recipe.agents[action]
        return AGENTS[spec.role](
            model,
            prompt=spec.prompt,
            sampling=spec.sampling.to_sampling(),
            unreadable=spec.unreadable,
            if_unreadable=spec.if_unreadable,
        )


@cache
def recipes_without_tests() -> str:
    """Return the names of the shipped recipes that need no visible tests, for messages."""
    return ", ".join(info.name for info in list_recipes() if load_recipe(info.name).needs_tests == "none")


class RunSettings(TypedDict, total=False):
    """How to run a recipe. Everything may be left out."""

    model: Any
    """One model for all roles, instead of what the recipe names: a specification such as ``openai:gpt-4o``, a
    langchain chat model, a `Model`, or a list or function of scripted answers."""
    models: Mapping[str, Any]
    """Models for single actions or roles, or ``default``; they win over `model`."""
    price: Price | None
    """What `model` costs in dollars per million tokens, where it does not know it itself."""
    problems: Problems | None
    """Problems that a simulated programmer knows; the bundled ones by default."""
    overrides: Sequence[str] | Mapping[str, Any]
    """Changes to the recipe, as ``["policy.c=1.4"]`` or ``{"policy.c": 1.4}``."""
    budget: Budget | None
    """Limits; those it leaves open are the recipe's."""
    workers: int | None
    """Branches worked on at the same time, the recipe's by default; with 1 a run with a seed is reproducible."""
    seed: int | None
    """Start of all randomness; the recipe's by default."""
    sandbox: Sandbox | str | None
    """Where programs are run; by default every run starts its own, of the best level here, and stops it. A
    text names what it starts instead, such as ``container``, see `open_sandbox`."""
    require_sandbox: str | None
    """Refuse to run below this sandbox level: ``isolated``, ``restricted``, ``limited`` or ``basic``. With
    ``remote``, run in a remote one only."""
    observers: Sequence[Observer]
    """Watch every run, see `codegrove.graphs.session.Observer`."""
    approver: Approver | None
    """Answers where the recipe wants approval, see `codegrove.approval.Approver`."""
    sweep: Sweep | None
    """Limits on several runs together, e.g. ``Sweep(Budget(dollars=5))``: give the same object to all of them."""


def assemble(recipe: Recipe | str | Path, **settings: Unpack[RunSettings]) -> Assembly:
    """Put a recipe together with models, budget and sandbox.

    Args:
        recipe: a recipe, the name of one that ships with codegrove, or the path of a YAML file.
        settings: see `RunSettings`.

    Raises:
        RecipeError, ModelSpecError, UsageError: on input that cannot be used.
    """
    overrides = settings.get("overrides", ())
    loaded = recipe if isinstance(recipe, Recipe) and not overrides else load_recipe(recipe, overrides)
    limits = loaded.budget.to_budget().changed(settings.get("budget"))
    models = _models(
        loaded,
        settings.get("model"),
        settings.get("models", {}),
        settings.get("problems"),
        settings.get("price"),
    )
    sweep = settings.get("sweep")
    for budget in (limits, sweep.budget) if sweep is not None else (limits,):
        check_priced(budget, models)
    workers, seed = settings.get("workers"), settings.get("seed")
    sandbox = settings.get("sandbox") or loaded.sandbox
    return Assembly(
        recipe=loaded,
        models=models,
        budget=limits,
        workers=loaded.workers if workers is None else workers,
        seed=loaded.seed if seed is None else seed,
        sandbox=None if isinstance(sandbox, str) else sandbox,
        sandbox_spec=sandbox if isinstance(sandbox, str) else None,
        require_sandbox=settings.get("require_sandbox") or loaded.require_sandbox,
        observers=tuple(settings.get("observers", ())),
        approver=settings.get("approver"),
        sweep=sweep,
    )


def _models(
    recipe: Recipe,
    model: Any,
    models: Mapping[str, Any],
    problems: Problems | None,
    model_price: Price | None,
) -> dict[str, Model]:
    known = {*recipe.agents, *(agent.role for agent in recipe.agents.values()), "default"}
    for name in models:
        if name not in known:
            raise ModelSpecError(f"no action or role {name!r} to give a model to{did_you_mean(name, known)}")
    made: dict[tuple[int | str, Any], Model] = {}
    by_action: dict[str, Model] = {}
    for action, agent in recipe.agents.items():
        given = next((models[name] for name in (action, agent.role, "default") if name in models), model)
        spec = recipe.model_for(action) if given is None else given
        # A price belongs to the model it was given for, not to one that replaces it.
        price = recipe.price_for(action) if given is None else model_price if given is model else None
        key = (spec if isinstance(spec, str) else id(spec), price)
        if key not in made:
            plain = make_model(spec, problems=problems, price=price)
            # Retries belong inside the metering: one answered question is one call.
            made[key] = RetryingModel(
                plain, lane=PROCESS_GATES.lane(plain.spec, recipe.concurrency_of_models)
            )
        by_action[action] = made[key]
    return by_action
