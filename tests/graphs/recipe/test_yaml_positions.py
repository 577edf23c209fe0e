from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import RecipeError
from codegrove.graphs.recipe.dump import dump_yaml
from codegrove.graphs.recipe.yaml_positions import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    Origin,
    Plain,
    from_python,
    parse_yaml,
    read_scalar,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | FLOATS | TEXTS
TREES: st.SearchStrategy[Plain] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(lambda key: key != "<<"), inner),
    max_leaves=8,
)


def parsed(text: str) -> Plain:
    return parse_yaml(text, "f.yaml").plain()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("True", "True"),
        ("null", None),
        ("~", None),
        ("", None),
        ("none", "none"),
        ("12", 12),
        ("-3", -3),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("+1.5", 1.5),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("sim:", "sim:"),
    ],
)
def test_only_the_core_schema_is_understood(text: str, value: Plain) -> None:
    found = read_scalar(text, Origin("here"))
    assert found == value
    assert type(found) is type(value)


def test_quoted_scalars_are_text() -> None:
    assert parsed("a: 'true'\nb: \"1\"\nc: |\n  2\n") == {"a": "true", "b": "1", "c": "2\n"}


def test_anchors_repeat_values() -> None:
    assert parsed("a: &x {t: 0}\nb: *x\nc: [*x, *x]") == {"a": {"t": 0}, "b": {"t": 0}, "c": [{"t": 0}] * 2}


def test_places_of_keys_and_values() -> None:
    node = parse_yaml("a:\n  b: [1, {c: 2}]\n", "f.yaml")
    assert str(node.locate(("a", "b", 1, "c"))) == "f.yaml:2:14"
    assert str(node.locate(("a", "b", 1, "c"), key=True)) == "f.yaml:2:11"
    assert str(node.locate(("a", "b", 0))) == "f.yaml:2:7"
    assert str(node.locate(("a",))) == "f.yaml:1:1"
    assert str(node.locate(("a", "b", 7, "x"))) == "f.yaml:2:3", "the innermost thing that exists"
    assert str(node.locate(("a", "x"))) == "f.yaml:1:1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml:1:1: expected a mapping like 'name: my-recipe', found nothing"),
        ("# nothing\n", "f.yaml:1:1: expected a mapping like 'name: my-recipe', found nothing"),
        ("- a\n", "f.yaml:1:1: expected a mapping like 'name: my-recipe', found a list"),
        ("just words", "f.yaml:1:1: expected a mapping like 'name: my-recipe', found 'just words'"),
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key 'a' was already given at f.yaml:1:1"),
        ("a: {b: 1, 'b': 2}\n", "f.yaml:1:11: the key 'b' was already given at f.yaml:1:5"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document; a file holds one recipe"),
        ("a: !!python/object:os.system x\n", "f.yaml:1:4: tags like"),
        ("a: !!str 1\n", "f.yaml:1:4: tags like 'tag:yaml.org,2002:str' are not supported"),
        ("? [a]\n: 1\n", "f.yaml:1:3: keys must be plain text"),
        ("a: *x\n", "f.yaml:1:4: the alias *x has no anchor &x before it"),
        ("a: &x [*x]\n", "f.yaml:1:8: the alias *x stands inside the value it repeats"),
        ("b: &x {}\na:\n  <<: *x\n", "f.yaml:3:3: merge keys are not supported"),
        (
            "a: [1\nb: 2\n",
            "f.yaml:2:2: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence"
            " that begins in line 1",
        ),
        ("a: 1\n\tb: 2\n", "f.yaml:2:1: not valid YAML: "),
        ("a: 1\nb: x\0y\n", "f.yaml:2:5: the character '\\x00' is not allowed in YAML"),
        ("a: 1e999\n", "f.yaml:1:4: the number 1e999 is too large"),
        (f"a: {'9' * 5000}\n", "f.yaml:1:4: a number of 5000 characters; quote it"),
        ("a: " + "[" * 200 + "]" * 200, f"f.yaml:1:{4 + MAX_DEPTH}: nested deeper than {MAX_DEPTH} levels"),
        ("a" * (MAX_CHARACTERS + 1), f"f.yaml: has {MAX_CHARACTERS + 1} characters"),
    ],
)
def test_bad_yaml_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_yaml(text, "f.yaml")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_aliases_cannot_blow_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    with pytest.raises(RecipeError, match=r"^f.yaml:\d+:\d+: more than \d+ values, counting what aliases"):
        parse_yaml("\n".join(lines), "f.yaml")


@given(st.dictionaries(TEXTS.filter(lambda key: key != "<<"), TREES))
def test_what_is_written_reads_back(content: dict[str, Plain]) -> None:
    text = dump_yaml(content)
    assert parsed(text) == content
    assert yaml.safe_load(text) == content, "other readers, which follow YAML 1.1, agree"


@given(TREES)
def test_python_data_stays_as_it_is(value: Plain) -> None:
    assert from_python(value, Origin("here")).plain() == value


@given(st.text(max_size=60) | st.text("ab:-[]{}&*!|>'\"#?,\n ~.1", max_size=60))
def test_any_text_is_read_or_refused_with_one_message(text: str) -> None:
    try:
        assert isinstance(parsed(text), dict)
    except RecipeError as error:
        assert str(error).startswith("f.yaml:")


@pytest.mark.parametrize("value", [object(), b"x", {1: 2}, float("nan"), float("inf"), "\ud800", {"a": {2}}])
def test_python_data_that_no_file_can_hold_is_refused(value: object) -> None:
    with pytest.raises(RecipeError, match="^here: "):
        from_python(value, Origin("here"))
