"""The policies by the name that stands under ``policy.kind`` in a recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from codegrove.errors import UsageError, did_you_mean
from codegrove.search.chain import Chain, ChainSettings
from codegrove.search.codetree import CodeTree, CodeTreeSettings
from codegrove.search.policy import Policy
from codegrove.search.ranked_plans import RankedPlans, RankedPlansSettings
from codegrove.search.rethink_mcts import RethinkMcts, RethinkMctsSettings
from codegrove.search.sample import Sample, SampleSettings
from codegrove.search.settings import PolicySettings
from codegrove.search.uct import Uct, UctSettings

S = TypeVar("S", bound=PolicySettings)


@dataclass(frozen=True, slots=True)
class PolicyKind:
    """One kind of policy."""

    settings: type[PolicySettings]
    policy: Callable[[Any], Policy]
    """Makes a fresh policy from an object of type `settings`."""


POLICIES: dict[str, PolicyKind] = {}
"""Kind to policy; add to it with `register_policy`."""


def register_policy(settings: type[S], policy: Callable[[S], Policy]) -> None:
    """Make a policy known under the default value of its settings' field `kind`.

    Args:
        settings: settings class with a field `kind` that has a default.
        policy: makes a fresh policy from such settings; usually the policy's class.

    Raises:
        UsageError: if the settings have no kind, or another policy already has it.
    """
    field = settings.model_fields.get("kind")
    kind = field.default if field is not None else None
    if not isinstance(kind, str):
        raise UsageError(
            f"{settings.__name__} has no kind; give it a field like: kind: Literal['mine'] = 'mine'"
        )
    known = POLICIES.get(kind)
    if known is not None and known.settings is not settings:
        raise UsageError(f"policy kind {kind!r} is taken by {known.settings.__name__}; choose another name")
    POLICIES[kind] = PolicyKind(settings, policy)


def make_policy(settings: PolicySettings) -> Policy:
    """Return a fresh policy for one run.

    Raises:
        UsageError: if no policy is registered for these settings.
    """
    kind = getattr(settings, "kind", type(settings).__name__)
    known = POLICIES.get(kind)
    if known is None or not isinstance(settings, known.settings):
        raise UsageError(f"no policy is registered for kind {kind!r}{did_you_mean(kind, POLICIES)}")
    return known.policy(settings)


register_policy(ChainSettings, Chain)
register_policy(RankedPlansSettings, RankedPlans)
register_policy(CodeTreeSettings, CodeTree)
register_policy(UctSettings, Uct)
register_policy(RethinkMctsSettings, RethinkMcts)
register_policy(SampleSettings, Sample)
