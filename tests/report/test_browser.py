"""The report in a real browser: what a reader sees, clicks and types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegrove.graphs.end import Ended
from codegrove.graphs.solution import Result, Solution
from codegrove.report import ReportData, report_data, write_report
from codegrove.search.tree import SearchTree
from codegrove.verdict import Status, TestResult, Verdict
from tests.report.hostile import TASK, TEXTS, hostile_data, marks_data
from tests.support.browser import Browser, Page, find_browser
from tests.support.made_up_run import made_up_run

EXECUTABLE = find_browser()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium is installed (apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this file."""
    assert EXECUTABLE is not None
    with Browser(EXECUTABLE) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reports are written, each once."""
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def reports(folder: Path) -> dict[str, Path]:
    """The reports that the tests look at."""
    made: dict[str, ReportData] = {
        "small": made_up_run(60, seed=4),
        "large": made_up_run(400, seed=4),
        "hostile": hostile_data(),
        "marks": marks_data(),
    }
    return {name: write_report(folder / f"{name}.html", data) for name, data in made.items()}


@pytest.fixture
def small(browser: Browser, reports: dict[str, Path]) -> Iterator[Page]:
    """A run of 60 nodes; nothing may be complained about, and nothing asked for but the file."""
    page = browser.open(reports["small"])
    yield page
    assert page.complaints() == []
    assert {address.partition("#")[0] for address in page.requests()} == {reports["small"].as_uri()}
    page.close()


BRANCH = "document.querySelector('[aria-level=\"2\"][aria-expanded]').id"
"""The item of a child of the root that has children itself."""


def chosen(page: Page) -> int:
    """The node the page's address and panel agree on."""
    number = re.search(r"node=(\d+)", str(page.run("location.hash")))
    assert number is not None
    title = page.text(".details h2")
    assert title.startswith(f"#{number[1]} ") or (number[1] == "0" and "#" not in title)
    return int(number[1])


def test_it_opens_at_the_answer_in_the_tree(small: Page) -> None:
    assert "answer" in small.text(".details h2")
    assert small.count(".item.chosen") == 1
    assert 1 < small.count(".item") <= 70
    assert small.count(".edge.path") >= 2
    assert small.text(".view [aria-selected=true] .name") == small.text(".details h2").split()[0]


def test_a_click_chooses_a_node(small: Page) -> None:
    small.click("#item-2 .name")
    assert chosen(small) == 2
    assert small.text(".details h2") == "#2 plan"
    assert small.count("#item-2.chosen") == 1
    assert "node 2, plan" in small.text(".spoken")


def test_arrows_walk_the_tree(small: Page) -> None:
    small.click("#item-1 .name")
    small.press("ArrowLeft")
    assert chosen(small) == 0
    small.press("ArrowLeft")
    assert chosen(small) == 0
    small.press("ArrowRight")
    first = chosen(small)
    assert small.run(f"document.getElementById('item-{first}').getAttribute('aria-level')") == "2"
    small.click("#item-1 .name")
    places = (
        "[...document.querySelectorAll('[aria-level=\"2\"]')].map(e => [e.getBoundingClientRect().y, e.id])"
    )
    below = [name for _, name in sorted(small.run(places))]
    small.click(f"#{below[0]} .name")
    small.press("ArrowDown")
    assert f"item-{chosen(small)}" == below[1]
    small.press("ArrowUp")
    assert f"item-{chosen(small)}" == below[0]


def test_enter_and_the_badge_fold_and_unfold(small: Page) -> None:
    node = str(small.run(BRANCH))
    expanded = f"document.getElementById('{node}').getAttribute('aria-expanded')"
    small.click(f"#{node} .name")
    if small.run(expanded) == "false":
        small.press("Enter")  # shows the children that were hidden
    unfolded = small.count(".item")
    assert small.run(expanded) == "true"
    assert small.count(f"#{node} .folded") == 0
    small.press("Enter")
    folded = small.count(".item")
    assert folded < unfolded
    assert small.run(expanded) == "false"
    inside = int(small.text(f"#{node} .folded").split("✓")[0].strip("+ "))
    assert inside >= unfolded - folded
    small.click(f"#{node} .folded")
    assert small.run(expanded) == "true"
    small.press("ArrowRight")
    assert f"item-{chosen(small)}" != node
    small.click(f"#{node} .name", times=2)
    assert small.count(".item") == folded
    assert f"item-{chosen(small)}" == node


def test_search_marks_counts_and_walks(small: Page) -> None:
    small.press("/")
    assert small.run("document.activeElement.id") == "search"
    small.type("#17")
    assert small.text(".count") == "1 found"
    small.press("Enter")
    assert chosen(small) == 17
    small.run("document.activeElement.select()")
    small.type("no such words anywhere")
    assert small.text(".count") == "nothing found"
    small.run("document.activeElement.select()")
    small.type("indexerror")
    found = int(small.text(".count").split()[0])
    assert 0 < found < 60
    assert small.count(".item.dim") > 0
    small.press("Escape", "3")
    small.press("/")
    small.type("indexerror")
    assert small.count("tbody tr") >= found
    small.press("Escape")
    assert small.text(".count") == ""
    assert small.count(".dim") == 0


