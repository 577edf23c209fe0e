"""What a verdict says about a package that the program wanted and did not get."""

from __future__ import annotations

import re

from codegrove.verdict import Verdict

_MISSING = re.compile(r"No module named '([A-Za-z_][A-Za-z0-9_]{0,99})'")


def about_missing_package(verdict: Verdict, python: str, site_packages: bool) -> str:
    """Return a sentence for whoever runs the sandbox; nothing if no package was missing.

    Args:
        python: interpreter that runs candidates.
        site_packages: whether they may use its third-party packages.
    """
    errors = [verdict.error, *(result.error for result in verdict.results)]
    for error in errors:
        if error is not None and error.type == "ModuleNotFoundError":
            found = _MISSING.fullmatch(error.message)
            if found is not None:
                why = (
                    f"{python} has no such package: install it there if programs should have it"
                    if site_packages
                    else "third-party packages are withheld from programs (site_packages=False)"
                )
                return f"the program imports {found[1]!r}; {why}"
    return ""
