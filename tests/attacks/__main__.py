"""Attack the sandbox on disposable hosts: ``make attacks``, or from the root of the checkout
``PYTHONPATH=src:. python -P -m tests.attacks [--profile P --level L] [--through W]
[--only WORD] [--part I N]``.

Without arguments: every campaign, that is ordinary user, root, and root without other ids, with namespaces and
without. Prints contained and total per category, and for all hosts and levels at the end; exit code 1 if a level
did not keep what it promises.
"""

from __future__ import annotations

import argparse

from tests.attacks import disposable
from tests.attacks.campaign import CAMPAIGNS, Result, Unavailable, broken_promises, overview, run
from tests.attacks.runner import table
from tests.attacks.through import THROUGH


def main() -> None:
    """Run campaigns and print their tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", choices=disposable.PROFILES)
    parser.add_argument("--level", choices=("isolated", "restricted", "basic", "unforked", "remote"))
    parser.add_argument("--through", choices=THROUGH, default="judge", help="what runs the programs")
    parser.add_argument("--only", default="", help="a part of the ids to run")
    parser.add_argument(
        "--part", type=int, nargs=2, default=(0, 1), metavar=("I", "N"), help="every N-th attack"
    )
    arguments = parser.parse_args()
    chosen = [
        (profile, level)
        for profile, level in CAMPAIGNS
        if arguments.profile in (None, profile) and arguments.level in (None, level)
    ]
    if not chosen and arguments.profile and arguments.level:
        chosen = [(arguments.profile, arguments.level)]
    failed = False
    results: list[tuple[str, str, Result | str]] = []
    for profile, level in chosen:
        print(f"== {profile}, {level}")
        try:
            result = run(
                profile,
                level,
                part=tuple(arguments.part),
                only=arguments.only,
                through=arguments.through,
            )
        except disposable.Refused as refused:
            print(f"skipped: {refused.reason}")
            results.append((profile, level, "skipped"))
            continue
        except Unavailable as error:
            print(f"not available: {error}")
            results.append((profile, level, "not available"))
            failed |= level == "isolated"  # its host was made by the same means
            continue
        results.append((profile, level, result))
        print(table(result.findings))
        for language, why in result.missing.items():
            print(f"skipped in {language}: {why}")
        passed = sum(not problem for problem in result.benign.values())
        print(f"benign: {passed} of {len(result.benign)} pass; {result.seconds:.0f} s")
        for line in broken_promises(result):
            failed = True
            print(f"broken promise: {line}")
    print("== contained of total, by host and level")
    print(overview(results))
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
