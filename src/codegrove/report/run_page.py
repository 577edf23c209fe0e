"""The report of one run as HTML text, and as a file."""

from __future__ import annotations

from pathlib import Path

from codegrove.errors import UsageError
from codegrove.graphs.solution import SIMULATED
from codegrove.report.data import ReportData
from codegrove.report.pack import pack
from codegrove.report.shell import page
from codegrove.store.atomic import write_text

SCRIPTS = (
    "vendor/d3-hierarchy.min.js",
    "page/base.js",
    "page/text.js",
    "page/data.js",
    "page/layout.js",
    "page/glyph.js",
    "page/tree.js",
    "page/icicle.js",
    "page/table.js",
    "page/diff.js",
    "page/details.js",
    "page/header.js",
    "page/app.js",
    "page/keys.js",
    "page/main.js",
)
STYLES = ("page/theme.css", "page/run.css")


def render(data: ReportData) -> str:
    """Return the report as one self-contained HTML document."""
    return page(
        title=f"{data.task_id} · {data.recipe}",
        payload=pack(data),
        scripts=SCRIPTS,
        styles=STYLES,
        plain=_plain(data),
    )


def write_report(path: str | Path, data: ReportData) -> Path:
    """Write the report to a file, complete or not at all, and return its path.

    Raises:
        UsageError: if the file cannot be written.
    """
    target = Path(path)
    if target.is_dir():
        raise UsageError(f"cannot write the report to {target}: it is a directory; name a file in it")
    text = render(data)
    try:
        write_text(target, text)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(
            f"cannot write the report to {target}: {reason}; name a file in a directory you may write to"
        ) from None
    return target


def _plain(data: ReportData) -> str:
    spend = data.spend
    hidden = "not graded"
    if data.hidden is not None:
        hidden = f"{data.hidden.passed} of {data.hidden.total} passed (not seen by the search)"
    lines = [
        "This report shows more with JavaScript, which works without any network.",
        "",
        f"{data.task_id}: {data.result} with recipe {data.recipe}",
        f"ended because: {data.reason}",
        f"spent: {spend.calls} calls, {spend.input_tokens + spend.output_tokens} tokens,"
        f" {spend.executions} executions, {spend.seconds:.1f} s",
        f"hidden tests: {hidden}",
    ]
    if data.simulated:
        lines.append(SIMULATED)
    program = data.nodes[data.answer].program if data.answer is not None else None
    lines += ["", data.outline, "", program or "(no program)"]
    return "\n".join(lines)
