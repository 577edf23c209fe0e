"""A local server that speaks the OpenAI chat completions protocol, well or badly, as told.

with OpenAIServer(lambda request: Answer("hello")) as server:
    model = make_model(f"openai:any@{server.base_url}")
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

COUNT = object()
"""As `Answer.usage`: count four characters per token, like an honest server."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A completion. As events if the request asks for a stream."""

    text: str | None = field(kw_only=False)
    finish: str = "stop"
    usage: object = COUNT
    """The JSON value of the answer's ``usage``; `None` sends null, ``...`` leaves the field out."""
    refusal: str | None = None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An error answer."""

    status: int = field(kw_only=False)
    message: str = "scripted failure"
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """Any body, with status 200."""

    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True)
class Cut:
    """An answer whose connection is reset after so many bytes of its body; 0 for nothing at all, not even
    headers."""

    answer: Answer
    after: int = 0


@dataclass(frozen=True)
class Slow:
    """An action that is taken after some seconds, or when the server is closed."""

    action: Answer | Failure | Raw | Cut
    seconds: float


Action = Answer | Failure | Raw | Cut | Slow


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def texts(self) -> list[str]:
        """The messages' texts."""
        return [message["content"] for message in self.body["messages"]]


class OpenAIServer:
    """Serves on 127.0.0.1 at a free port, in threads, until closed.

    Args:
        handler: what to do with a request body, or a list of actions used up in order (the last one repeats).
        keep_alive: leave connections open after an answer. Off by default: a client whose event loop ends with
            the test cannot close them any more, and Python warns of that.
    """

    def __init__(
        self, handler: Callable[[dict[str, Any]], Action] | Iterable[Action], *, keep_alive: bool = False
    ) -> None:
        self.requests: list[Received] = []
        self.keep_alive = keep_alive
        self.closing = threading.Event()
        self._actions: list[Action] = [] if callable(handler) else list(handler)
        self._handler = handler if callable(handler) else None
        self._lock = threading.Lock()
        outer = self

        class Handler(_Handler):
            server_of = outer

        self._http = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def base_url(self) -> str:
        """Address for clients, ending in ``/v1``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> OpenAIServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def action(self, received: Received) -> Action:
        """Record a request and return what to do with it."""
        with self._lock:
            self.requests.append(received)
            if self._handler is None:
                return self._actions.pop(0) if len(self._actions) > 1 else self._actions[0]
        return self._handler(received.body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


class _Handler(BaseHTTPRequestHandler):
    server_of: OpenAIServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        action = self.server_of.action(Received(self.path, dict(self.headers.items()), body))
        try:
            if not self.path.endswith("/chat/completions"):
                self._send(404, _error("no such path", None))
                return
            if isinstance(action, Slow):
                self.server_of.closing.wait(action.seconds)
                action = action.action
            self._act(action, body)
        except ConnectionError:
            self.close_connection = True  # the client has given up on us

    def _act(self, action: Answer | Failure | Raw | Cut, request: dict[str, Any]) -> None:
        match action:
            case Failure():
                self._send(action.status, _error(action.message, action.code), headers=action.headers)
            case Raw():
                self._send(200, action.body, content_type=action.content_type)
            case Answer():
                self._send(200, *_encode(action, request))
            case Cut():
                body, content_type = _encode(action.answer, request)
                if action.after:
                    self._head(200, content_type, len(body))
                    self.wfile.write(body[: action.after])
                    self.wfile.flush()
                self._reset(hard=not action.after)

    def _send(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._head(status, content_type, len(body), headers)
        self.wfile.write(body)

    def _head(
        self, status: int, content_type: str, length: int, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        if not self.server_of.keep_alive:
            self.send_header("Connection", "close")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def _reset(self, *, hard: bool) -> None:
        self.close_connection = True
        if hard:  # a reset (RST) instead of an orderly end
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _error(message: str, code: str | None) -> bytes:
    return json.dumps({"error": {"message": message, "type": "scripted", "code": code}}).encode()


def _usage(answer: Answer, request: dict[str, Any]) -> dict[str, Any]:
    if answer.usage is ...:
        return {}
    if answer.usage is not COUNT:
        return {"usage": answer.usage}
    read = sum(len(message["content"]) for message in request["messages"]) // 4
    written = len(answer.text or "") // 4
    return {
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
    }


def _encode(answer: Answer, request: dict[str, Any]) -> tuple[bytes, str]:
    common = {"id": "chatcmpl-1", "created": 1, "model": request["model"]}
    usage = _usage(answer, request)
    if not request.get("stream"):
        message = {"role": "assistant", "content": answer.text, "refusal": answer.refusal}
        choice = {"index": 0, "message": message, "finish_reason": answer.finish}
        body = {**common, "object": "chat.completion", "choices": [choice], **usage}
        return json.dumps(body).encode(), "application/json"
    text = answer.text or ""
    pieces = [text[start : start + 50] for start in range(0, len(text), 50)]
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": piece}, None) for piece in pieces]
    deltas.append(({}, answer.finish))
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]} for delta, finish in deltas
    ]
    if (request.get("stream_options") or {}).get("include_usage"):
        chunks.append({"choices": [], **usage})
    events = [json.dumps({**common, "object": "chat.completion.chunk", **chunk}) for chunk in chunks]
    return "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode(), "text/event-stream"
