"""Running programs that nobody trusts."""

from codegrove.tools.sandbox.coverage import Coverage, CoverageSandbox, TestCoverage
from codegrove.tools.sandbox.factory import WeakSandboxWarning, make_sandbox
from codegrove.tools.sandbox.native import ManyLanguages, NativeSandbox, sandbox_for
from codegrove.tools.sandbox.port import Block, BlockTrace, Limits, Sandbox
from codegrove.tools.sandbox.process import ProcessSandbox
from codegrove.tools.sandbox.session_port import (
    CellResult,
    CellStatus,
    Session,
    SessionLimits,
    SessionSandbox,
)
from codegrove.tools.sandbox.specs import open_sandbox

__all__ = [
    "Block",
    "BlockTrace",
    "CellResult",
    "CellStatus",
    "Coverage",
    "CoverageSandbox",
    "Limits",
    "ManyLanguages",
    "NativeSandbox",
    "ProcessSandbox",
    "Sandbox",
    "Session",
    "SessionLimits",
    "SessionSandbox",
    "TestCoverage",
    "WeakSandboxWarning",
    "make_sandbox",
    "open_sandbox",
    "sandbox_for",
]
