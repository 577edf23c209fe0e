from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import RecipeError
from codegrove.graphs.recipe import load_recipe
from tests.graphs.recipe.doubles import DEMO, POLICIES, DemoPrompt, DemoSettings, OtherSettings, load


def write(folder: Path, text: str, name: str = "demo.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> list[str]:
    """Return the lines of the error, without the folder."""
    with pytest.raises(RecipeError) as caught:
        load(path)
    return str(caught.value).replace(str(path.parent) + os.sep, "").splitlines()


def test_a_good_recipe(tmp_path: Path) -> None:
    recipe = load(write(tmp_path, DEMO))
    assert recipe.policy == DemoSettings(width=4)
    assert list(recipe.agents) == ["think", "write", "rate"]
    assert recipe.agents["write"].sampling.to_sampling().temperature == 0.5
    assert recipe.budget.to_budget().calls == 60
    assert recipe.limits.to_limits().wall_seconds == 20


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # unknown keys: the key's place
        ("width: 4", "widht: 4", "demo.yaml:6:3: unknown key 'widht' in policy; did you mean 'width'?"),
        ("budget:", "bugdet:", "demo.yaml:16:1: unknown key 'bugdet'; did you mean 'budget'?"),
        ("about: Sh", "extend: Sh", "demo.yaml:3:1: unknown key 'extend'; did you mean 'extends'?"),
        (
            "temperature: 0.5",
            "temprature: 0.5",
            "demo.yaml:12:16: unknown key 'temprature' in agents.write.sampling; did you mean 'temperature'?",
        ),
        ("calls: 60", "call: 60", "demo.yaml:16:10: unknown key 'call' in budget; did you mean 'calls'?"),
        (
            "    prompt: demo/write\n",
            "    prompt: demo/write\n    tools: []\n",
            "demo.yaml:12:5: unknown key 'tools' in agents.write; known: if_unreadable, model, prompt, role,"
            " sampling, unreadable",
        ),
        # wrong types: the value's place
        ("width: 4", 'width: "4"', "demo.yaml:6:10: policy.width: expected a whole number, found '4'"),
        ("width: 4", "width: 4.0", "demo.yaml:6:10: policy.width: expected a whole number, found 4.0"),
        ("width: 4", "width: true", "demo.yaml:6:10: policy.width: expected a whole number, found true"),
        ("width: 4", "c: high", "demo.yaml:6:6: policy.c: expected a number, found 'high'"),
        (
            "width: 4",
            "score: yes",
            "demo.yaml:6:10: policy.score: expected true or false, found 'yes'; did you mean true?",
        ),
        (
            "width: 4",
            "score: False",
            "demo.yaml:6:10: policy.score: expected true or false, found 'False'; did you mean false?",
        ),
        ("width: 4", "score: 1", "demo.yaml:6:10: policy.score: expected true or false, found 1"),
        ("width: 4", "labels: a", "demo.yaml:6:11: policy.labels: expected a list, found 'a'"),
        ("width: 4", "labels: [a, 1]", "demo.yaml:6:15: policy.labels.1: expected text, found 1"),
        ("name: demo", "name: 12", "demo.yaml:2:7: name: expected text, found 12"),
        ("{calls: 60}", "[60]", "demo.yaml:16:1: budget: expected a mapping, found a list"),
        ("{calls: 60}", "", "demo.yaml:16:8: budget: expected a mapping, found nothing"),
        # values out of range
        ("width: 4", "width: 99", "demo.yaml:6:10: policy.width: expected 9 or less, found 99"),
        (
            "width: 4",
            "mode: papr",
            "demo.yaml:6:9: policy.mode: expected 'paper' or 'repo', found 'papr'; did you mean 'paper'?",
        ),
        (
            "temperature: 0.5",
            "temperature: 3",
            "demo.yaml:12:29: agents.write.sampling.temperature: expected 2.0 or less, found 3",
        ),
        ("calls: 60", "calls: -1", "demo.yaml:16:17: budget.calls: expected 0 or more, found -1"),
        ("version: 1", "version: 2", "demo.yaml:1:10: version: expected 1, found 2"),
        ("width: 4", "depth: 40", "demo.yaml:4:1: policy: depth times width must not pass 50"),
        # missing keys: the mapping that lacks them
        ("name: demo\n", "", "demo.yaml:1:1: the recipe: missing key 'name'"),
        ("  kind: demo\n", "", "demo.yaml:4:1: policy: missing key 'kind'; known: demo, other"),
        ("    role: coder\n", "", "demo.yaml:9:3: agents.write: missing key 'role'"),
        # references
        (
            "kind: demo",
            "kind: dema",
            "demo.yaml:5:9: policy.kind: no policy is called 'dema'; did you mean 'demo'?",
        ),
        ("kind: demo", "kind: 7", "demo.yaml:5:9: policy.kind: no policy is called 7; known: demo, other"),
        (
            "  rate: {role: critic, prompt: demo/rate}\n",
            "",
            "demo.yaml:7:1: agents: no entry for action 'rate', which policy 'demo' asks for;"
            " add one with role 'critic' and a prompt",
        ),
        (
            "  rate: {role: critic",
            "  rat: {role: critic",
            "demo.yaml:13:3: agents.rat: policy 'demo' has no such action (as it is set); did you mean 'rate'?",
        ),
        (
            "width: 4",
            "score: false",
            "demo.yaml:13:3: agents.rate: policy 'demo' has no such action (as it is set); did you mean 'write'?",
        ),
        (
            "  rate: {role: critic, prompt: demo/rate}\n",
            "  rate: {role: critic, prompt: demo/rate}\n  run: {role: coder, prompt: demo/write}\n",
            "demo.yaml:14:3: agents.run: policy 'demo' has no such action (as it is set);"
            " known: rate, think, write",
        ),
        (
            "role: coder",
            "role: tester",
            "demo.yaml:10:11: agents.write.role: policy 'demo' expects role 'coder' for this action,"
            " found 'tester'",
        ),
        (
            "role: coder",
            "role: codr",
            "demo.yaml:10:11: agents.write.role: expected 'planner', 'coder', 'tester', 'debugger' or 'critic',"
            " found 'codr'; did you mean 'coder'?",
        ),
        (
            "demo/write",
            "demo/wirte",
            "demo.yaml:11:13: agents.write.prompt: no prompt 'demo/wirte'; did you mean 'demo/write'?",
        ),
        (
            "prompt: demo/write",
            "prompt: demo/think",
            "demo.yaml:11:13: agents.write.prompt: expected a prompt for role 'coder';"
            " 'demo/think' is written for role 'planner'",
        ),
        (
            "    role: coder\n",
            "    role: coder\n    model: defalt\n",
            "demo.yaml:11:12: agents.write.model: no entry 'defalt' under 'models'; did you mean 'default'?",
        ),
        (
            '  default: "sim:"\n',
            '  default: "sim:"\n  codr: x\n',
            "demo.yaml:16:3: models.codr: no role, action or agent uses it; did you mean 'coder'?",
        ),
        (
            'default: "sim:"',
            'coder: "sim:"',
            "demo.yaml:14:1: models: nothing for 'rate', 'think'; add 'default'",
        ),
        (
            "budget:",
            "prices: {coder: {input: 1, output: 1}}\nbudget:",
            "demo.yaml:16:10: prices.coder: no entry 'coder' under 'models'; known: default",
        ),
        # duplicates
        ("width: 4", "kind: demo", "demo.yaml:6:3: the key 'kind' was already given at demo.yaml:5:3"),
    ],
)
def test_each_mistake_has_its_place_and_a_hint(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in DEMO
    assert refusal(write(tmp_path, DEMO.replace(old, new, 1))) == [message]


def test_all_mistakes_are_listed_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        DEMO.replace("width: 4", "widht: 4")
        .replace("calls: 60", "calls: x")
        .replace("name: demo", "name: ''")
    )
    lines = refusal(write(tmp_path, text))
    assert [line.split(": ")[0] for line in lines] == ["demo.yaml:2:7", "demo.yaml:6:3", "demo.yaml:16:17"]


