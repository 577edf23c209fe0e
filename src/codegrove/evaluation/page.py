"""A comparison as one self-contained HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegrove.evaluation.tables import text, to_json
from codegrove.report.shell import page

if TYPE_CHECKING:  # a comparison shows itself with this module
    from codegrove.evaluation.comparison import Comparison

SCRIPTS = (
    "page/base.js",
    "page/text.js",
    "page/charts.js",
    "page/compare_tables.js",
    "page/compare.js",
)
STYLES = ("page/theme.css", "page/compare.css")


def render(comparison: Comparison) -> str:
    """Return the page: tables, intervals as pictures, budget curves, warnings. It asks nobody for anything."""
    names = " · ".join(method.label for method in comparison.methods[:3])
    more = f" and {len(comparison.methods) - 3} more" if len(comparison.methods) > 3 else ""
    return page(
        title=f"{names}{more} compared",
        payload=to_json(comparison),
        scripts=SCRIPTS,
        styles=STYLES,
        plain=f"This page shows more with JavaScript, which works without any network.\n\n{text(comparison)}",
    )
