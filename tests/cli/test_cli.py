"""The command line: exit codes, what goes where, and one clear message for every bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from loguru import logger

from codegrove.cli import main
from codegrove.errors import SandboxError
from codegrove.languages import load_language
from codegrove.tools.sandbox.toolchain import find_toolchain
from tests.support.openai_server import Answer, OpenAIServer

STUB = '''def longest_run(values: list[int]) -> int:
    """Return the length of the longest run of equal neighbours.

    >>> longest_run([1, 1, 2, 2, 2])
    3
    >>> longest_run([])
    0
    """
'''
RIGHT = """def longest_run(values):
    best = run = 0
    last = object()
    for value in values:
        run = run + 1 if value == last else 1
        last = value
        best = max(best, run)
    return best
"""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


class Cli:
    """Runs the command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str | Path) -> Done:
        self._monkeypatch.setattr(sys, "argv", ["codegrove", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = self._capsys.readouterr()
        code = left.value.code
        return Done(code if isinstance(code, int) else 0 if code is None else 1, out, err)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    try:
        return Cli(capsys, monkeypatch)
    finally:
        logger.disable("codegrove")


@pytest.fixture
def stub(tmp_path: Path) -> Path:
    path = tmp_path / "longest.py"
    path.write_text(STUB)
    return path


def script(tmp_path: Path, answers: object) -> str:
    """A scripted model from a file."""
    path = tmp_path / "answers.yaml"
    path.write_text(yaml.safe_dump(answers))
    return f"scripted:{path}"


def test_a_solved_task_prints_the_program_and_nothing_else_on_stdout(
    cli: Cli, stub: Path, tmp_path: Path
) -> None:
    model = script(tmp_path, {"coder": [f"```python\n{RIGHT}```"]})
    done = cli("solve", stub, "-r", "direct", "-m", model)
    assert done.code == 0
    assert done.out.strip() == RIGHT.strip()
    assert "solved with recipe direct (2 of 2 visible tests passed)" in done.err
    assert "simulat" not in done.err


def test_an_unsolved_task_has_exit_code_3_and_still_prints_the_best_program(
    cli: Cli, stub: Path, tmp_path: Path
) -> None:
    model = script(tmp_path, {"coder": ["```python\ndef longest_run(values):\n    return 0\n```"]})
    done = cli("solve", stub, "-r", "direct", "-m", model)
    assert done.code == 3
    assert "return 0" in done.out
    assert "1 of 2 visible tests passed" in done.err


def test_json_is_machine_readable(cli: Cli, stub: Path, tmp_path: Path) -> None:
    model = script(tmp_path, {"coder": [f"```python\n{RIGHT}```"]})
    done = cli("solve", stub, "-r", "direct", "-m", model, "--json")
    data = json.loads(done.out)
    assert data["result"] == "solved"
    assert data["spend"]["calls"] == 1
    assert data["verdict"].pop("sandbox") in ("isolated", "restricted", "limited", "basic")
    assert data["verdict"] == {"status": "passed", "passed": 2, "tests": 2}
    assert data["path"] == [0, 1]


def test_a_run_directory_holds_the_whole_run(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = cli("solve", "--problem", "bundled", "--id", "merge-shifts", "-r", "codetree", "--out", out)
    assert done.code in (0, 3)
    names = {path.name for path in out.iterdir()} - {"run.lock"}
    assert names == {
        "solution.py",
        "tree.svg",
        "result.json",
        "report.html",
        "run.sqlite",
        "recipe.yaml",
        "task.json",
    }
    assert json.loads((out / "result.json").read_text())["simulated"] is True
    assert (out / "solution.py").read_text() == done.out
    assert "simulation" in done.err


def test_a_recorded_run_replays_to_the_same_tree(cli: Cli, tmp_path: Path) -> None:
    from codegrove import Run

    out = tmp_path / "run"
    cli("solve", "--problem", "bundled", "--id", "fair-block", "-r", "uct", "--seed", "5", "--out", out)
    result = json.loads((out / "result.json").read_text())
    run = Run.open(out)
    assert len(run.tree) == result["nodes"]
    assert run.answer == result["node"]
    assert run.spend.calls == len(run.calls) == result["spend"]["calls"]


@pytest.mark.parametrize(
    "recipe", ["direct", "loop", "grove", "mapcoder", "codetree", "rethinkmcts", "codet", "uct"]
)
def test_every_recipe_runs_on_the_simulated_programmer(cli: Cli, recipe: str) -> None:
    done = cli("solve", "--problem", "bundled", "--id", "merge-shifts", "-r", recipe, "--seed", "1")
    assert done.code in (0, 3), done.err
    assert "def merge_shifts" in done.out
    assert "not from a language model" in done.err


def test_the_openai_protocol_end_to_end(cli: Cli, stub: Path) -> None:
    with OpenAIServer(lambda request: Answer(f"Sure:\n```python\n{RIGHT}```")) as server:
        done = cli("solve", stub, "-r", "loop", "-m", f"openai:any@{server.base_url}")
    assert done.code == 0
    assert "longest_run" in done.out
    assert len(server.requests) >= 3


def test_a_statement_from_stdin_with_tests(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("Return the sum of two numbers."))
    tests = tmp_path / "tests.py"
    tests.write_text("assert add(1, 2) == 3\nassert add(-1, 1) == 0\n")
    model = script(tmp_path, {"coder": ["```python\ndef add(a, b):\n    return a + b\n```"]})
    done = cli("solve", "-", "--tests", tests, "-r", "direct", "-m", model)
    assert done.code == 0


def test_a_budget_from_the_command_line_holds(cli: Cli, stub: Path, tmp_path: Path) -> None:
    wrong = "```python\ndef longest_run(values):\n    return 0\n```"
    model = script(
        tmp_path, {"coder": wrong, "debugger": wrong, "planner": "1. first strategy", "critic": "5"}
    )
    done = cli("solve", stub, "-r", "codetree", "-m", model, "--max-calls", "4", "--json")
    assert done.code == 3
    data = json.loads(done.out)
    assert data["spend"]["calls"] == 4
    assert data["reason"].startswith("budget:")


def test_set_changes_the_recipe(cli: Cli) -> None:
    done = cli("recipes", "show", "uct", "--set", "policy.c=0.5")
    assert done.code == 0
    assert yaml.safe_load(done.out)["policy"]["c"] == 0.5


def bad(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["no task given", "--problem bundled"]),
        (["missing.py"], ["missing.py"]),
        (["IMAGE"], ["IMAGE"]),
        (["EMPTY"], ["EMPTY"]),
        (["STATEMENT", "-r", "codetree"], ["has none", "--tests"]),
        (["STUB", "-r", "codetre"], ["codetre", "did you mean 'codetree'?"]),
        (["STUB", "-r", "RECIPE"], ["recipe.yaml:3", "polcy", "did you mean 'policy'?"]),
        (["STUB", "--set", "policy.repaits=3"], ["policy.repaits", "did you mean 'repairs'?"]),
        (["STUB", "-m", "opnai:gpt-4o"], ["opnai", "openai"]),
        (["STUB", "-m", "openai:gpt-4o"], ["OPENAI_API_KEY"]),
        (["STUB", "-m", "scripted:nowhere.yaml"], ["nowhere.yaml"]),
        (["STUB", "-m", "sim:pass_rat=1"], ["pass_rat", "did you mean 'pass_rate'?"]),
        (["STUB", "--problem", "bundled"], ["not both"]),
        (["--problem", "bundled"], ["--id"]),
        (["--problem", "bundled", "--id", "merge-shift"], ["did you mean 'merge-shifts'?"]),
        (["--id", "merge-shifts"], ["--problem"]),
        (["STUB"], ["only knows problems with reference solutions", "use a real model with -m"]),
        (["--problem", "bundled", "--id", "lift-log", "--require-sandbox", "total"], ["total", "isolated"]),
        (["--problem", "bundled", "--id", "lift-log", "--sandbox", "contaner"], ["did you mean 'container'?"]),
        (["STUB", "--price", "cheap"], ["--price cheap", "two numbers"]),
        (["STUB", "--price", "nan,1"], ["--price nan,1", "two numbers"]),
        (["STUB", "--max-seconds", "inf"], ["seconds=inf", "leave it out for no limit"]),
        (["--problem", "bundled", "--id", "merge-shifts", "--out", "/dev/null/run"], ["cannot write"]),
        (["--problem", "bundled", "--id", "merge-shifts", "--out", "."], ["not empty"]),
        (["STUB", "--max-cost", "1", "-m", "openai:x@http://example.invalid/v1"], ["price"]),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)  # fmt: skip
def test_bad_input_gives_one_message_and_exit_code_2(
    cli: Cli,
    stub: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "x") if "example.invalid" in " ".join(arguments) else None
    files = {
        "STUB": stub,
        "IMAGE": bad(tmp_path, "picture.py", b"\x89PNG\r\n\x1a\n\0\0\0"),
        "EMPTY": bad(tmp_path, "empty.py", b""),
        "STATEMENT": bad(tmp_path, "statement.md", b"Write a function f that returns 1."),
        "RECIPE": bad(tmp_path, "recipe.yaml", b"version: 1\nname: mine\npolcy: {kind: chain}\n"),
    }
    before = sorted(tmp_path.iterdir())
    done = cli("solve", *(str(files.get(argument, argument)) for argument in arguments))
    assert done.code == 2, done.err
    assert done.out == ""
    for word in words:
        assert str(files.get(word, word)) in done.err
    assert "Traceback" not in done.err
    assert sorted(tmp_path.iterdir()) == before  # nothing half-written


@pytest.mark.slow
def test_a_failing_model_has_exit_code_1_and_says_why(cli: Cli, stub: Path) -> None:
    with OpenAIServer(lambda request: Answer(None)) as server:
        url = server.base_url
    done = cli(
        "solve",
        stub,
        "-r",
        "direct",
        "-m",
        f"openai:any@{url}",
        "--set",
        "policy.programs=8",
        "--set",
        "agents.write.sampling.temperature=0.8",
        "--max-calls",
        "8",
    )
    assert done.code in (1, 3)
    assert "model" in done.err


def test_recipes_list_names_all(cli: Cli) -> None:
    done = cli("recipes", "list")
    for name in ("direct", "loop", "grove", "mapcoder", "codetree", "rethinkmcts", "codet", "uct"):
        assert any(line.startswith(f"{name} ") for line in done.out.splitlines())


def test_recipes_check(cli: Cli, tmp_path: Path) -> None:
    assert cli("recipes", "check", "mapcoder").out.startswith("mapcoder: ok")
    broken = bad(tmp_path, "broken.yaml", b"version: 1\nname: b\nname: c\n")
    done = cli("recipes", "check", broken)
    assert done.code == 2
    assert f"{broken}:3:1" in done.err


def test_recipes_graph_is_mermaid(cli: Cli) -> None:
    out = cli("recipes", "graph", "loop").out
    assert "graph TD;" in out
    for step in ("controller", "planner", "coder", "tester", "debugger", "execute"):
        assert step in out


def test_recipes_schema_is_json_schema(cli: Cli) -> None:
    assert "properties" in cli("recipes", "schema").out


def test_doctor_is_content(cli: Cli) -> None:
    done = cli("doctor")
    assert done.code == 0, done.out
    assert "sandbox self-test: ok" in done.out
    assert "sandbox level remote: " in done.out
    assert "\nlanguage bash: " in done.out and "\nlanguage cpp: " in done.out
    assert "answered with a program" in done.out


def test_doctor_reports_a_model_that_does_not_answer(cli: Cli, tmp_path: Path) -> None:
    done = cli("doctor", "-m", script(tmp_path, {"coder": [{"error": "auth"}]}))
    assert done.code == 1


CPP = '#include <cstdio>\nint main() {{ long a, b; scanf("%ld %ld", &a, &b); printf("%ld\\n", a {} b); }}\n'
ANSWERS = {
    "cpp": (CPP.format("-"), CPP.format("+")),
    "bash": ("read a b\necho $((a - b))\n", "read a b\necho $((a + b))\n"),
}


@pytest.fixture
def sum_task(tmp_path: Path) -> list[str]:
    """A statement and its tests, as arguments."""
    (tmp_path / "sum.md").write_text("Read two integers and print their sum.\n")
    (tmp_path / "tests.json").write_text(
        '[{"input": "3 4\\n", "output": "7"}, {"input": "0 0", "output": "0"}]'
    )
    return [str(tmp_path / "sum.md"), "--tests", str(tmp_path / "tests.json")]


@pytest.mark.parametrize("language", ANSWERS)
def test_another_language_end_to_end(cli: Cli, tmp_path: Path, sum_task: list[str], language: str) -> None:
    try:
        find_toolchain(load_language(language))
    except SandboxError as error:
        pytest.skip(str(error))
    wrong, right = (f"So:\n```{language}\n{text}```\n" for text in ANSWERS[language])
    answers = {
        "planner": ["Add them."],
        "tester": ["```json\n[]\n```"],
        "coder": [wrong],
        "debugger": [right],
    }
    model = script(tmp_path, {**answers, "critic": {"answers": ["false"], "then": "repeat_last"}})
    out = tmp_path / "run"
    done = cli("solve", *sum_task, "--language", language, "-m", model, "--out", out)
    assert (done.code, done.out) == (0, ANSWERS[language][1]), done.err
    file = next(out.glob("solution.*"))
    assert file.suffix == Path(load_language(language).file).suffix
    assert str(file) in done.err
    assert json.loads((out / "task.json").read_text())["language"] == language
    verdict = json.loads((out / "result.json").read_text())["verdict"]
    assert (verdict["status"], verdict["passed"]) == ("passed", 2)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["-l", "bash"], "sim: is a simulation that only writes Python; task 'sum' asks for 'bash'"),
        (["-l", "cp"], "no language is called 'cp'; did you mean 'cpp'?"),
        (["-l", "none.yaml"], "none.yaml: cannot be read"),
        (["-l", "bash", "--entry-point", "f"], "a program in Bash reads standard input"),
    ],
)
def test_languages_are_checked_before_anything_runs(
    cli: Cli, sum_task: list[str], more: list[str], message: str
) -> None:
    done = cli("solve", *sum_task, *more)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""


