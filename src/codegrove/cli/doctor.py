"""``codegrove doctor``: is everything here that a run needs?"""

from __future__ import annotations

import asyncio
import platform
import warnings
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated

import typer

from codegrove.cli import app
from codegrove.cli.exit_codes import ERROR

if TYPE_CHECKING:
    from codegrove.tools.sandbox.process import ProcessSandbox

PACKAGES = ("codegrove", "langgraph", "langchain-core", "networkx", "pydantic")
OPTIONAL = ("langchain-openai", "langchain-ollama", "langchain-anthropic", "langchain")


@app.command()
def doctor(
    model: Annotated[str, typer.Option("--model", "-m", help="Model to ping with one short call.")] = "sim:",
) -> None:
    """Show versions, test the sandbox on known programs, and ping a model."""
    print(f"python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in PACKAGES:
        print(f"{name} {version(name)}")
    for name in OPTIONAL:
        print(f"{name} {_version_or_absent(name)}")
    sandbox_ok = asyncio.run(_sandbox()) & asyncio.run(_containers())
    model_ok = asyncio.run(_ping(model))
    if not (sandbox_ok and model_ok):
        raise typer.Exit(ERROR)


def _version_or_absent(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed (optional)"


async def _sandbox() -> bool:
    from codegrove.errors import SandboxError
    from codegrove.languages import language_names
    from codegrove.tools.sandbox.factory import findings, make_sandbox
    from codegrove.tools.self_test import about_packages, self_test

    for finding in findings():
        if finding.available:
            layers = ", ".join(finding.layers) or "limits only"
            print(f"sandbox level {finding.level}: available ({layers})")
            refused = [f"{attempt.name} ({attempt.guarantee})" for attempt in finding.attempts]
            print(f"  refused to a program: {', '.join(refused) or 'nothing'}")
        else:
            print(f"sandbox level {finding.level}: not available: {finding.reason}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the lines above say the same
            sandbox = make_sandbox(workers=1)
    except SandboxError as error:
        print(f"sandbox: {error}")
        return False
    try:
        report = await self_test(sandbox)
        packages = await about_packages(sandbox) if report.ok else []
        languages = [await _language(sandbox, name) for name in language_names()]
    finally:
        await sandbox.aclose()
    print(f"sandbox: level {sandbox.level}, enforced for every run: {', '.join(sandbox.guarantees)}")
    for line in report.lines:
        print(f"  {line}")
    for found in languages:
        print(found)
    print(f"sandbox self-test: {'ok' if report.ok else 'FAILED: this sandbox must not be trusted'}")
    for package in packages:
        print(f"  {package}")
    return report.ok


async def _containers() -> bool:
    """Whether containers can be used, or nobody can expect them to; then that is no fault."""
    from codegrove.errors import SandboxError
    from codegrove.tools.sandbox.remote import ContainerExecutor, RemoteSandbox
    from codegrove.tools.self_test import self_test

    executor = ContainerExecutor()
    try:
        engine = await asyncio.to_thread(executor.check)
    except SandboxError as error:
        print(f"sandbox level remote: no containers: {error}")
        return True
    sandbox = RemoteSandbox(executor, workers=1)
    try:
        report = await self_test(sandbox)
    finally:
        await sandbox.aclose()
    outcome = "ok" if report.ok else "FAILED: this sandbox must not be trusted"
    print(f"sandbox level remote: {engine.path} with {executor.image}, self-test: {outcome}")
    for line in report.lines:
        if not line.ok:
            print(f"  {line}")
    return report.ok


async def _language(sandbox: ProcessSandbox, name: str) -> str:
    """Say whether programs in a language can be judged: its toolchain is there and works behind the walls."""
    from codegrove.errors import SandboxError

    try:
        inner = sandbox.for_language(name)
    except SandboxError as error:
        return f"language {name}: {error}"
    problem = await inner.problem()
    return f"language {name}: {problem or inner.toolchain.version}"


async def _ping(spec: str) -> bool:
    from codegrove.agents import AGENTS
    from codegrove.models.specs import make_model
    from codegrove.problems import load_problems

    problem = load_problems("bundled").problems[0]
    model = make_model(spec, problems=[problem])
    outcome = await AGENTS["coder"](model, prompt="coder/direct").act(problem.task, {}, action="write")
    if outcome.program is not None:
        print(f"model {model.spec}: answered with a program")
        return True
    assert outcome.failure is not None
    print(f"model {model.spec}: {outcome.failure.kind}: {outcome.failure.message}")
    return False
