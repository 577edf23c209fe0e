"""The best sandbox that this machine offers, or the one that was demanded, or a refusal."""

from __future__ import annotations

import sys
import warnings
from typing import Any

from codegrove.errors import SandboxError, UsageError, did_you_mean
from codegrove.tools.sandbox.containment import LEVELS, Level
from codegrove.tools.sandbox.examination import Finding, examine
from codegrove.tools.sandbox.port import Sandbox
from codegrove.tools.sandbox.process import ProcessSandbox

_ADVICE: dict[Level, str] = {
    "isolated": (
        "It needs Linux and either unprivileged user namespaces (sysctl user.max_user_namespaces above 0,"
        " kernel.unprivileged_userns_clone=1 on Debian, kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu)"
        " or root with CAP_SYS_ADMIN; containers filter these calls by default."
    ),
    "restricted": "It needs Linux 5.13 or newer with Landlock, on x86_64 or aarch64.",
    "limited": "It needs macOS with /usr/bin/sandbox-exec.",
    "basic": "It needs a Python that can be started, and on Windows job objects that keep their limits.",
}


class WeakSandboxWarning(UserWarning):
    """Candidates run with less containment than this package can give. Issued once per process and level."""


def make_sandbox(level: str | None = None, *, at_least: str | None = None, **settings: Any) -> ProcessSandbox:
    """Return a sandbox of the best level available here, with a warning if that is not ``isolated``.

    A level is available if it could be started and if a program, run in it, was refused what it forbids. The
    first call of a process takes a few tenths of a second to find out.

    Args:
        level: exactly this one: ``isolated``, ``restricted``, ``limited`` or ``basic``.
        at_least: this one or a stronger one; for ``level=None``.
        settings: as for `ProcessSandbox`.

    Raises:
        SandboxError: if the machine does not offer what was demanded.
        UsageError: if there is no such level.
    """
    wanted = [_known(level)] if level is not None else list(LEVELS)
    if at_least is not None:
        lowest = LEVELS.index(_known(at_least))
        wanted = [name for name in wanted if LEVELS.index(name) <= lowest]
        if not wanted:
            raise UsageError(f"level={level!r} is below at_least={at_least!r}: ask for one of them")
    findings: list[Finding] = []
    for name in wanted:
        findings.append(finding := _examine(name, settings))
        if finding.available:
            break
    else:
        raise SandboxError(_refusal(findings, settings))
    best = findings.pop()
    if findings:
        _warn(best.level, findings)
    return ProcessSandbox(level=best.level, **settings)


def check_level(sandbox: Sandbox, at_least: str) -> None:
    """Refuse a sandbox whose level is below the one demanded. ``remote`` is neither above nor below another one.

    Raises:
        SandboxError: if it is below, or of a kind that does not say.
        UsageError: if there is no such level.
    """
    enough = ("remote",) if at_least == "remote" else LEVELS[: LEVELS.index(_known(at_least)) + 1]
    if sandbox.level not in enough:
        raise SandboxError(
            f"sandbox level {at_least!r} is demanded, but the sandbox passed in has level {sandbox.level!r}"
        )


def findings(**settings: Any) -> list[Finding]:
    """Examine every level of this machine, strongest first."""
    return [_examine(level, settings) for level in LEVELS]


def _examine(level: Level, settings: dict[str, Any]) -> Finding:
    return examine(
        level,
        settings.get("python", sys.executable),
        settings.get("site_packages", True),
        settings.get("fork"),
    )


def _known(name: str) -> Level:
    for level in LEVELS:
        if level == name:
            return level
    if name == "remote":
        raise UsageError(
            "no sandbox level 'remote' here: name its backend as the sandbox, such as 'container'"
        )
    raise UsageError(f"no sandbox level {name!r} here{did_you_mean(name, LEVELS)}")


def _refusal(tried: list[Finding], settings: dict[str, Any]) -> str:
    demanded = tried[-1].level
    reasons = "; ".join(f"{finding.level}: {finding.reason}" for finding in tried)
    weaker = LEVELS[LEVELS.index(demanded) + 1 :]
    offer = next((level for level in weaker if _examine(level, settings).available), None)
    instead = (
        f"this machine offers {offer!r}: demand that, or nothing" if offer else "nothing else works here"
    )
    found = f"sandbox level {demanded!r} is demanded but not available ({reasons})"
    return f"{found}. {_ADVICE[demanded]} Otherwise: {instead}."


_warned: set[Level] = set()


def _warn(level: Level, better: list[Finding]) -> None:
    if level in _warned:
        return
    _warned.add(level)
    reasons = "; ".join(f"{finding.level}: {finding.reason}" for finding in better)
    missing = {
        "restricted": "there are no namespaces around candidates",
        "limited": "memory and files are looked at now and then only, and existing paths can be seen",
        "basic": "candidates can read and write what you can, and use the network",
    }[level]
    message = f"sandbox level {level!r}: {missing}. Not available here: {reasons}. See docs/sandbox.md."
    warnings.warn(message, WeakSandboxWarning, stacklevel=3)