def test_other_files_than_pairs_are_no_tests_for_other_languages(
    cli: Cli, tmp_path: Path, sum_task: list[str]
) -> None:
    (tmp_path / "test_it.py").write_text("assert f(1) == 2\n")
    done = cli("solve", sum_task[0], "--tests", tmp_path / "test_it.py", "-l", "bash")
    assert (done.code, "expected a .json or .jsonl file" in done.err) == (2, True)
    done = cli("solve", tmp_path / "test_it.py", "-l", "bash")
    assert (done.code, "expected a statement" in done.err) == (2, True)
    done = cli("solve", "--problem", "bundled", "--id", "merge-shifts", "-l", "bash")
    assert (done.code, "problem files are in Python" in done.err) == (2, True)


def test_a_prompt_that_speaks_of_python_only_is_refused(
    cli: Cli, tmp_path: Path, sum_task: list[str]
) -> None:
    head = "---\nabout: Asks.\nrole: coder\nanswer: code\nvariables: [statement]\n---\n"
    (tmp_path / "mine.md").write_text(head + "<!-- user -->\nWrite Python: {{ statement }}\n")
    model = script(tmp_path, {"*": ["x"]})
    prompt = f"agents.write.prompt={tmp_path / 'mine.md'}"
    done = cli("solve", *sum_task, "-l", "bash", "-m", model, "-r", "direct", "--set", prompt)
    assert done.code == 2
    assert "asks for Bash" in done.err and "mine.md" in done.err


def test_a_missing_toolchain_ends_it_before_a_model_is_asked(
    cli: Cli, tmp_path: Path, sum_task: list[str]
) -> None:
    text = (
        "name: lisp\ntitle: Lisp\nfences: [lisp]\nfile: p.lisp\nversion: [no-such-lisp, --version]\n"
        "run: {command: [no-such-lisp, '{source}']}\ncheck: {program: x, expected: x}\n"
    )
    (tmp_path / "lisp.yaml").write_text(text)
    model = script(tmp_path, {"*": ["x"]})
    done = cli("solve", *sum_task, "-l", tmp_path / "lisp.yaml", "-m", model)
    assert done.code == 1
    assert done.err == "codegrove: Lisp is not available here: 'no-such-lisp' is not installed\n"


def test_the_module_is_the_command(cli: Cli) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "codegrove", "--version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, cli("--version").out)


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version").out.startswith("codegrove ")
    assert "solve" in cli("--help").out
