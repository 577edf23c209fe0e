"""How long it takes to compare 20 methods on 500 problems: reading 10,000 rows, statistics, page.

The rows are made up (`tests/support/made_up_evaluation.py`), one attempt a problem. Processor seconds stand beside
the elapsed ones, since other work on the machine lengthens only these.

    python -P benchmarks/compare.py
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from codegrove.evaluation.comparison import compare
from codegrove.evaluation.directory import HEADER, RESULTS, load_evaluation
from codegrove.store.coding import to_json

sys.path.append(str(Path(__file__).resolve().parents[1]))  # made-up data comes from the tests
from tests.support.made_up_evaluation import made_up_header, made_up_rows

METHODS, PROBLEMS = 20, 500

_Value = TypeVar("_Value")


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folders = [_write(Path(name) / str(number), number) for number in range(METHODS)]
        start = time.perf_counter(), time.process_time()
        evaluations = _timed("read", lambda: [load_evaluation(folder) for folder in folders])
        comparison = _timed("compare", lambda: compare(*evaluations))
        page = _timed("page", comparison.to_html)
        print(
            f"{METHODS} methods x {PROBLEMS} problems, {len(comparison.pairs)} pairs, {len(page) / 1e3:.0f} kB:"
            f" {time.perf_counter() - start[0]:.2f} s elapsed, {time.process_time() - start[1]:.2f} s of processor"
        )


def _write(folder: Path, number: int) -> Path:
    rows = made_up_rows(f"method {number}", problems=PROBLEMS, skill=0.3 + 0.02 * number)
    folder.mkdir()
    (folder / HEADER).write_text(made_up_header(rows).model_dump_json(), encoding="utf-8")
    # Not by `ResultWriter`, which waits for the disk after every row.
    text = "".join(to_json(row.model_dump()) + "\n" for row in rows)
    (folder / RESULTS).write_text(text, encoding="utf-8")
    return folder


def _timed(what: str, work: Callable[[], _Value]) -> _Value:
    elapsed, used = time.perf_counter(), time.process_time()
    value = work()
    print(f"{what:>8}: {time.perf_counter() - elapsed:5.2f} s, processor {time.process_time() - used:5.2f} s")
    return value


if __name__ == "__main__":
    main()
