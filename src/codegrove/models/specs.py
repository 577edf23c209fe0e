"""Models by name: what a recipe or a command line says, turned into a `Model`."""

from __future__ import annotations

import importlib
import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from codegrove.errors import ModelSpecError, did_you_mean
from codegrove.models.port import FREE, Model, Price, Reply, Request
from codegrove.models.script_file import read_script
from codegrove.models.scripted import Script, ScriptedModel
from codegrove.models.secrets import without_keys
from codegrove.problem import Problem

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    ModelLike = Model | BaseChatModel | Script
    """What `make_model` accepts; a text is a specification, not a script."""

Problems = Iterable[Problem] | Callable[[str], Problem | None]
"""Problems that the simulated programmer knows: a collection, or a lookup by task id."""

_PACKAGES = {
    "azure_openai": "langchain-openai",
    "bedrock": "langchain-aws",
    "bedrock_converse": "langchain-aws",
    "cohere": "langchain-cohere",
    "deepseek": "langchain-deepseek",
    "fireworks": "langchain-fireworks",
    "google_genai": "langchain-google-genai",
    "google_vertexai": "langchain-google-vertexai",
    "groq": "langchain-groq",
    "huggingface": "langchain-huggingface",
    "ibm": "langchain-ibm",
    "litellm": "langchain-litellm",
    "mistralai": "langchain-mistralai",
    "nvidia": "langchain-nvidia-ai-endpoints",
    "openrouter": "langchain-openrouter",
    "perplexity": "langchain-perplexity",
    "together": "langchain-together",
    "upstage": "langchain-upstage",
    "xai": "langchain-xai",
}
"""Providers that LangChain's ``init_chat_model`` knows, and the package each needs."""

_NO_KEY = "no-key-needed"
"""Sent to local servers, because the client insists on some key."""