def test_very_many_mistakes_are_counted(tmp_path: Path) -> None:
    lines = refusal(write(tmp_path, DEMO + "".join(f"x{n}: 1\n" for n in range(30))))
    assert len(lines) == 13
    assert lines[-1] == "and 18 more"


def test_a_file_must_be_a_readable_text(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    assert refusal(missing) == ["none.yaml: no such file; expected the path of a recipe in YAML"]
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    assert refusal(folder) == ["folder.yaml: is not a file; expected the path of a recipe in YAML"]
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"name: \xff\xfe")
    assert refusal(binary) == ["binary.yaml: is not text in UTF-8 (byte 6)"]
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(10_000_000_000)
    assert refusal(huge) == ["huge.yaml: is too long for a recipe; at most 200000 characters"]
    with pytest.raises(RecipeError, match="expected the path of a recipe"):
        load("x" * 5000 + ".yaml")


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + DEMO.replace("\n", "\r\n").encode())
    assert load(path).name == "demo"


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError) as caught:
        load("codtree")
    assert str(caught.value) == (
        "no recipe is called 'codtree'; did you mean 'codetree'? (the path of a file of your own ends in .yaml)"
    )


CHILD = "version: 1\nname: child\nextends: demo.yaml\n"


def test_a_child_is_laid_over_its_parent(tmp_path: Path) -> None:
    write(tmp_path, DEMO)
    text = CHILD + "policy: {c: 2}\nagents: {write: {sampling: {top_p: 0.5}}}\nbudget: {tokens: 9}\n"
    child = load(write(tmp_path, text, "child.yaml"))
    assert (child.name, child.about) == ("child", "Shows everything.")
    assert child.policy == DemoSettings(width=4, c=2)
    sampling = child.agents["write"].sampling
    assert (sampling.temperature, sampling.top_p) == (0.5, 0.5)
    assert (child.budget.calls, child.budget.tokens) == (60, 9)


