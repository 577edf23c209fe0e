from __future__ import annotations

from typing import Literal

import pytest

from codegrove.errors import UsageError
from codegrove.search import registry
from codegrove.search.registry import POLICIES, make_policy, register_policy
from codegrove.search.sample import Sample, SampleSettings
from codegrove.search.settings import PolicySettings


class OwnSettings(PolicySettings):
    """Settings of somebody's own policy."""

    kind: Literal["own"] = "own"
    programs: int = 2


class TakenSettings(PolicySettings):
    """Settings that claim a name that is taken."""

    kind: Literal["sample"] = "sample"


class NamelessSettings(PolicySettings):
    """Settings without a kind."""


def _own(settings: OwnSettings) -> Sample:
    return Sample(SampleSettings(programs=settings.programs))


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what a test registers out of the other tests."""
    monkeypatch.setattr(registry, "POLICIES", dict(POLICIES))


def test_all_policies_are_known_under_the_kind_in_their_settings() -> None:
    assert set(POLICIES) >= {"chain", "ranked_plans", "codetree", "uct", "rethink_mcts", "sample"}
    for kind, known in POLICIES.items():
        settings = known.settings()
        assert getattr(settings, "kind", None) == kind
        assert make_policy(settings).actions


def test_every_run_gets_a_fresh_policy_with_the_settings() -> None:
    settings = SampleSettings(programs=7)
    one, other = make_policy(settings), make_policy(settings)
    assert isinstance(one, Sample) and one is not other
    assert one.settings is settings


def test_an_own_policy_can_be_registered(scratch: None) -> None:
    register_policy(OwnSettings, _own)
    register_policy(OwnSettings, _own)  # a notebook cell that is run twice
    policy = make_policy(OwnSettings(programs=3))
    assert isinstance(policy, Sample) and policy.settings.programs == 3


def test_bad_registrations_say_what_to_do(scratch: None) -> None:
    with pytest.raises(UsageError, match="'sample' is taken by SampleSettings"):
        register_policy(TakenSettings, lambda settings: Sample())
    with pytest.raises(UsageError, match="NamelessSettings has no kind"):
        register_policy(NamelessSettings, lambda settings: Sample())


@pytest.mark.parametrize(
    ("settings", "message"),
    [(OwnSettings(), "'own'"), (NamelessSettings(), "'NamelessSettings'"), (TakenSettings(), "'sample'")],
)
def test_settings_nobody_registered_are_refused(settings: PolicySettings, message: str) -> None:
    with pytest.raises(UsageError, match=f"no policy is registered for kind {message}"):
        make_policy(settings)
