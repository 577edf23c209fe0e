"""The page itself: one file, its own hashed scripts, and no way for a text to become markup."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from codegrove.errors import UsageError
from codegrove.evaluation import page as compare_page
from codegrove.report import render, write_report
from codegrove.report.run_page import SCRIPTS, STYLES
from codegrove.report.shell import asset, page
from tests.report.hostile import hostile_data, marks_data
from tests.report.unpacking import payload

OWN = [name for name in SCRIPTS if name.startswith("page/")]


class Elements(HTMLParser):
    """Collects the start tags of a page, and the texts of its scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.texts:
            self._inside = tag
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside][-1] += data


def test_the_page_holds_its_own_scripts_and_nothing_else() -> None:
    elements = Elements(render(hostile_data()))
    names = [tag for tag, _ in elements.tags]
    assert names.count("script") == 3
    assert names.count("style") == 1
    assert {"img", "link", "iframe", "object", "b", "base"}.isdisjoint(names)
    assert all("src" not in attributes and "href" not in attributes for _, attributes in elements.tags)
    assert not any(name.startswith("on") for _, attributes in elements.tags for name in attributes)


def test_the_policy_allows_exactly_these_scripts_and_this_style() -> None:
    elements = Elements(render(marks_data()))
    policy = next(
        a["content"] or "" for tag, a in elements.tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}

    def hashes(texts: list[str]) -> list[str]:
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]

    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == hashes(elements.texts["script"][1:])  # the first one is the inert data
    assert rules["style-src"] == hashes(elements.texts["style"])
    assert rules["require-trusted-types-for"] == ["'script'"]


@pytest.mark.parametrize("name", OWN)
def test_no_script_turns_text_into_markup(name: str) -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|\bFunction\(|srcdoc"
    )
    assert re.search(forbidden, asset(name)) is None
    assert (
        re.search(
            r"fetch\(|XMLHttpRequest|WebSocket|sendBeacon|import\(|https?://(?!www\.w3\.org)", asset(name)
        )
        is None
    )


@pytest.mark.parametrize("name", [*SCRIPTS, *STYLES])
def test_no_asset_can_end_its_own_element(name: str) -> None:
    assert re.search(r"</script|</style|<!--", asset(name), re.IGNORECASE) is None
    assert "\r" not in asset(name)
    assert "@import" not in asset(name) and "url(h" not in asset(name)


def test_every_asset_is_used() -> None:
    folder = files("codegrove.report").joinpath("page")
    assert {f"page/{entry.name}" for entry in folder.iterdir()} == {
        *OWN,
        *STYLES,
        *compare_page.SCRIPTS,
        *compare_page.STYLES,
    }


def test_the_vendored_library_comes_with_its_licence() -> None:
    assert "Mike Bostock" in asset("vendor/d3-hierarchy.LICENSE")
    assert "d3-hierarchy" in asset("vendor/d3-hierarchy.min.js")[:80]


def test_the_same_data_gives_the_same_bytes() -> None:
    assert render(marks_data()) == render(marks_data())


def test_readers_without_scripts_get_the_story_as_text() -> None:
    html = render(marks_data())
    plain = html.partition("<noscript>")[2].partition("</noscript>")[0]
    assert "marks: unverified with recipe own" in plain
    assert "hidden tests: not graded" in plain
    assert plain.count("program") >= 9


def test_texts_for_readers_without_scripts_are_escaped() -> None:
    html = render(hostile_data())
    head, _, rest = html.partition("<noscript>")
    plain = rest.partition("</noscript>")[0]
    assert "&lt;/script&gt;" in head and "&lt;/script&gt;" in plain
    assert re.search("[\x00-\x08\x0b-\x1f\u202e\ud800-\udfff]", html) is None


def test_the_shell_serves_other_pages_too() -> None:
    html = page(
        title="<t>",
        payload='{"kind":"other"}',
        scripts=["page/base.js"],
        styles=["page/theme.css"],
        plain="&",
    )
    assert payload(html) == {"kind": "other"}
    assert "<title>&lt;t&gt;</title>" in html


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = write_report(tmp_path / "report.html", marks_data())
    assert path.read_text(encoding="utf-8") == render(marks_data())
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write the report to .*missing.*; name a file"):
        write_report(tmp_path / "missing" / "report.html", marks_data())


def test_a_directory_is_no_place_for_a_report(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is a directory"):
        write_report(tmp_path, marks_data())
