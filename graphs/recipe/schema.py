"""What a recipe is: one method with its agents, models and limits, as data.

A recipe names things and sets numbers. It holds no expressions, no wiring and no import paths; whatever has
its own control flow is a policy written in Python.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny

from codegrove.approval import What
from codegrove.budget import Budget
from codegrove.errors import RecipeError
from codegrove.graphs.recipe.dump import dump_yaml
from codegrove.models.port import Price, Sampling
from codegrove.search.settings import PolicySettings
from codegrove.tools.sandbox.containment import Level
from codegrove.tools.sandbox.port import Limits
from codegrove.tools.sandbox.specs import SPEC_PATTERN

RoleName = Literal["planner", "coder", "tester", "debugger", "critic"]
"""The roles an agent can have."""


def _as_tuple(given: object) -> object:
    """Let one name stand for a list of it."""
    if isinstance(given, str):
        return (given,)
    return tuple(given) if isinstance(given, list) else given


_LIMITS = Limits()
_BUDGET = Budget()
_Text = Annotated[str, Field(min_length=1)]
_Approvals = Annotated[
    tuple[What, ...],
    BeforeValidator(_as_tuple, json_schema_input_type=What | list[What]),
    AfterValidator(lambda wanted: tuple(sorted(set(wanted)))),
]


class RecipePart(BaseModel):
    """Base of everything a recipe is made of. Unknown keys and infinite numbers are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class PaperSpec(RecipePart):
    """The publication a recipe follows."""

    title: _Text
    """Title of the publication."""
    arXiv: str | None = Field(default=None, pattern=r"^(\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})(v\d+)?$")
    """Identifier at arXiv. Quote it: unquoted it is a number and loses its last zeros."""
    url: str | None = None
    """Where else to find it."""


