"""The report of a run: how long it takes to write, how large it is, how fast it opens.

The runs are made up (`tests/support/made_up_run.py`): one model call per node, with prompt, program and 60
words of prose each. Opening is measured in headless Chromium, from the navigation to the second frame after the
first drawing; three fresh windows, the median.

    python -P benchmarks/report.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from codegrove.report import write_report

sys.path.append(str(Path(__file__).resolve().parents[1]))  # made-up data comes from the tests
from tests.support.browser import Browser, find_browser
from tests.support.made_up_run import made_up_run

DRAWN = "performance.getEntriesByName('report-drawn')[0].startTime"


def main() -> None:
    """Print the figures."""
    executable = find_browser()
    with tempfile.TemporaryDirectory() as folder:
        for nodes in (20, 200, 2000, 10_000):
            data = made_up_run(nodes)
            path = Path(folder) / f"{nodes}.html"
            write_report(path, data)  # the page's own files are read once
            started = time.perf_counter()
            write_report(path, data)
            written = time.perf_counter() - started
            opened = "no browser found"
            if executable is not None:
                with Browser(executable) as browser:
                    opened = f"opens in {statistics.median(_open(browser, path) for _ in range(3)):.0f} ms"
            print(
                f"{nodes:>6} nodes: written in {written:.3f} s, {path.stat().st_size / 1e3:,.0f} kB, {opened}"
            )


def _open(browser: Browser, path: Path) -> float:
    page = browser.open(path)
    milliseconds = float(page.run(DRAWN))
    page.close()
    return milliseconds


if __name__ == "__main__":
    main()
