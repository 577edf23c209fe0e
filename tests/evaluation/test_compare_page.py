"""The page of a comparison in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codegrove.evaluation.comparison import compare
from codegrove.evaluation.directory import Evaluation
from codegrove.evaluation.page import SCRIPTS
from codegrove.evaluation.resampling import Bootstrap
from codegrove.evaluation.results import EvalResult
from codegrove.report.shell import asset
from tests.support.browser import Browser, Page, find_browser
from tests.support.made_up_evaluation import made_up_header, made_up_rows

EXECUTABLE = find_browser()
HOSTILE = "</script><img src=x onerror=alert(1)>\u202e\x00"


def written(path: Path, rows: list[EvalResult]) -> Path:
    """The page of a comparison of these rows."""
    evaluation = Evaluation(path=Path("made-up"), header=made_up_header(rows), results=tuple(rows))
    path.write_text(compare(evaluation, ks=(1, 2), bootstrap=Bootstrap(replicates=100)).to_html(), "utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this file."""
    if EXECUTABLE is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    with Browser(EXECUTABLE) as running:
        yield running


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """Three methods, one simulated and with a hostile name. Nothing may complain, nothing may be asked for."""
    rows = made_up_rows("weak", problems=40, seeds=2, skill=0.2)
    rows += made_up_rows("strong", problems=40, seeds=2, skill=0.9, dollars=None)
    rows += made_up_rows(HOSTILE, problems=40, seeds=2, simulated=True)
    path = written(tmp_path / "page.html", rows)
    opened = browser.open(path)
    yield opened
    assert opened.complaints() == []
    assert opened.requests() == [path.as_uri()]
    opened.close()


def test_the_page_shows_what_was_compared(page: Page) -> None:
    assert page.text("h1") == "3 methods compared"
    assert page.text("header .simulation") == "simulation"
    assert page.count(".methods tbody tr") == 3
    assert page.text(".methods tbody tr b") == "strong"
    assert "pass@2" in page.text(".methods thead")
    assert "unknown" in page.text(".methods tbody")
    assert page.count(".pairs tbody tr") == 3
    assert page.count(".chart") == 2
    assert page.count(".chart .curve path.line") == 6
    assert "onerror=alert(1)>\\u202e\\x00" in page.text(".methods"), (
        "generated text stays text, and can be read"
    )
    assert page.count("img") == 0


@pytest.mark.parametrize("methods", [2, 12])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_long_names_are_read_in_full_and_each_belongs_to_a_curve(
    browser: Browser, tmp_path: Path, methods: int, scheme: str
) -> None:
    names = [
        f"{number:02} a method with a name of sixty characters, told in full".ljust(60, "z")
        for number in range(methods)
    ]
    rows = [row for name in names for row in made_up_rows(name, problems=20, skill=int(name[:2]) / methods)]
    page = browser.open(written(tmp_path / "page.html", rows), width=1100)
    page.prefer(scheme)
    shown = "[...document.querySelectorAll('.key li span')].map((name) => name.textContent)"
    assert sorted(page.run(shown)) == names
    numbers = "[...document.querySelectorAll('.key b')].map((number) => number.textContent)"
    beside = """[...document.querySelectorAll('.chart')].map((chart) =>
      [...chart.querySelectorAll('.name')].map((name) => name.textContent))"""
    assert page.run(beside) == [page.run(numbers)] * 2
    inside = """[...document.querySelectorAll('.key span, .chart .name')].every((name) => {
      const own = name.getBoundingClientRect();
      const frame = name.closest('.key li, .chart').getBoundingClientRect();
      return own.width > 0 && own.right <= frame.right + 1 && own.bottom <= frame.bottom + 1;
    })"""
    assert page.run(inside), "no name is cut"
    colours = "[...document.querySelectorAll('.key b')].map((number) => getComputedStyle(number).color)"
    assert len(set(page.run(colours))) == min(methods, 8)
    page.send("Input.dispatchMouseEvent", type="mouseMoved", x=0, y=0)
    page.click(".key li")
    assert page.count(".curve.chosen") == 2 and page.count(".curve.dim") == 2 * (methods - 1)
    assert page.complaints() == []
    page.close()


def test_short_names_stand_beside_their_curves(browser: Browser, tmp_path: Path) -> None:
    rows = made_up_rows("weak", problems=20, skill=0.2) + made_up_rows("strong", problems=20, skill=0.9)
    page = browser.open(written(tmp_path / "page.html", rows))
    assert page.count(".key") == 0
    names = "[...document.querySelectorAll('.chart .name')].map((name) => name.textContent)"
    assert sorted(page.run(names)) == ["strong", "strong", "weak", "weak"]
    page.close()


def test_headings_sort(page: Page) -> None:
    page.click(".methods th:nth-child(2) button")
    assert page.text(".methods th[aria-sort='descending']") == "pass@1, % ↓"
    page.click(".methods th:nth-child(2) button")
    assert page.text(".methods tbody tr b") == "weak"


def test_a_row_and_its_curves_belong_together(page: Page) -> None:
    page.send("Input.dispatchMouseEvent", type="mouseMoved", x=0, y=0)
    page.click(".methods tbody tr")
    assert page.count(".curve.chosen") == 2
    assert page.count(".curve.dim") == 4


def test_dark_mode(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    page.prefer("light")
    light = page.run(ground)
    page.press("d")
    assert page.run(ground) != light
    page.click("header button")
    assert page.run(ground) == light


def test_no_script_turns_text_into_markup() -> None:
    for name in SCRIPTS:
        assert "innerHTML" not in asset(name)
        assert "insertAdjacentHTML" not in asset(name)
