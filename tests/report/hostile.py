"""A small run whose texts try to break out of the page, freeze it, or look like something else."""

from __future__ import annotations

from codegrove.candidate import Candidate
from codegrove.graphs.end import Ended
from codegrove.graphs.solution import Result, Solution
from codegrove.report import ReportCall, ReportData, report_data
from codegrove.search.tree import SearchTree
from codegrove.task import AssertTest, CallTest, Origin, StdioTest, Task
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict, overall

BREAKOUT = (
    "</script><script>window.hit = 1</script><!-- --!> ]]> <img src=x onerror='window.hit = 1'> &lt;b&gt;`"
)
TEXTS = {
    "markup": BREAKOUT,
    "comment": "<!--<script>\nprint('<!--')\n-->",
    "controls": "a\x00b\x1b[31mred\x07\x0c\x7f\x85 end\r\nnext",
    "surrogates": "high \ud800 low \udfff end",
    "directions": "if user == 'admin\u202e \u2066# only\u2069 \u2066':\u200b\ufeff",
    "long line": "x = '" + "y" * 100_000 + "'",
    "many lines": "\n".join(f"line_{n} = {n}" for n in range(100_000)),
    "no newline forms": "a\u2028b\u2029c\x0bd",
    "open string": "s = '''never closed " * 50,
    "signs": "\x00a" * 3000,
    "closing": "</noscript></pre></style></title>",
    "empty": "",
}
"""Programs and plans, by what is wrong with them."""

TASK = Task(
    id=f"hostile {BREAKOUT}",
    statement=BREAKOUT + "\x00\ud800",
    entry_point="f",
    tests=(CallTest(args="('</script>',)", expected="'<!--'"), CallTest(args="(1,)", expected="2")),
)


def hostile_data() -> ReportData:
    """One plan and one program below it for every text; the same text is review, output, error and answer."""
    tree = SearchTree(TASK)
    generated = AssertTest(code=f"assert f(1) == {BREAKOUT!r}", origin=Origin.GENERATED)
    calls = []
    for number, text in enumerate(TEXTS.values()):
        plan = tree.add(0, "plan", text=text)
        short = text[:300]
        verdict = Verdict(
            status=Status.CRASHED,
            results=(
                TestResult(status=Status.PASSED),
                TestResult(status=Status.FAILED, output=short),
                TestResult(status=Status.CRASHED, error=ErrorInfo(type="Error", message=short, line=1)),
            ),
            stdout=text,
            stderr=short,
            note=short,
        )
        tests = (*TASK.tests, generated)
        program = Candidate(program=text, action="write", prompt=BREAKOUT, model=BREAKOUT)
        node = tree.add(plan.id, "program", program=program, verdict=verdict, tests=tests)
        node.review = text
        node.data["earlier"] = [text, short]
        tree.backup(node.id, 0.5)
        calls.append(
            ReportCall(
                expansion=number,
                node=plan.id,
                role="coder",
                action="write",
                model="scripted:",
                messages=(("system", BREAKOUT), ("user", text)),
                reply=text,
            )
        )
    solution = Solution(
        task_id=TASK.id,
        recipe=BREAKOUT,
        result=Result.UNSOLVED,
        reason=BREAKOUT,
        ended=Ended.STOPPED,
        node=2,
        tree=tree,
    )
    added = {number: (2 * number + 2,) for number in range(len(TEXTS))}
    return report_data(
        task=TASK, tree=tree, solution=solution, recipe_yaml=BREAKOUT, calls=calls, added=added, seed=1
    )


def marks_data() -> ReportData:
    """One program for every way a program can be judged, and one expansion in flight; no visible tests but two."""
    task = Task(
        id="marks",
        statement="s",
        tests=(StdioTest(stdin="1", expected="1"), StdioTest(stdin="2", expected="2")),
    )
    tree = SearchTree(task)
    cases: dict[str, Verdict | None] = {
        "passed": _verdict(Status.PASSED, Status.PASSED),
        "half": _verdict(Status.PASSED, Status.FAILED),
        "none": _verdict(Status.FAILED, Status.FAILED),
        "crashed": _verdict(Status.CRASHED, Status.CRASHED),
        "timed out": _verdict(Status.PASSED, Status.TIMED_OUT),
        "invalid": Verdict(status=Status.INVALID, error=ErrorInfo(type="SyntaxError")),
        "unjudged": _verdict(Status.UNJUDGED, Status.UNJUDGED),
        "half judged": _verdict(Status.PASSED, Status.UNJUDGED),
        "not run": None,
    }
    for name, verdict in cases.items():
        node = tree.add(
            0, "program", text=name, program=Candidate(program="p"), verdict=verdict, tests=task.tests
        )
        if name == "half":
            tree.hold(node.id)
    solution = Solution(
        task_id="marks",
        recipe="own",
        result=Result.UNVERIFIED,
        reason="r",
        ended=Ended.DONE,
        node=1,
        tree=tree,
    )
    return report_data(task=task, tree=tree, solution=solution)


def _verdict(*statuses: Status) -> Verdict:
    return Verdict(status=overall(statuses), results=tuple(TestResult(status=status) for status in statuses))
