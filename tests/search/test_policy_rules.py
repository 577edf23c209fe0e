"""Rules that every policy keeps, whatever models and tests come up with and in whatever order answers arrive."""

from __future__ import annotations

import pytest
from hypothesis import given

from codegrove.search.policy import Policy
from codegrove.search.registry import POLICIES, make_policy
from tests.search.harness import RunPlan, check_invariants, check_replay, finish, run_plans, run_search


@pytest.mark.parametrize("kind", sorted(POLICIES))
@given(plan=run_plans())
def test_every_policy_keeps_the_rules(kind: str, plan: RunPlan) -> None:
    def make() -> Policy:
        return make_policy(POLICIES[kind].settings())

    search = run_search(make, plan)
    check_invariants(search)
    check_replay(search, make)
    finish(search, plan)
    check_invariants(search)
    check_replay(search, make)
