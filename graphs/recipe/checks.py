"""What the parts of a recipe must agree on: the policy's actions, the agents, their prompts and models."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, get_args

from codegrove.errors import PromptError, did_you_mean
from codegrove.graphs.recipe.problems import Problem
from codegrove.graphs.recipe.schema import AgentSpec, RecipeBody, RoleName
from codegrove.search.policy import ActionKind, Policy

ROLES: tuple[str, ...] = get_args(RoleName)
DEFAULT_MODEL = "default"
ANY_ROLE = "any"


class PromptLike(Protocol):
    """What a recipe needs to know of a prompt."""

    @property
    def role(self) -> str:
        """The role it is written for; `ANY_ROLE` for all of them."""
        ...

    @property
    def answer(self) -> str:
        """The form of its answers."""
        ...

    @property
    def variables(self) -> Sequence[str]:
        """What it must be given."""
        ...


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """What a policy says of itself, see `codegrove.search.policy.Policy`."""

    name: str
    actions: Mapping[str, ActionKind]
    inputs: Collection[str]
    forms: Mapping[str, Collection[str]]

    @staticmethod
    def of(name: str, policy: Policy) -> PolicyFacts:
        """Return the facts about a policy of this kind."""
        return PolicyFacts(name, policy.actions, getattr(policy, "inputs", ()), getattr(policy, "forms", {}))

    def forms_for(self, action: str) -> Collection[str]:
        """Return the forms of answers that the policy can use for an action; none for any."""
        return self.forms.get(action) or _FORMS.get(self.actions[action], ())


_FORMS: Mapping[ActionKind, tuple[str, ...]] = {
    ActionKind.PLANNER: ("text", "numbered", "thoughts_json", "exemplars"),
    ActionKind.CODER: ("code",),
    ActionKind.TESTER: ("tests",),
    ActionKind.DEBUGGER: ("code",),
}
"""Forms of answers that hold what everybody in a role is asked for. A critic's words can be of use in any form."""


FindPrompt = Callable[[str], PromptLike]
"""Returns the prompt with an id; raises `PromptError` when there is none."""


def packaged_prompt(prompt_id: str) -> PromptLike:
    """Return a prompt of the package."""
    # Imported late: it brings the template engine, which a recipe without prompts to check does not need.
    from codegrove.prompts.loader import load_prompt

    return load_prompt(prompt_id)


def model_actions(actions: Mapping[str, ActionKind]) -> dict[str, ActionKind]:
    """Return the actions that need an agent: all but plain executions."""
    return {name: kind for name, kind in actions.items() if kind is not ActionKind.EXECUTE}


def surplus_agents(agents: Iterable[str], actions: Mapping[str, ActionKind], policy: str) -> list[Problem]:
    """Return a problem for every agent the policy has no action for."""
    wanted = model_actions(actions)
    return [
        Problem(
            ("agents", name),
            f"agents.{name}: policy {policy!r} has no such action (as it is set){did_you_mean(name, wanted)}",
            at_key=True,
        )
        for name in agents
        if name not in wanted
    ]


def missing_agents(agents: Collection[str], actions: Mapping[str, ActionKind], policy: str) -> list[Problem]:
    """Return a problem for every action without an agent, unless a misspelt agent was meant for it."""
    wanted = model_actions(actions)
    meant = "".join(did_you_mean(name, wanted) for name in agents if name not in wanted)
    return [
        Problem(
            ("agents",),
            f"agents: no entry for action {name!r}, which policy {policy!r} asks for;"
            f" add one with role {kind.value!r} and a prompt",
            at_key=True,
        )
        for name, kind in wanted.items()
        if name not in agents and f"mean {name!r}" not in meant
    ]


def check_body(body: RecipeBody, policy: PolicyFacts, find_prompt: FindPrompt) -> list[Problem]:
    """Return what does not fit among agents, prompts, models and prices."""
    problems: list[Problem] = []
    actions = policy.actions
    for name, agent in body.agents.items():
        if name in actions:
            problems += _check_agent(name, agent, policy, find_prompt)
    models, concurrency = _check_models(body, actions), _check_concurrency(body)
    return [*problems, *models, *concurrency, *_check_approvals(body, actions, policy.name)]


