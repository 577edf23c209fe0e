"""Names of models: what each means, and what is said about those that mean nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from codegrove.errors import ModelError, ModelSpecError
from codegrove.models.langchain import LangChainModel
from codegrove.models.port import FREE, Message, Model, Price, Request
from codegrove.models.scripted import ScriptedModel
from codegrove.models.specs import make_model
from codegrove.problem import Problem
from codegrove.problems.bundled import bundled_ids, load_bundled
from codegrove.task import CallTest, Task
from tests.support.openai_server import Answer, OpenAIServer

REQUEST = Request(messages=(Message("user", "?"),), role="coder")
KEY = {"OPENAI_API_KEY": "secret-1", "ANTHROPIC_API_KEY": "secret-2"}


class Recorder:
    """Stands in for a provider's chat model class; remembers its arguments."""

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments

    async def ainvoke(self, messages: list[Any], **arguments: Any) -> AIMessage:
        return AIMessage("recorded")


def pretend(monkeypatch: pytest.MonkeyPatch, module: str, **names: Any) -> None:
    """Make a package importable that is not installed here."""
    fake = types.ModuleType(module)
    for name, value in names.items():
        setattr(fake, name, value)
    monkeypatch.setitem(sys.modules, module, fake)


def arguments_of(model: Model) -> dict[str, Any]:
    assert isinstance(model, LangChainModel)
    chat_model: Any = model._chat_model
    return dict(chat_model.arguments)


async def test_a_model_is_itself_unless_it_is_given_another_price() -> None:
    model = ScriptedModel("x", spec="mine", price=None)
    assert make_model(model) is model
    priced = make_model(model, price=Price(3, 4))
    assert isinstance(priced, Model)
    assert (priced.spec, priced.price, (await priced.complete(REQUEST)).text) == ("mine", Price(3, 4), "x")


def coding_request(problem: Problem) -> Request:
    return Request(
        messages=(Message("user", problem.task.statement),),
        role="coder",
        action="write",
        answer_format="code",
        task_id=problem.id,
        variables={"statement": problem.task.statement},
    )


async def test_the_simulated_programmer() -> None:
    bundled = load_bundled(bundled_ids()[0])
    own = Problem(
        task=Task(
            id="mine",
            statement="Return twice x.",
            entry_point="f",
            tests=(CallTest(args="(1,)", expected="2"),),
        ),
        reference="def f(x):\n    return 2 * x\n",
    )
    model = make_model("sim:")
    assert (model.spec, model.price) == ("sim:", FREE)
    assert (await model.complete(coding_request(bundled))).text
    with pytest.raises(ModelError, match="mine"):
        await model.complete(coding_request(own))
    skilled = make_model("sim:pass_rate=0.9", problems=[own])
    assert skilled.spec == "sim:pass_rate=0.9"
    assert "def f" in (await skilled.complete(coding_request(own))).text
    assert (
        "def f" in (await make_model("sim:", problems={"mine": own}.get).complete(coding_request(own))).text
    )
    assert make_model("sim:", price=Price(1, 2)).price == Price(1, 2)
    with pytest.raises(ModelSpecError, match="did you mean 'pass_rate'"):
        make_model("sim:pass_rat=1")


async def test_scripted_answers() -> None:
    assert (await make_model(["a"]).complete(REQUEST)).text == "a"
    assert (await make_model(lambda request: request.role).complete(REQUEST)).text == "coder"
    assert (await make_model({"coder": "c"}).complete(REQUEST)).text == "c"
    assert make_model(["a"]).price == FREE
    assert make_model(["a"], price=Price(1, 2)).price == Price(1, 2)


async def test_a_scripted_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text("coder: [one, two]\n")
    model = make_model(f"scripted:{path}")
    assert (model.spec, model.price) == (f"scripted:{path}", FREE)
    assert (await model.complete(REQUEST)).text == "one"
    assert make_model(f"scripted:{path}", price=Price(1, 2)).price == Price(1, 2)
    path.write_text("coder: [one")
    with pytest.raises(ModelSpecError, match="not YAML"):
        make_model(f"scripted:{path}")