def test_another_policy_replaces_the_parents_and_its_agents(tmp_path: Path) -> None:
    write(tmp_path, DEMO)
    child = load(write(tmp_path, CHILD + "policy: {kind: other}\n", "child.yaml"))
    assert child.policy == OtherSettings()
    assert list(child.agents) == ["write"]


def test_a_childs_own_idle_agent_is_a_mistake(tmp_path: Path) -> None:
    write(tmp_path, DEMO)
    text = CHILD + "policy: {kind: other}\nagents:\n  think: {role: planner, prompt: demo/think}\n"
    path = write(tmp_path, text, "child.yaml")
    assert refusal(path) == [
        "child.yaml:6:3: agents.think: policy 'other' has no such action (as it is set); known: write"
    ]


def test_mistakes_are_placed_in_the_file_they_stand_in(tmp_path: Path) -> None:
    write(tmp_path, DEMO.replace("width: 4", "width: 44"))
    path = write(tmp_path, CHILD + "policy: {c: -1}\n", "child.yaml")
    assert refusal(path) == [
        "demo.yaml:6:10: policy.width: expected 9 or less, found 44",
        "child.yaml:4:13: policy.c: expected more than 0.0, found -1",
    ]


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ("child.yaml", "child.yaml:3:10: recipes extend each other in a circle: child.yaml -> child.yaml"),
        ("7", "child.yaml:3:10: extends: expected the name or path of a recipe, found 7"),
        (
            "gone.yaml",
            "child.yaml:3:10: extends: gone.yaml: no such file; expected the path of a recipe in YAML",
        ),
        (
            "lop",
            "child.yaml:3:10: extends: no recipe is called 'lop'; did you mean 'loop'?"
            " (the path of a file of your own ends in .yaml)",
        ),
        ("old.yaml", "old.yaml:1:10: version: expected 1, found 0"),
    ],
)
def test_a_parent_must_be_there(tmp_path: Path, extends: str, message: str) -> None:
    write(tmp_path, DEMO.replace("version: 1", "version: 0"), "old.yaml")
    path = write(tmp_path, CHILD.replace("demo.yaml", extends), "child.yaml")
    assert refusal(path) == [message]