class SamplingSpec(RecipePart):
    """How answers are drawn. What is left out is left to the model."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    """Randomness; 0 is the most likely answer."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Share of the probability mass that is drawn from."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Output tokens of one answer, at most."""
    stop: tuple[_Text, ...] = ()
    """Texts that end an answer."""

    def to_sampling(self) -> Sampling:
        """Return the settings in the form models take."""
        return Sampling(
            temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens, stop=self.stop
        )


class AgentSpec(RecipePart):
    """Who carries out one action of the policy, and how."""

    role: RoleName
    """The role; must be the one that the policy expects for this action."""
    prompt: _Text
    """Id of a prompt, e.g. ``codetree/think``, or path of your own, relative to this file and ending in .md."""
    model: _Text | None = None
    """Name of an entry under `models`; None: the one for the action, else for the role, else ``default``."""
    sampling: SamplingSpec = SamplingSpec()
    """How answers are drawn."""
    unreadable: Literal["fail", "repair", "default"] = "fail"
    """An answer in the wrong form: the action fails, is repeated once with a note on the form, or the form's
    neutral value is taken (see `if_unreadable` for a yes or no)."""
    if_unreadable: Literal["accept", "reject"] = "accept"
    """What an unreadable yes-or-no answer counts as where `unreadable` is ``default``."""


class PriceSpec(RecipePart):
    """Price of a model in dollars per million tokens."""

    input: float = Field(ge=0)
    """Tokens of the prompt."""
    output: float = Field(ge=0)
    """Tokens of the answer."""

    def to_price(self) -> Price:
        """Return the price in the form models take."""
        return Price(self.input, self.output)


class BudgetSpec(RecipePart):
    """Limits of one run, all inclusive. What is left out or null is not limited."""

    calls: int | None = Field(default=None, ge=0)
    """Model calls."""
    tokens: int | None = Field(default=None, ge=0)
    """Input plus output tokens."""
    dollars: float | None = Field(default=None, ge=0)
    """Money; needs a known price for every model that is used."""
    executions: int | None = Field(default=None, ge=0)
    """Programs executed."""
    seconds: float | None = Field(default=None, ge=0)
    """Elapsed time; a step under way may finish."""
    nodes: int | None = Field(default=None, ge=0)
    """Nodes of the search tree."""
    role_calls: Mapping[RoleName, Annotated[int, Field(ge=0)]] = {}
    """Model calls of single roles."""
    answer_tokens: int = Field(default=_BUDGET.answer_tokens, ge=1)
    """Output tokens allowed to a call without `max_tokens` where tokens or dollars are limited."""

    def to_budget(self) -> Budget:
        """Return the limits in the form the account takes."""
        return Budget(**self.model_dump())


class LimitsSpec(RecipePart):
    """Limits of one execution in the sandbox."""

    wall_seconds: float = Field(default=_LIMITS.wall_seconds, gt=0)
    """The whole execution, all tests together."""
    test_seconds: float = Field(default=_LIMITS.test_seconds, gt=0)
    """One test."""
    memory_mb: int = Field(default=_LIMITS.memory_mb, ge=1)
    """Memory in MiB."""
    output_bytes: int = Field(default=_LIMITS.output_bytes, ge=0)
    """What a program may print."""
    processes: int = Field(default=_LIMITS.processes, ge=1)
    """Processes and threads at once, the program itself included."""
    file_mb: int = Field(default=_LIMITS.file_mb, ge=0)
    """Largest file a program may write, in MiB."""
    scratch_mb: int = Field(default=_LIMITS.scratch_mb, ge=1)
    """All files of a program together, in MiB; kept on the strict sandbox levels."""
    children: bool = _LIMITS.children
    """Whether a program may start processes."""

    def to_limits(self) -> Limits:
        """Return the limits in the form the sandbox takes."""
        return Limits(**self.model_dump())


class RecipeBody(RecipePart):
    """Everything in a recipe but the policy, whose form depends on its kind."""

    version: Literal[1]
    """Version of this format."""
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)
    """Short name: letters, digits, dot, dash and underscore."""
    about: str = ""
    """What the recipe does, in one sentence."""
    paper: PaperSpec | None = None
    """The publication it follows."""
    agents: Mapping[str, AgentSpec]
    """One entry for each action the policy asks for."""
    models: Mapping[str, _Text] = {"default": "sim:"}
    """Models by action, role or a name of your own (see an agent's `model`); ``default`` is for the rest."""
    prices: Mapping[str, PriceSpec] = {}
    """Prices of the entries under `models`, where the model does not know its own."""
    budget: BudgetSpec = BudgetSpec()
    """Limits of one run."""
    limits: LimitsSpec = LimitsSpec()
    """What one execution in the sandbox may use."""
    workers: int = Field(default=1, ge=1, le=1024)
    """Branches that are worked on at the same time. With 1 a run is reproducible."""
    concurrency: Mapping[_Text, Annotated[int, Field(ge=1)]] = {}
    """Model calls at once: of a role in each run, e.g. ``planner: 2``; of models in all runs of a process, by
    specifications in which ``*`` stands for anything, e.g. ``"openai:*": 8`` (the first that fits counts)."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Start of all randomness."""
    sandbox: Annotated[str, Field(pattern=SPEC_PATTERN)] | None = None
    """Where programs are run: a level of this machine, or a container engine with an image, such as
    ``container`` or ``podman:python:3.12-slim``; null takes the best level there is."""
    require_sandbox: Level | Literal["remote"] | None = None
    """Weakest sandbox level the recipe may run in; ``remote`` accepts remote sandboxes only; null accepts all."""
    approve: _Approvals = ()
    """What a human has to accept, edit or reject: ``plan`` (everything a planner proposes), ``solution`` (the
    program a run ends with), or a list of both."""
    needs_tests: Literal["visible", "none"] = "none"
    """Whether the method is of use only for tasks that come with tests."""


class Recipe(RecipeBody):
    """A complete recipe. `load_recipe` makes one from a file, and checks one made in Python."""

    policy: SerializeAsAny[PolicySettings]
    """Settings of the policy; their class says which policy."""

    def model_name(self, action: str) -> str:
        """Return the name of the entry under `models` that an action uses.

        Raises:
            RecipeError: if there is no agent for the action, or no model that fits.
        """
        agent = self.agents.get(action)
        if agent is None:
            raise RecipeError(f"recipe {self.name!r} has no agent for action {action!r}")
        for name in (agent.model,) if agent.model else (action, agent.role, "default"):
            if name in self.models:
                return name
        raise RecipeError(
            f"recipe {self.name!r} has no model for action {action!r}; add 'default' under 'models'"
        )

    def model_for(self, action: str) -> str:
        """Return the model specification an action uses, e.g. ``openai:gpt-4o``.

        Raises:
            RecipeError: as `model_name`.
        """
        return self.models[self.model_name(action)]

    def price_for(self, action: str) -> Price | None:
        """Return the price given for an action's model; None when the recipe gives none.

        The price of one entry is never taken for another: an unknown price stays unknown.

        Raises:
            RecipeError: as `model_name`.
        """
        price = self.prices.get(self.model_name(action))
        return price.to_price() if price is not None else None

    @property
    def concurrency_of_roles(self) -> dict[str, int]:
        """The entries of `concurrency` that name a role."""
        return {name: limit for name, limit in self.concurrency.items() if name in get_args(RoleName)}

    @property
    def concurrency_of_models(self) -> dict[str, int]:
        """The entries of `concurrency` that name models."""
        return {name: limit for name, limit in self.concurrency.items() if ":" in name}

    def to_yaml(self) -> str:
        """Return the recipe as YAML, with every default written out. Loading it gives an equal recipe."""
        return dump_yaml(self.to_data())

    @property
    def fingerprint(self) -> str:
        """Hash of everything that can change a run: all but name, about and paper.

        Defaults count as if they were written. What prompts say is not part of it.
        """
        content = self.to_data()
        for label in ("name", "about", "paper"):
            content.pop(label, None)
        text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_data(self) -> dict[str, Any]:
        """Return the recipe as plain data, with every default written out."""
        content = self.model_dump(mode="json")
        order = ["version", "name", "about", "paper", "policy"]
        order += [key for key in content if key not in order]
        return {key: content[key] for key in order if not (key == "paper" and content[key] is None)}

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str]:
        from codegrove.graphs.recipe import drawing  # only displays need it

        plain = drawing.text(self)
        try:
            picture = drawing.svg(self)
        except RecipeError:  # agents that do not fit the policy: made in Python, and not checked yet
            return {"text/plain": plain}
        return {"text/plain": plain, "image/svg+xml": picture}


class RecipeFile(Recipe):
    """What may stand in a file. `load_recipe` resolves `extends`; it is no part of a `Recipe`."""

    extends: str | None = None
    """Name or path (relative to this file) of a recipe to build upon. What stands here wins; mappings are
    merged key by key, but settings of another policy kind replace the parent's as a whole."""