async def test_a_chat_model_object() -> None:
    model = make_model(GenericFakeChatModel(messages=iter(["hello"])), price=Price(1, 2))
    assert (model.spec, model.price) == ("langchain:GenericFakeChatModel", Price(1, 2))
    assert (await model.complete(REQUEST)).text == "hello"
    assert make_model(GenericFakeChatModel(messages=iter([]))).price is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "expected PROVIDER:MODEL, e.g. 'openai:gpt-4o-mini'"),
        ("sim", "did you mean 'sim:'"),
        ("ollama", "expected PROVIDER:MODEL, e.g. 'ollama:...'"),
        ("gpt-4o", "did you mean 'openai:gpt-4o'"),
        ("claude-sonnet-4-5", "did you mean 'anthropic:claude-sonnet-4-5'"),
        ("answers.yaml", "did you mean 'scripted:answers.yaml'"),
        ("scripted:", "names no file"),
        ("openai:", "names no model; expected e.g. 'openai:gpt-4o-mini'"),
        ("openai:@http://localhost/v1", "expected e.g. 'openai:gpt-4o-mini@http://localhost/v1'"),
        ("openai:m@localhost:8000/v1", "expected a base URL after the @, e.g. 'http://localhost:8000/v1'"),
        ("openai:m@http://", "found the base URL 'http://'"),
        ("openai:m@http:///v1", "found the base URL 'http:///v1'"),
        ("openai:m@http://a b/v1", "found the base URL"),
        ("openai:m@http://a/v1?key=sk-0123456789", "the base URL holds something after a ? or #"),
        ("ollama:m@http://me:sk-0123456789@a/v1", "the base URL holds a user name or password"),
        ("openai:m@http://[::1/v1", "found the base URL"),
        ("anthropic:", "names no model"),
        ("ollama:", "names no model"),
        ("opnai:gpt-4o", "unknown provider 'opnai'; did you mean 'openai'?"),
        ("mistral:large", "unknown provider 'mistral'; did you mean 'mistralai'?"),
        ("simulated:x", "unknown provider 'simulated'"),
    ],
)
def test_what_is_no_name_is_told(spec: str, message: str) -> None:
    with pytest.raises(ModelSpecError) as caught:
        make_model(spec, environ=KEY)
    assert message in str(caught.value)
    assert "sk-0123456789" not in str(caught.value)


def test_what_is_nothing_at_all_is_told() -> None:
    with pytest.raises(ModelSpecError, match="found int 3; expected a name"):
        make_model(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "variable"),
    [
        ("openai:gpt-4o", "OPENAI_API_KEY"),
        ("openai:m@https://api.example.com/v1", "OPENAI_API_KEY"),
        ("anthropic:claude", "ANTHROPIC_API_KEY"),
    ],
)
@pytest.mark.parametrize("empty", [False, True])
def test_a_missing_key_is_told_before_anything_is_sent(spec: str, variable: str, empty: bool) -> None:
    with pytest.raises(ModelSpecError, match=f"{spec}: needs a key; set the environment variable {variable}"):
        make_model(spec, environ={variable: ""} if empty else {})


@pytest.mark.parametrize(
    ("spec", "module", "command"),
    [
        ("openai:gpt-4o", "langchain_openai", "pip install 'codegrove[openai]'"),
        ("ollama:llama3", "langchain_ollama", "pip install 'codegrove[ollama]'"),
        ("anthropic:claude", "langchain_anthropic", "pip install 'codegrove[anthropic]'"),
        ("groq:llama", "langchain.chat_models", "pip install 'codegrove[providers]' langchain-groq"),
    ],
)
def test_a_missing_package_is_told(
    monkeypatch: pytest.MonkeyPatch, spec: str, module: str, command: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # Python's own way to say "not importable"
    with pytest.raises(ModelSpecError) as caught:
        make_model(spec, environ=KEY)
    assert command in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "environ", "price"),
    [
        ("openai:gpt-4o", KEY, None),
        ("openai:m@http://127.0.0.1:9/v1", {}, FREE),
        ("openai:m@http://localhost:9/v1", {}, FREE),
        ("openai:m@http://[::1]:9/v1", {}, FREE),
        ("openai:m@http://192.168.1.7:9/v1", {}, FREE),
        ("openai:m@http://vllm:8000/v1", {}, FREE),
        ("openai:m@https://llm.example.com/v1", KEY, None),
        ("openai:m@https://8.8.8.8/v1", KEY, None),
        ("openai:m", {"OPENAI_BASE_URL": "http://localhost:9/v1"}, FREE),
        ("openai:m", {**KEY, "OPENAI_BASE_URL": "https://llm.example.com/v1"}, None),
        ("openai:@cf/meta/llama@http://localhost:9/v1", {}, FREE),
    ],
)
def test_what_is_free_and_what_has_an_unknown_price(
    spec: str, environ: dict[str, str], price: Price | None
) -> None:
    model = make_model(spec, environ=environ)
    assert (model.spec, model.price) == (spec, price)
    assert make_model(spec, environ=environ, price=Price(1, 2)).price == Price(1, 2)


def test_a_base_url_in_the_environment_is_checked() -> None:
    with pytest.raises(ModelSpecError, match="found the base URL 'localhost:9'"):
        make_model("openai:m", environ={"OPENAI_BASE_URL": "localhost:9"})


async def test_which_key_and_which_name_are_sent() -> None:
    with OpenAIServer([Answer("hi")]) as server:
        for environ in ({}, KEY):
            await make_model(f"openai:@cf/meta/llama@{server.base_url}", environ=environ).complete(REQUEST)
        first, second = server.requests
    assert first.headers["authorization"] == "Bearer no-key-needed"
    assert second.headers["authorization"] == "Bearer secret-1"
    assert first.body["model"] == "@cf/meta/llama"


