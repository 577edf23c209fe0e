"""Running programs that nobody trusts."""

from codegrove.tools.sandbox.factory import WeakSandboxWarning, make_sandbox
from codegrove.tools.sandbox.native import ManyLanguages, NativeSandbox, sandbox_for
from codegrove.tools.sandbox.port import Block, BlockTrace, Limits, Sandbox
from codegrove.tools.sandbox.process import ProcessSandbox
from codegrove.tools.sandbox.specs import open_sandbox

__all__ = [
    "Block",
    "BlockTrace",
    "Limits",
    "ManyLanguages",
    "NativeSandbox",
    "ProcessSandbox",
    "Sandbox",
    "WeakSandboxWarning",
    "make_sandbox",
    "open_sandbox",
    "sandbox_for",
]
