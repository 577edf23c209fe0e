"""Running programs that nobody trusts."""

from codegrove.tools.sandbox.factory import WeakSandboxWarning, make_sandbox
from codegrove.tools.sandbox.port import Block, BlockTrace, Limits, Sandbox
from codegrove.tools.sandbox.process import ProcessSandbox

__all__ = [
    "Block",
    "BlockTrace",
    "Limits",
    "ProcessSandbox",
    "Sandbox",
    "WeakSandboxWarning",
    "make_sandbox",
]