def test_openai_itself_gets_the_newer_name_of_the_length_limit() -> None:
    model: Any = make_model("openai:gpt-4o", environ=KEY, timeout=12.5)
    chat = model._chat_model
    assert chat._get_request_payload("hi", max_tokens=5)["max_completion_tokens"] == 5
    assert (chat.max_retries, chat.request_timeout, chat.openai_api_base) == (0, 12.5, None)


@pytest.mark.parametrize(
    ("rest", "environ", "url", "direct"),
    [
        ("llama3", {}, None, True),
        ("llama3:8b@http://localhost:11434", {}, "http://localhost:11434", True),
        ("llama3@http://10.0.0.5:11434", {}, "http://10.0.0.5:11434", False),
        ("llama3", {"OLLAMA_HOST": "0.0.0.0:11434"}, None, True),
        ("llama3", {"OLLAMA_HOST": "https://gpu.example.com"}, None, False),
    ],
)
async def test_ollama(
    monkeypatch: pytest.MonkeyPatch, rest: str, environ: dict[str, str], url: str | None, direct: bool
) -> None:
    pretend(monkeypatch, "langchain_ollama", ChatOllama=Recorder)
    model = make_model(f"ollama:{rest}", environ=environ, timeout=7)
    assert (model.spec, model.price) == (f"ollama:{rest}", FREE)
    client = {"timeout": 7, "trust_env": False} if direct else {"timeout": 7}
    assert arguments_of(model) == {"model": rest.split("@")[0], "base_url": url, "client_kwargs": client}
    assert (await model.complete(REQUEST)).text == "recorded"


def test_anthropic(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "langchain_anthropic", ChatAnthropic=Recorder)
    model = make_model("anthropic:claude-x", environ=KEY, timeout=7)
    assert (model.spec, model.price) == ("anthropic:claude-x", None)
    assert arguments_of(model) == {"model": "claude-x", "api_key": "secret-2", "max_retries": 0, "timeout": 7}


class _Field:
    def __init__(self, alias: str | None) -> None:
        self.alias = alias


def other_provider(fields: dict[str, str | None]) -> Any:
    class Provider(Recorder):
        model_fields = {name: _Field(alias) for name, alias in fields.items()}

    def init_chat_model(name: str, *, model_provider: str, **arguments: Any) -> Provider:
        if model_provider == "groq":
            raise ImportError("no module named langchain_groq")
        if model_provider == "xai":
            raise ValueError("XAI_API_KEY must be set")
        if model_provider == "nonsense":
            raise ValueError("Unsupported model_provider='nonsense'")
        assert set(arguments) <= {*fields, *fields.values()}
        return Provider(name=name, provider=model_provider, **arguments)

    return init_chat_model


@pytest.mark.parametrize(
    ("fields", "passed"),
    [
        ({}, {}),
        ({"max_retries": None}, {"max_retries": 0}),
        ({"max_retries": None, "request_timeout": "timeout"}, {"max_retries": 0, "timeout": 7}),
    ],
)
def test_other_providers(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, str | None], passed: dict[str, Any]
) -> None:
    pretend(monkeypatch, "langchain.chat_models", init_chat_model=other_provider(fields))
    pretend(monkeypatch, "langchain")
    model = make_model("mistralai:large:latest", timeout=7)
    assert (model.spec, model.price) == ("mistralai:large:latest", None)
    assert arguments_of(model) == {"name": "large:latest", "provider": "mistralai", **passed}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("groq:x", "groq:x: needs pip install langchain-groq"),
        ("xai:grok", "xai:grok: cannot be used: ValueError: XAI_API_KEY must be set"),
        ("nonsense:x", "unknown provider 'nonsense'; known: "),
    ],
)
def test_other_providers_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, spec: str, message: str
) -> None:
    pretend(monkeypatch, "langchain.chat_models", init_chat_model=other_provider({}))
    pretend(monkeypatch, "langchain")
    with pytest.raises(ModelSpecError) as caught:
        make_model(spec)
    assert message in str(caught.value)


def test_a_chat_model_that_cannot_be_built_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**arguments: Any) -> Any:
        raise TypeError("unexpected\n   argument")

    pretend(monkeypatch, "langchain_ollama", ChatOllama=broken)
    with pytest.raises(ModelSpecError, match="ollama:x: cannot be used: TypeError: unexpected argument"):
        make_model("ollama:x", environ={})


async def test_nothing_is_sent_to_make_a_model() -> None:
    with OpenAIServer([Answer("hi")]) as server:
        make_model(f"openai:m@{server.base_url}", environ={})
        await asyncio.sleep(0)
        assert not server.requests


async def test_an_unreachable_model_fails_when_it_is_asked() -> None:
    model = make_model("openai:m@http://127.0.0.1:9/v1", environ={})
    with pytest.raises(ModelError):
        await model.complete(REQUEST)


def test_importing_the_names_loads_no_large_package() -> None:
    script = (
        "import sys; import codegrove.models.specs, codegrove.models.metered, codegrove.models.retry;"
        "print([m for m in ('langchain_core', 'langgraph', 'openai', 'httpx') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