def make_model(
    spec: ModelLike,
    *,
    problems: Problems | None = None,
    price: Price | None = None,
    timeout: float = 600.0,
    environ: Mapping[str, str] = os.environ,
) -> Model:
    """Return the model that a specification names. Nothing is sent anywhere.

    ============================  ==========================================================================
    ``sim:``, ``sim:pass_rate=0.8``   the simulated programmer, see `codegrove.models.sim`
    ``scripted:answers.yaml``     answers from a file, see `codegrove.models.script_file.read_script`
    ``openai:MODEL``              OpenAI, or the server that OPENAI_BASE_URL names
    ``openai:MODEL@BASE_URL``     any server that speaks OpenAI's protocol
    ``ollama:MODEL[@BASE_URL]``   Ollama
    ``anthropic:MODEL``           Anthropic
    ``PROVIDER:MODEL``            whatever LangChain's ``init_chat_model`` knows
    a chat model object           any langchain-core chat model, see `codegrove.models.langchain`
    a list, mapping, function     scripted answers, see `codegrove.models.scripted`
    a `Model`                     itself
    ============================  ==========================================================================

    Args:
        spec: see above.
        problems: what the simulated programmer knows; None for the bundled problems.
        price: of tokens. If not given: the model's own for a `Model`; free for simulated, scripted and local
            models (servers on this machine or a private network); unknown for all others.
        timeout: seconds without any byte from a provider after which a call fails.
        environ: where keys are looked up.

    Raises:
        ModelSpecError: for an unknown provider, a package that is not installed, a key that is missing, or a
            script that cannot be read; tells what to do.
    """
    settings = _Settings(problems=problems, price=price, timeout=timeout, environ=environ)
    if isinstance(spec, str):
        return _by_name(spec, settings)
    if isinstance(spec, Model):
        return _with_price(spec, price)
    if hasattr(spec, "ainvoke"):
        from codegrove.models.langchain import LangChainModel  # loads langchain-core

        return LangChainModel(cast("BaseChatModel", spec), price=price)
    if callable(spec) or isinstance(spec, Sequence | Mapping):
        return ScriptedModel(spec, price=price or FREE)
    raise ModelSpecError(
        f"found {type(spec).__name__} {spec!r:.60}; expected a name such as 'openai:gpt-4o-mini' or 'sim:',"
        " a chat model object, a list of answers or a function"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    """The arguments of `make_model` that builders need."""

    problems: Problems | None
    price: Price | None
    timeout: float
    environ: Mapping[str, str]


class _Priced:
    """A model with another price than its own."""

    def __init__(self, model: Model, price: Price) -> None:
        self._model = model
        self.price = price

    @property
    def spec(self) -> str:
        return self._model.spec

    async def complete(self, request: Request) -> Reply:
        return await self._model.complete(request)


def _with_price(model: Model, price: Price | None) -> Model:
    return model if price is None else _Priced(model, price)


def _by_name(spec: str, settings: _Settings) -> Model:
    provider, colon, rest = spec.partition(":")
    if not colon:
        raise ModelSpecError(f"model {spec!r}: expected PROVIDER:MODEL{_guess(spec)}")
    builder = _BUILDERS.get(provider)
    if builder is None:
        return _by_langchain(spec, settings)
    return builder(rest, settings)


def _guess(spec: str) -> str:
    if spec in _BUILDERS:
        return f"; did you mean '{spec}:'?" if spec == "sim" else f", e.g. '{spec}:...'"
    if spec.endswith((".yaml", ".yml")):
        return f"; did you mean 'scripted:{spec}'?"
    for start, provider in (("gpt", "openai"), ("claude", "anthropic")):
        if spec.startswith(start):
            return f"; did you mean '{provider}:{spec}'?"
    return ", e.g. 'openai:gpt-4o-mini', 'ollama:llama3' or 'sim:'"


def _sim(rest: str, settings: _Settings) -> Model:
    from codegrove.models.sim import SimulatedProgrammer, sim_settings  # a sizeable package of its own

    problems = _bundled if settings.problems is None else settings.problems
    return _with_price(SimulatedProgrammer(problems, sim_settings(f"sim:{rest}")), settings.price)


def _bundled(problem_id: str) -> Problem | None:
    from codegrove.problems.bundled import bundled_ids, load_bundled  # needed by the simulation only

    return load_bundled(problem_id) if problem_id in bundled_ids() else None


def _scripted(rest: str, settings: _Settings) -> Model:
    if not rest:
        raise ModelSpecError("scripted: names no file; expected e.g. 'scripted:answers.yaml'")
    return ScriptedModel(read_script(Path(rest)), spec=f"scripted:{rest}", price=settings.price or FREE)


def _openai(rest: str, settings: _Settings) -> Model:
    spec = f"openai:{rest}"
    name, url = _split_url(spec, rest, "gpt-4o-mini")
    url = url or settings.environ.get("OPENAI_API_BASE") or settings.environ.get("OPENAI_BASE_URL")
    if url is not None:
        _check_url(spec, url)
    local = url is not None and _is_local(url)
    key = settings.environ.get("OPENAI_API_KEY")
    if not key and not local:
        raise ModelSpecError(
            f"{spec}: needs a key; set the environment variable OPENAI_API_KEY"
            " (a server on this machine needs none: openai:MODEL@http://localhost:PORT/v1)"
        )
    _require("langchain_openai", spec, "openai")
    module = importlib.import_module("codegrove.models.openai")  # loads the client: about a second
    chat_model = _build(
        spec,
        module.chat_model,
        name=name,
        base_url=url,
        api_key=key or _NO_KEY,
        timeout=settings.timeout,
        bypass_proxy=url is not None and _is_loopback(url),
    )
    return _adapt(chat_model, spec, settings.price or (FREE if local else None), own_client=True)


def _ollama(rest: str, settings: _Settings) -> Model:
    spec = f"ollama:{rest}"
    name, url = _split_url(spec, rest, "llama3")
    host = url or settings.environ.get("OLLAMA_HOST") or "localhost"
    host = host if "://" in host else f"http://{host}"
    _check_url(spec, host)
    client: dict[str, Any] = {"timeout": settings.timeout}
    if _is_loopback(host):
        client["trust_env"] = False  # a proxy in the environment must not stand before this machine
    module = _require("langchain_ollama", spec, "ollama")
    chat_model = _build(spec, module.ChatOllama, model=name, base_url=url, client_kwargs=client)
    return _adapt(chat_model, spec, settings.price or FREE, own_client=True, server=host)


def _anthropic(rest: str, settings: _Settings) -> Model:
    spec = f"anthropic:{rest}"
    if not rest:
        raise ModelSpecError(f"{spec} names no model; expected e.g. 'anthropic:claude-sonnet-4-5'")
    key = settings.environ.get("ANTHROPIC_API_KEY")
    if not key:
        raise ModelSpecError(f"{spec}: needs a key; set the environment variable ANTHROPIC_API_KEY")
    module = _require("langchain_anthropic", spec, "anthropic")
    chat_model = _build(
        spec, module.ChatAnthropic, model=rest, api_key=key, max_retries=0, timeout=settings.timeout
    )
    return _adapt(chat_model, spec, settings.price)


def _by_langchain(spec: str, settings: _Settings) -> Model:
    provider, _, name = spec.partition(":")
    known = [*_BUILDERS, *_PACKAGES]
    try:
        module = importlib.import_module("langchain.chat_models")
    except ModuleNotFoundError:
        if provider in _PACKAGES:
            raise ModelSpecError(
                f"{spec}: needs pip install 'codegrove[providers]' {_PACKAGES[provider]}"
            ) from None
        raise ModelSpecError(
            f"{spec}: unknown provider {provider!r}{did_you_mean(provider, known)}"
        ) from None
    wanted = {"max_retries": 0, "timeout": settings.timeout}
    try:
        chat_model = module.init_chat_model(name, model_provider=provider)
        fields = type(chat_model).model_fields
        accepted = {*fields, *(field.alias for field in fields.values())}
        chat_model = module.init_chat_model(
            name, model_provider=provider, **{key: value for key, value in wanted.items() if key in accepted}
        )
    except ImportError as problem:
        package = _PACKAGES.get(provider)
        hint = f": needs pip install {package}" if package else f": {problem}"
        raise ModelSpecError(f"{spec}{hint}") from problem
    except Exception as problem:  # a provider's package may raise anything; often it misses a key
        if "Unsupported" in str(problem) and provider not in _PACKAGES:
            raise ModelSpecError(
                f"{spec}: unknown provider {provider!r}{did_you_mean(provider, known)}"
            ) from problem
        raise _cannot_build(spec, problem) from problem
    return _adapt(chat_model, spec, settings.price)


_BUILDERS: dict[str, Callable[[str, _Settings], Model]] = {
    "sim": _sim,
    "scripted": _scripted,
    "openai": _openai,
    "ollama": _ollama,
    "anthropic": _anthropic,
}


def _adapt(
    chat_model: Any, spec: str, price: Price | None, *, own_client: bool = False, server: str | None = None
) -> Model:
    from codegrove.models.langchain import LangChainModel  # loads langchain-core

    return LangChainModel(chat_model, spec=spec, price=price, homes={} if own_client else None, server=server)


def _build(spec: str, build: Callable[..., Any], **arguments: Any) -> Any:
    try:
        return build(**arguments)
    except Exception as problem:  # a provider's package may raise anything
        raise _cannot_build(spec, problem) from problem


def _cannot_build(spec: str, problem: Exception) -> ModelSpecError:
    text = without_keys(" ".join(str(problem).split()))
    return ModelSpecError(f"{spec}: cannot be used: {type(problem).__name__}: {text:.300}")


def _require(module: str, spec: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as problem:
        raise ModelSpecError(
            f"{spec}: needs a package that is not installed; pip install 'codegrove[{extra}]'"
        ) from problem


def _split_url(spec: str, rest: str, example: str) -> tuple[str, str | None]:
    """Split ``MODEL@BASE_URL``. A model's name may contain ``@`` itself."""
    provider = spec.partition(":")[0]
    match = re.fullmatch(r"(.*?)@(https?://.*)", rest)
    name, url = match.groups() if match else (rest, None)
    if url is None and re.search(r"@(localhost\b|[\w.-]+:\d+|[\w.-]+/)", rest):
        raise ModelSpecError(f"{spec}: expected a base URL after the @, e.g. 'http://localhost:8000/v1'")
    if not name:
        raise ModelSpecError(
            f"{spec} names no model; expected e.g. '{provider}:{example}{'@' + url if url else ''}'"
        )
    return name, url


def _check_url(spec: str, url: str) -> None:
    parts = re.match(r"(https?://)([^/?#]*@)?[^?#]*([?#].*)?", url)
    if parts is not None and (parts[2] or parts[3]):
        # It is part of the model's name, which is recorded and shown. Not repeated here either.
        what = "a user name or password" if parts[2] else "something after a ? or #"
        raise ModelSpecError(
            f"{spec.partition('@')[0]}: the base URL holds {what}; expected only e.g."
            " 'http://localhost:8000/v1', and a key in an environment variable such as OPENAI_API_KEY"
        )
    if not re.match(r"https?://(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d+)?(/|$)", url):
        raise ModelSpecError(f"{spec}: found the base URL {url!r}; expected e.g. 'http://localhost:8000/v1'")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _is_local(url: str) -> bool:
    """Return whether a server is on this machine or a private network, judged by its name alone."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan"))
