"""Runs in containers and on hosted engines, judged here."""

from codegrove.tools.sandbox.remote.container import ContainerExecutor
from codegrove.tools.sandbox.remote.conversation import Patience
from codegrove.tools.sandbox.remote.executor import Executor, RemoteProcess
from codegrove.tools.sandbox.remote.sandbox import RemoteSandbox

__all__ = ["ContainerExecutor", "Executor", "Patience", "RemoteProcess", "RemoteSandbox"]
