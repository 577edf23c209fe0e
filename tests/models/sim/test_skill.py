"""Settings: their text form, their ranges, their errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import ModelSpecError
from codegrove.models.sim import SimSettings, SimSkill, sim_settings

CHANCES = st.floats(0, 1).map(lambda value: round(value, 6))


def test_the_bare_specification_gives_the_defaults() -> None:
    assert sim_settings("sim:") == SimSettings() == sim_settings("")
    assert SimSettings().spec() == "sim:"


def test_keys_are_read() -> None:
    settings = sim_settings("sim:pass_rate=0.4, seed=3,latency=0.2,repair_rate=0.6")
    skill = settings.skill
    assert (skill.easy, skill.medium, skill.hard, skill.repair_rate) == (0.4, 0.4, 0.4, 0.6)
    assert (settings.seed, settings.latency) == (3, 0.2)
    assert settings.spec() == "sim:pass_rate=0.4,repair_rate=0.6,seed=3,latency=0.2"


def test_a_level_of_its_own_wins_over_pass_rate_in_any_order() -> None:
    for text in ("sim:pass_rate=0.4,hard=0.1", "sim:hard=0.1,pass_rate=0.4"):
        assert sim_settings(text).skill.solve("hard") == 0.1
        assert sim_settings(text).skill.solve("easy") == 0.4


def test_levels() -> None:
    skill = SimSkill(easy=0.9, medium=0.5, hard=0.1)
    assert [skill.solve(level) for level in ("easy", "medium", "hard", "Hard ", "", "interview")] == [
        0.9,
        0.5,
        0.1,
        0.1,
        0.5,
        0.5,
    ]


@given(
    chances=st.dictionaries(
        st.sampled_from(["pass_rate", *(name for name in SimSkill.model_fields if name != "defects")]),
        CHANCES,
    ),
    defects=st.integers(1, 8),
    seed=st.integers(0, 10**12),
    latency=st.floats(0, 600).map(lambda value: round(value, 4)),
)
def test_the_specification_names_the_settings(
    chances: dict[str, float], defects: int, seed: int, latency: float
) -> None:
    parts = [f"{key}={value!r}" for key, value in chances.items()]
    settings = sim_settings(
        "sim:" + ",".join([*parts, f"defects={defects}", f"seed={seed}", f"latency={latency!r}"])
    )
    assert sim_settings(settings.spec()) == settings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sim:pass_rat=1", "did you mean 'pass_rate'"),
        ("sim:zzz=1", "known: "),
        ("sim:pass_rate", "expected key=value, found 'pass_rate'"),
        ("sim:pass_rate=", "expected key=value"),
        ("sim:pass_rate=1.5", "pass_rate=1.5 does not fit"),
        ("sim:repair_rate=often", "repair_rate=often does not fit"),
        ("sim:repair_rate=nan", "repair_rate=nan does not fit"),
        ("sim:seed=-1", "seed=-1 does not fit"),
        ("sim:seed=1.5", "seed=1.5 does not fit"),
        ("sim:latency=inf", "latency=inf does not fit"),
        ("sim:defects=0", "defects=0 does not fit"),
        ("sim:repair_rate=0.1,repair_rate=0.2", "'repair_rate' stands there twice"),
    ],
)
def test_a_bad_setting_is_named(text: str, told: str) -> None:
    with pytest.raises(ModelSpecError) as caught:
        sim_settings(text)
    assert told in str(caught.value)
    assert text in str(caught.value)