def test_the_table_sorts_both_ways_and_unknown_comes_last(small: Page) -> None:
    small.press("3")
    assert small.count(".nodes tbody tr") == 60
    heads = "[...document.querySelectorAll('.nodes th button')]"
    column = "[...document.querySelectorAll('.nodes tbody tr')].map(r => r.cells[7].textContent)"

    def rewards() -> list[str]:
        small.run(f"{heads}.find(b => b.textContent.startsWith('reward')).click()")
        return [str(value) for value in small.run(column)]

    first, second = rewards(), rewards()
    known = [float(value) for value in first if value != "–"]
    assert known == sorted(known, reverse=True)
    assert [float(value) for value in second if value != "–"] == sorted(known)
    assert first[len(known) :] == second[len(known) :] == ["–"] * (60 - len(known))
    assert small.run("document.querySelector('[aria-sort=ascending]').textContent") == "reward ↑"
    small.press("Escape")
    small.click(".nodes tbody tr:nth-child(5)")
    before = chosen(small)
    small.press("ArrowDown", "ArrowUp")
    assert chosen(small) == before


def test_dark_mode_follows_the_system_and_the_reader(small: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    small.prefer("light")
    light = small.run(background)
    small.prefer("dark")
    dark = small.run(background)
    assert light != dark
    small.press("d")
    assert small.run(background) == light
    small.go(str(small.run("location.href.split('#')[0]")) + "#view=table")
    assert small.run(background) == light
    small.run("localStorage.clear()")


def test_the_panel_shows_everything_about_a_program(small: Page) -> None:
    node = small.run("[...document.querySelectorAll('.item')].map(e => e.id.slice(5)).find(i => i > 6)")
    small.run(f"location.hash = 'node={node}'")
    small.wait(f"document.querySelector('.details h2').textContent.startsWith('#{node} ')")
    sections = small.run("[...document.querySelectorAll('.details details')].map(d => d.dataset.section)")
    assert {"path", "tests", "program", "made", "figures"} <= set(sections)
    assert "tests" in small.text(".pills") or "visible" in small.text(".pills")
    assert small.count(".tests tbody") == 2
    assert "def merge_shifts" in small.text(".lines.code")
    small.click("[data-section=made] summary")
    small.wait("document.querySelectorAll('[data-section=made] .message').length === 3")
    assert "price unknown" in small.text("[data-section=made] .call")


def test_a_difference_is_shown_and_is_right(small: Page) -> None:
    for node in range(59, 5, -1):
        small.run(f"location.hash = 'node={node}'")
        small.wait(f"document.querySelector('.details h2').textContent.startsWith('#{node} ')")
        if small.text("[data-section=diff] .quiet").startswith("against") and small.count(".diff .line"):
            break
    signed = small.run(
        "[...document.querySelectorAll('.diff .line')].map(e => [e.className.split(' ')[1], e.textContent])"
    )
    assert any(kind in ("added", "removed") for kind, _ in signed)
    program = small.run("[...document.querySelectorAll('.lines.code .line')].map(e => e.textContent)")
    after = [line[2:] for kind, line in signed if kind in ("added", "equal")]
    assert [line for line in program if line in after] == [line for line in program if line in set(after)]
    assert set(after) <= set(program)


def test_views_help_and_fit(small: Page) -> None:
    small.press("?")
    assert small.count("dialog[open]") == 1
    small.press("Escape")
    small.wait("!document.querySelector('dialog[open]')")
    branch = str(small.run(BRANCH))
    small.press("2")
    assert small.count(".cell") == 60
    assert small.run("document.querySelector('[data-view=icicle]').getAttribute('aria-pressed')") == "true"
    small.click(f"#{branch} rect")
    small.press("Enter")
    assert 1 < small.count(".cell") < 60
    small.press("Escape")
    assert small.count(".cell") == 60
    small.press("1", "f")
    height = "document.querySelector('{}').getBoundingClientRect().height"
    assert small.run(height.format(".view > svg")) <= small.run(height.format(".view")) + 1


def test_a_link_opens_its_node_and_view(browser: Browser, reports: dict[str, Path]) -> None:
    page = browser.open(reports["small"], fragment="#node=12&view=table")
    assert page.text(".details h2").startswith("#12 ")
    assert page.count(".nodes tr.chosen") == 1
    page.run("location.hash = 'node=9'")
    page.wait("document.querySelector('.details h2').textContent.startsWith('#9 ')")
    for nonsense in ("node=999999", "node=-1", "node=x", "node=", "view=nothing", "%%%", "node=1e1"):
        page.run(f"location.hash = '{nonsense}'")
    assert page.complaints() == []
    page.close()


def test_a_large_run_opens_as_icicle(browser: Browser, reports: dict[str, Path]) -> None:
    page = browser.open(reports["large"])
    assert page.count(".cell") == 400
    page.press("1")
    assert 40 <= page.count(".item") <= 90
    page.press("3")
    assert page.count(".nodes tbody tr") >= 300
    assert page.complaints() == []
    page.close()


def test_every_mark_is_drawn_in_its_own_way(browser: Browser, reports: dict[str, Path]) -> None:
    page = browser.open(reports["marks"])
    drawn = [
        page.run(f"document.querySelector('#item-{n} .glyph').outerHTML.replace(/ d=\"[^\"]*\"/g, '')")
        for n in range(1, 10)
    ]
    answer, half, none, crashed, timed_out, invalid, unjudged, half_judged, not_run = drawn
    assert "ring" in answer and "tick" in answer
    assert "flight" in half and "slice" in half
    assert crashed == invalid and "cross" in crashed and "rect" in timed_out
    assert unjudged == half_judged == not_run and "?" in unjudged
    assert len({answer, half, none, crashed, timed_out, unjudged}) == 6
    assert page.text(".hidden-grade") == "not graded"
    assert "unverified" in page.text(".result")
    assert page.complaints() == []
    page.close()


def test_the_hidden_verdict_is_marked_as_not_seen(browser: Browser, folder: Path) -> None:
    tree = SearchTree(TASK)
    solution = Solution(
        task_id="t", recipe="r", result=Result.SOLVED, reason="r", ended=Ended.DONE, tree=tree, simulated=True
    )
    hidden = Verdict(status=Status.FAILED, results=(TestResult(status=Status.FAILED),))
    data = report_data(task=TASK, tree=tree, solution=solution, hidden=hidden)
    page = browser.open(write_report(folder / "hidden.html", data))
    assert "wrong answer, 0 of 1 · not seen by the search" in page.text(".origins")
    assert page.text(".title .simulation") == "simulation"
    assert page.complaints() == []
    page.close()


def test_hostile_texts_stay_texts(browser: Browser, reports: dict[str, Path]) -> None:
    page = browser.open(reports["hostile"], fragment="#node=1")
    for number, (name, text) in enumerate(TEXTS.items()):
        node = 2 * number + 2
        page.run(f"location.hash = 'node={node}&view=tree'")
        page.wait(f"document.querySelector('.details h2').textContent.startsWith('#{node} ')")
        page.run(
            "document.querySelectorAll('.details details:not([open]) > summary').forEach(s => s.click())"
        )
        page.wait("[...document.querySelectorAll('.details .inside')].every(body => body.hasChildNodes())")
        shown = page.run(
            "[...document.querySelectorAll('.lines.code .line')].map(e => e.textContent).join('\\n')"
        )
        if name in ("markup", "comment", "closing", "long line", "open string"):
            assert shown == text.rstrip("\n"), name
        if name == "directions":
            assert "\\u202e" in shown and "\u202e" not in shown
        if name == "controls":
            assert "\\x00" in shown and "\x00" not in shown
        assert page.count(".details img, .details script, .details b") == 0, name
    for view in "231":
        page.press(view)
    assert page.run("window.hit") is None
    assert page.complaints() == []
    assert len(page.requests()) == 1
    page.close()


def test_a_chain_of_thousands_opens(browser: Browser, folder: Path) -> None:
    tree = SearchTree(TASK)
    for parent in range(3000):
        tree.add(parent, "thought", text="deeper")
    solution = Solution(
        task_id="t", recipe="r", result=Result.UNSOLVED, reason="r", ended=Ended.DONE, tree=tree
    )
    page = browser.open(
        write_report(folder / "deep.html", report_data(task=TASK, tree=tree, solution=solution))
    )
    assert page.count(".cell") == 3001
    page.press("1")
    assert 1 < page.count(".item") <= 70
    assert page.complaints() == []
    page.close()


def test_a_narrow_screen_has_no_sideways_scroll(browser: Browser, reports: dict[str, Path]) -> None:
    page = browser.open(reports["small"], width=380, height=800)
    assert page.run("document.documentElement.scrollWidth") <= 380
    tops = page.run(
        "[...document.querySelectorAll('.stage, .details')].map(e => e.getBoundingClientRect().top)"
    )
    assert tops[0] < tops[1]
    page.close()


def test_a_page_that_cannot_be_read_says_so(browser: Browser, reports: dict[str, Path], folder: Path) -> None:
    html = reports["small"].read_text(encoding="utf-8")
    broken = folder / "broken.html"
    broken.write_text(re.sub(r'(id="data">\n).{200}', r"\1", html, flags=re.DOTALL), encoding="utf-8")
    page = browser.open(broken)
    assert "could not be opened" in page.text(".broken")
    page.close()