def test_a_circle_of_two(tmp_path: Path) -> None:
    write(tmp_path, CHILD.replace("demo.yaml", "child.yaml"), "other.yaml")
    path = write(tmp_path, CHILD.replace("demo.yaml", "other.yaml"), "child.yaml")
    assert refusal(path) == [
        "other.yaml:3:10: recipes extend each other in a circle: child.yaml -> other.yaml -> child.yaml"
    ]


def test_own_prompts_are_found_beside_the_recipe_that_names_them(tmp_path: Path) -> None:
    write(tmp_path, DEMO.replace("demo/write", "mine.md"))
    (tmp_path / "sub").mkdir()
    child = CHILD.replace("demo.yaml", "../demo.yaml") + "agents: {think: {prompt: deep/plan.md}}\n"
    seen = []

    def find(prompt_id: str) -> DemoPrompt:
        seen.append(prompt_id)
        return DemoPrompt("any", "code" if prompt_id.endswith(("mine.md", "x.md")) else "text")

    recipe = load_recipe(write(tmp_path / "sub", child, "child.yaml"), policies=POLICIES, find_prompt=find)
    assert recipe.agents["write"].prompt == str(tmp_path / "mine.md")
    assert recipe.agents["think"].prompt == str(tmp_path / "sub" / "deep" / "plan.md")
    assert seen == [agent.prompt for agent in recipe.agents.values()]
    changed = load_recipe(recipe, ["agents.write.prompt=x.md"], policies=POLICIES, find_prompt=find)
    assert changed.agents["write"].prompt == str(Path("x.md").absolute())


def test_a_child_gives_its_own_name(tmp_path: Path) -> None:
    write(tmp_path, DEMO)
    path = write(tmp_path, CHILD.replace("name: child\n", ""), "child.yaml")
    assert refusal(path) == ["child.yaml:1:1: the recipe: missing key 'name'"]


def test_a_mapping_is_as_good_as_a_file() -> None:
    content: dict[str, object] = {
        "version": 1,
        "name": "made",
        "policy": {"kind": "other"},
        "agents": {"write": {"role": "coder", "prompt": "demo/write"}},
    }
    assert load(content).policy == OtherSettings()
    with pytest.raises(RecipeError, match=r"^recipe mapping: unknown key 'seeds'; did you mean 'seed'\?$"):
        load({**content, "seeds": 1})


def test_a_recipe_made_in_python_is_checked() -> None:
    made = load(
        {
            "version": 1,
            "name": "m",
            "policy": {"kind": "other"},
            "agents": {"write": {"role": "coder", "prompt": "demo/write"}},
        }
    )
    broken = made.model_copy(update={"policy": DemoSettings()})
    with pytest.raises(RecipeError, match=r"^recipe 'm': agents: no entry for action 'think'"):
        load(broken)


FRAGMENTS = st.sampled_from(
    [
        "",
        "null",
        "true",
        "1",
        "[]",
        "{}",
        "-1",
        "1e3",
        "''",
        "{a: b}",
        "[1, 2]",
        ":",
        "- x",
        "&a ",
        "*a",
        "!t",
        "\n",
        "  ",
    ]
)
EDITS = st.lists(
    st.tuples(st.integers(0, len(DEMO) - 1), st.integers(0, 12), FRAGMENTS), min_size=1, max_size=3
)


@given(EDITS)
def test_damage_is_always_one_clear_error(edits: list[tuple[int, int, str]]) -> None:
    text = DEMO
    for start, length, fragment in edits:
        text = text[:start] + fragment + text[start + length :]
    with TemporaryDirectory() as folder:
        path = write(Path(folder), text)
        try:
            load(path)
        except RecipeError as error:
            places = [line.startswith((f"{path}:", "and ")) for line in str(error).splitlines()]
            assert all(places)
