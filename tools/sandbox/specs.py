"""Sandboxes by a short text, as recipes and the command line name them."""

from __future__ import annotations

import re

from codegrove.errors import SandboxError, UsageError, did_you_mean
from codegrove.tools.sandbox.containment import LEVELS
from codegrove.tools.sandbox.factory import make_sandbox
from codegrove.tools.sandbox.port import Limits, Sandbox
from codegrove.tools.sandbox.remote.container import IMAGE, ContainerExecutor
from codegrove.tools.sandbox.remote.sandbox import REMOTE, RemoteSandbox

_CONTAINERS = ("container", "docker", "podman")

SPEC_PATTERN = rf"^({'|'.join(LEVELS)}|({'|'.join(_CONTAINERS)})(:[A-Za-z0-9]\S*)?)$"
"""A level of this machine, or an engine for containers with or without an image: ``basic``, ``docker:IMAGE``."""


def open_sandbox(
    spec: str, *, at_least: str | None = None, limits: Limits | None = None, workers: int | None = None
) -> Sandbox:
    """Return the sandbox that a text names, see `SPEC_PATTERN`; ``container`` takes the engine that is there.

    Args:
        spec: what is wanted.
        at_least: what is demanded besides: for a level of this machine a level, for all others only ``remote``.
        limits: limits of runs that are given none.
        workers: judgements at a time.

    Raises:
        SandboxError: if it is not available here, or is not what is demanded.
        UsageError: if the text names nothing.
    """
    kind, _, image = spec.partition(":")
    if not re.fullmatch(SPEC_PATTERN, spec):
        known = (*LEVELS, *_CONTAINERS)
        suggestion = "" if kind in known else did_you_mean(kind, known)
        example = f"expected a level or, for example, container:{IMAGE}"
        raise UsageError(f"sandbox {spec!r}: {example}{suggestion}")
    if kind in LEVELS:
        return make_sandbox(kind, at_least=at_least, limits=limits, workers=workers)
    if at_least not in (None, REMOTE):
        raise SandboxError(
            f"sandbox level {at_least!r} is demanded, but {spec!r} is level {REMOTE!r}, which keeps what its"
            f" backend states and is neither above nor below the levels here: demand {REMOTE!r}, or nothing"
        )
    executor = ContainerExecutor(image or IMAGE, engine=None if kind == "container" else kind)
    executor.check()
    return RemoteSandbox(executor, limits, workers=workers)
