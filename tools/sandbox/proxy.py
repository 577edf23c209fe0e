"""Calls between the process of the tests and the process of the candidate.

The test text sees a `Remote` in place of each function, class or object of the candidate. Calling it sends the
arguments over a pipe and waits; what comes back are plain values, decoded by `carrying`, and numbers of objects
that stay where they are. So the process of the tests never executes a line of the candidate, and the candidate
gets the arguments of each call and nothing else.

What this keeps, whatever the candidate does:

- A `Remote` is equal to itself and to a `Remote` that its own process calls equal, which is remembered as
  `own_equality`; order and arithmetic exist between two of them only. With a plain value they would show an
  expected value to the candidate and let it answer.
- Exceptions arrive as their nearest built-in ancestor. A `StopIteration` that a call raises is a `RuntimeError`:
  it would end the loop around the call as if nothing were wrong.
- What a test passes can be used by the candidate, see `permissions`. Nothing else of the test can be reached.
- The other side being gone, or saying what makes no sense, is remembered (`lost`) even where the test catches it.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import json
import operator
import os
import threading
import time
from collections.abc import Callable
from importlib import import_module
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, ModuleType
from typing import Any

from codegrove.tools.sandbox.carried_errors import CLASS_NAMES, CLASSES, ERRORS, carried_error
from codegrove.tools.sandbox.carrying import CarryDecoder, CarryEncoder, text_of
from codegrove.tools.sandbox.permissions import require_permitted
from codegrove.tools.sandbox.remote_object import Remote
from codegrove.tools.sandbox.values import MAX_BYTES, DecodeError, TooLarge, load_json, type_name

_MOST_OBJECTS = 100_000
_MOST_FRAME = 2 * MAX_BYTES
_CHUNK = 1 << 16
_read, _write, _getpid, _exit = os.read, os.write, os.getpid, os._exit
_dumps = json.dumps
_clock = time.monotonic


class Gone(BaseException):
    """The other process does not answer any more. Nothing that is asked of it can succeed."""


def _copy(value: Any) -> Any:
    import copy

    return copy.deepcopy(value)


def _wait_for(value: Any) -> Any:
    import asyncio

    async def wait() -> Any:
        return await value

    return asyncio.run(wait())


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "iter": iter,
    "next": next,
    "bool": bool,
    "str": str,
    "repr": repr,
    "int": int,
    "float": float,
    "index": operator.index,
    "reversed": reversed,
    "copy": _copy,
    "wait": _wait_for,
    **{name: getattr(operator, name) for name in ("lt", "le", "gt", "ge", "add", "sub", "mul", "truediv")},
    **{name: getattr(operator, name) for name in ("and_", "or_", "neg")},
    "get": getattr,
    "set": setattr,
    "del": delattr,
    "eq": operator.eq,
    "item": operator.getitem,
    "set item": operator.setitem,
    "del item": operator.delitem,
    "enter": lambda value: type(value).__enter__(value),
    "exit": lambda value: type(value).__exit__(value, None, None, None),
}


class Peer:
    """One end of the connection.

    Args:
        read: descriptor that messages come from.
        write: descriptor that messages go to.
        describe: returns an exception as plain data, see `describing.describe`.
        own_module: in the process of the tests, the module name of the test text; None for the candidate,
            which hides nothing from the tests.
    """

    def __init__(
        self,
        read: int,
        write: int,
        describe: Callable[[BaseException], dict[str, Any]],
        own_module: str | None,
    ) -> None:
        self._in, self._out = read, write
        self._describe = describe
        self._own_module = own_module
        self._buffer = bytearray()
        self._lock = threading.RLock()
        self._pid = _getpid()
        self._objects: list[object] = []
        self._numbers: dict[int, int] = {}
        self._remotes: dict[int, Remote] = {}
        self.lost = ""
        """Why the other side is of no more use: ``gone``, ``nonsense``, ``timed out`` or ``interrupted``."""
        self.time_out: dict[str, Any] = {}
        """With ``timed out``: where the candidate was."""
        self.deadline: float | None = None
        """When a call that is sent from here must have been answered, on the monotonic clock."""
        self.namespace: dict[str, Any] | None = None
        """Of the candidate, in its process."""
        self.own_equality = False
        """Whether an equality was decided by the objects of the other side."""

    # -- asking ----------------------------------------------------------------------------------------------

    def ask(self, do: str, /, *args: Any, **named: Any) -> Any:
        """Let the other side do something and return what came of it, or raise what it raised.

        Raises:
            Gone: if it does not answer, or not sensibly.
        """
        with self._lock:
            if self.lost or _getpid() != self._pid:  # a copy of this process would mix up the answers
                raise Gone(self.lost or "forked")
            encoder = CarryEncoder(self._export)
            try:
                wires = encoder.all([*args, *named.values()])
            except TooLarge:
                raise ValueError("the arguments are too large to be carried") from None
            request: dict[str, Any] = {"do": do, "args": wires, "names": list(named)}
            if self.deadline is not None:
                request["left"] = max(self.deadline - _clock(), 0.001)
            try:
                self._send(request)
                while "do" in (message := self._receive()):
                    self.answer(message)
            except (
                BaseException
            ):  # of a signal handler, say: the answer may still come, and to another question
                self._give_up("interrupted")
                raise
            try:
                return self._outcome(message, encoder.kept, do)
            except (DecodeError, KeyError, TypeError, ValueError) as error:
                if getattr(error, "_codegrove_", None) is not None:
                    raise
                raise self._give_up("nonsense") from None

    def _outcome(self, message: dict[str, Any], given: list[Any], do: str) -> Any:
        if "timed_out" in message:
            self.time_out = message["timed_out"]
            raise self._give_up("timed out")
        decoder = CarryDecoder(self._known, given)
        if "changed" in message:
            if len(message["changed"]) != len(given):
                raise DecodeError("changes of other containers than the given ones")
            for container, wire in zip(given, message["changed"], strict=True):
                decoder.update(container, wire)
        if "raised" in message:
            raise carried_error(message["raised"], decoder, do)
        return decoder.all([message["value"]])[0]

    def await_greeting(self) -> None:
        """Wait until the other process has started. Raises `Gone` if it never will."""
        self._receive()

    # -- answering -------------------------------------------------------------------------------------------

    def serve(self, around: Callable[[float, Callable[[], Any]], Any]) -> None:
        """Answer until the other side is gone.

        Args:
            around: calls its second argument, for as many seconds as the first says.
        """
        while not self.lost:
            try:
                message = self._receive()
                self.answer(message, around)
            except Gone:
                return

    def answer(
        self, message: dict[str, Any], around: Callable[[float, Callable[[], Any]], Any] | None = None
    ) -> None:
        """Do what the other side asks for and tell it what came of it."""
        decoder = CarryDecoder(self._known)
        try:
            do, names, values = message["do"], message["names"], decoder.all(message["args"])
            split = len(values) - len(names)
            args, named = values[:split], dict(zip(names, values[split:], strict=True))
            left = float(message.get("left", 0.0))
        except (DecodeError, KeyError, TypeError, ValueError):
            raise self._give_up("nonsense") from None
        count = len(decoder.kept)
        reply: dict[str, Any]
        value: Any = None
        try:
            if around is None:
                value = self._do(do, args, named)
            else:
                value = around(left, lambda: self._do(do, args, named))
            reply = {}
        except Gone:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, the other side asked for it
            reply = {"raised": self._error(error)}
        if _getpid() != self._pid:
            _exit(0)  # a copy that the candidate forked; the original answers
        encoder = CarryEncoder(self._export, decoder.kept)
        try:
            if count and text_of(CarryEncoder(self._export).all(values)) != text_of(message["args"]):
                reply["changed"] = encoder.contents(count)
            if "raised" not in reply:
                reply["value"] = encoder.all([value])[0]
        except TooLarge:
            reply = reply if "raised" in reply else {"value": {"o": [type_name(value), "too large"]}}
        self._send(reply)

    def _do(self, do: str, args: list[Any], named: dict[str, Any]) -> Any:
        if self._own_module is not None:
            handed_over = bool(args) and id(args[0]) in self._numbers
            require_permitted(do, args, handed_over=handed_over, own_module=self._own_module)
        if do == "call":
            return args[0](*args[1:], **named)
        if do == "names" and self.namespace is not None:
            return [_introduce(self.namespace[name]) if name in self.namespace else None for name in args]
        return _OPERATIONS[do](*args)

    def _error(self, error: BaseException) -> dict[str, Any]:
        fields = self._describe(error)
        base = next(name for kind in type(error).__mro__ if (name := CLASS_NAMES.get(id(kind))) in ERRORS)
        encoder = CarryEncoder(lambda value: {"o": [type_name(value), ""]})
        try:
            fields["args"] = encoder.all(BaseException.args.__get__(error))[:10]  # type: ignore[attr-defined]
        except TooLarge:
            fields["args"] = [fields["message"]]
        return fields | {"base": base}

    # -- objects ---------------------------------------------------------------------------------------------

    def _export(self, value: object) -> Any:
        if type(value) is Remote and value._remote_peer is self:
            return {"y": value._remote_number}
        if isinstance(value, type) and (name := CLASS_NAMES.get(id(value))) is not None:
            return {"m": [-1, name]}
        if self._own_module is not None and (place := _place_of(value)) is not None:
            return {"m": [-2, place]}
        number = self._numbers.get(id(value))
        if number is None:
            if len(self._objects) >= _MOST_OBJECTS:
                return {"o": [type_name(value), "too many objects"]}
            number = self._numbers[id(value)] = len(self._objects)
            self._objects.append(value)
        return {"m": [number, type_name(value)]}

    def _known(self, tag: str, content: Any) -> object:
        number, name = (content, "") if tag == "y" else _pair(content)
        if type(number) is not int or number >= (len(self._objects) if tag == "y" else _MOST_OBJECTS):
            raise DecodeError("an object that nobody knows")
        if tag == "y":
            if number < 0:
                raise DecodeError("an object that nobody knows")
            return self._objects[number]
        if number == -1 and name in CLASSES:
            return CLASSES[name]
        if number == -2 and self._own_module is None:  # only the tests are believed
            module, _, attribute = name.partition(":")
            return operator.attrgetter(attribute)(import_module(module))
        if number < 0:
            raise DecodeError("an object that nobody knows")
        if number not in self._remotes:
            self._remotes[number] = Remote(self, number, name)
        return self._remotes[number]

    # -- messages --------------------------------------------------------------------------------------------

    def greet(self) -> None:
        """Say that this process has started."""
        self._send({})

    def tell_time_out(self, error: dict[str, Any]) -> None:
        """Say, instead of an answer, that time is up."""
        self._send({"timed_out": error})

    def _send(self, message: dict[str, Any]) -> None:
        data = _dumps(message, separators=(",", ":")).encode()
        rest = memoryview(len(data).to_bytes(4, "big") + data)
        try:
            while rest:
                rest = rest[_write(self._out, rest) :]
        except OSError:
            raise self._give_up("gone") from None

    def _receive(self) -> dict[str, Any]:
        size = int.from_bytes(self._take(4), "big")
        if size > _MOST_FRAME:
            raise self._give_up("nonsense")
        try:
            message = load_json(self._take(size))
        except DecodeError:
            raise self._give_up("nonsense") from None
        if not isinstance(message, dict):
            raise self._give_up("nonsense")
        return message

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            try:
                data = _read(self._in, max(_CHUNK, size - len(self._buffer)))
            except OSError:
                data = b""
            if not data:
                raise self._give_up("gone")
            self._buffer += data
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _give_up(self, why: str) -> Gone:
        self.lost = self.lost or why
        return Gone(why)


def _pair(content: Any) -> tuple[object, str]:
    if not isinstance(content, list) or len(content) != 2 or not isinstance(content[1], str):
        raise DecodeError("malformed object")
    return content[0], content[1][:100].encode("utf-8", "replace").decode()


def _introduce(value: Any) -> tuple[str, Any]:
    """Return a global object of the candidate with the module it was imported as or from, if it was."""
    if isinstance(value, ModuleType):
        return value.__name__, None
    place = _place_of(value)
    return (place.partition(":")[0] if place else ""), value


def _place_of(value: object) -> str | None:
    """Return where the other process finds the same function, method or class of the standard library."""
    import sys

    if isinstance(value, MethodDescriptorType):  # ``str.upper``
        module, name = value.__objclass__.__module__, value.__qualname__
    elif isinstance(value, (type, FunctionType, BuiltinFunctionType)):
        module, name = value.__module__, value.__qualname__
    else:
        return None
    if not isinstance(module, str) or module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    try:
        same = operator.attrgetter(name)(sys.modules[module]) is value
    except (AttributeError, KeyError):
        return None
    return f"{module}:{name}" if same else None
