"""The page on models says what is there."""

from __future__ import annotations

import re
from pathlib import Path

from codegrove.models.script_file import read_script
from codegrove.models.sim.skill import SimSettings, SimSkill, sim_settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def test_every_setting_of_the_simulated_programmer_is_listed_with_its_default() -> None:
    listed: dict[str, str] = {}
    for row in re.findall(r"^\| (`.*?) \| (.*?) \|", PAGE, re.MULTILINE):
        keys = re.findall(r"`(\w+)`", row[0])
        defaults = [part.strip() for part in row[1].split(",")]
        listed |= dict(zip(keys, defaults if len(defaults) == len(keys) else [""] * len(keys), strict=True))
    fields = {**SimSkill.model_fields, **{k: v for k, v in SimSettings.model_fields.items() if k != "skill"}}
    assert listed.keys() == fields.keys() | {"pass_rate"}
    assert listed.pop("rethink") == "as `repair_rate`" and fields.pop("rethink").default is None
    for name, field in fields.items():
        assert float(listed[name]) == field.default, name


def test_the_settings_are_read() -> None:
    assert sim_settings("sim:pass_rate=0.3,repair_rate=0.6").skill.easy == 0.3


def test_the_scripted_example_is_a_script(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(# answers\.yaml.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert example is not None
    path = tmp_path / "answers.yaml"
    path.write_text(example.group(1))
    script = read_script(path)
    assert isinstance(script, dict)
    assert set(script) == {"planner", "coder", "critic"}