def _check_agent(name: str, agent: AgentSpec, policy: PolicyFacts, find_prompt: FindPrompt) -> list[Problem]:
    path, kind = ("agents", name), policy.actions[name]
    problems = []
    if agent.role != kind.value:
        problems.append(
            Problem(
                (*path, "role"),
                f"agents.{name}.role: policy {policy.name!r} expects role {kind.value!r} for this action,"
                f" found {agent.role!r}",
            )
        )
    try:
        prompt = find_prompt(agent.prompt)
    except PromptError as error:
        problems.append(Problem((*path, "prompt"), f"agents.{name}.prompt: {error}"))
    else:
        # Against the policy's role, so that one wrong role is not reported twice.
        if prompt.role not in (kind.value, ANY_ROLE):
            problems.append(
                Problem(
                    (*path, "prompt"),
                    f"agents.{name}.prompt: expected a prompt for role {kind.value!r};"
                    f" {agent.prompt!r} is written for role {prompt.role!r}",
                )
            )
        else:
            problems += _check_prompt(name, agent, prompt, policy)
    return problems


def _check_prompt(name: str, agent: AgentSpec, prompt: PromptLike, policy: PolicyFacts) -> list[Problem]:
    """Return what the policy cannot give to a prompt, or not do with its answers."""
    from codegrove.agents.variables import DERIVED  # late, as the prompts are

    path = ("agents", name)
    problems = []
    forms = policy.forms_for(name)
    if forms and prompt.answer not in forms:
        problems.append(
            Problem(
                (*path, "prompt"),
                f"agents.{name}.prompt: policy {policy.name!r} can use answers of form"
                f" {' or '.join(map(repr, forms))} for this action; those to {agent.prompt!r} have form"
                f" {prompt.answer!r}",
            )
        )
    known = (*DERIVED, *policy.inputs)
    problems += [
        Problem(
            (*path, "prompt"),
            f"agents.{name}.prompt: {agent.prompt!r} uses variable {variable!r}, which policy"
            f" {policy.name!r} does not give{did_you_mean(variable, known)} (known: {', '.join(known)};"
            " a policy of your own names further ones in its class attribute 'inputs')",
        )
        for variable in prompt.variables
        if variable not in known
    ]
    if agent.if_unreadable == "reject" and (agent.unreadable, prompt.answer) != ("default", "last_line_bool"):
        problems.append(
            Problem(
                (*path, "if_unreadable"),
                f"agents.{name}.if_unreadable: has no effect with unreadable: {agent.unreadable} and answers of"
                f" form {prompt.answer!r}; it says what an answer of form 'last_line_bool' counts as where"
                " unreadable is 'default'",
            )
        )
    return problems


def _check_approvals(body: RecipeBody, actions: Mapping[str, ActionKind], policy: str) -> list[Problem]:
    if "plan" not in body.approve or ActionKind.PLANNER in actions.values():
        return []
    message = f"approve: policy {policy!r} (as it is set) has no planner whose plans could be approved"
    return [Problem(("approve",), message)]


def _check_models(body: RecipeBody, actions: Mapping[str, ActionKind]) -> list[Problem]:
    models, agents = body.models, body.agents
    problems = [
        Problem(
            ("agents", name, "model"),
            f"agents.{name}.model: no entry {agent.model!r} under 'models'"
            f"{did_you_mean(agent.model, models)}",
        )
        for name, agent in agents.items()
        if agent.model is not None and agent.model not in models
    ]
    used = {DEFAULT_MODEL, *ROLES, *model_actions(actions), *agents}
    used |= {agent.model for agent in agents.values() if agent.model is not None}
    problems += [
        Problem(
            ("models", name),
            f"models.{name}: no role, action or agent uses it{did_you_mean(name, used)}",
            True,
        )
        for name in models
        if name not in used
    ]
    problems += [
        Problem(
            ("prices", name),
            f"prices.{name}: no entry {name!r} under 'models'{did_you_mean(name, models)}",
            True,
        )
        for name in body.prices
        if name not in models
    ]
    unserved = sorted(
        name
        for name, agent in agents.items()
        if agent.model is None and not {name, agent.role, DEFAULT_MODEL} & set(models)
    )
    if unserved:
        listed = ", ".join(map(repr, unserved))
        problems.append(Problem(("models",), f"models: nothing for {listed}; add 'default'", True))
    return problems


def _check_concurrency(body: RecipeBody) -> list[Problem]:
    return [
        Problem(
            ("concurrency", name),
            f"concurrency.{name}: neither a role nor models such as 'openai:*'{did_you_mean(name, ROLES)}",
            True,
        )
        for name in body.concurrency
        if name not in ROLES and ":" not in name
    ]
