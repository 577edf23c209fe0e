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
- Functions that a test passes can be called by the candidate, and objects of the test's own classes have their
  public attributes. Nothing else of the test can be reached.
- The other side being gone, or saying what makes no sense, is remembered (`lost`) even where the test catches it.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import builtins
import json
import operator
import os
import threading
import time
from collections.abc import Callable
from importlib import import_module
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from codegrove.tools.sandbox.carrying import CarryDecoder, CarryEncoder, text_of
from codegrove.tools.sandbox.values import MAX_BYTES, DecodeError, TooLarge, load_json, type_name

_MOST_OBJECTS = 100_000
_MOST_FRAME = 2 * MAX_BYTES
_CHUNK = 1 << 16
_read, _write, _getpid, _exit = os.read, os.write, os.getpid, os._exit
_dumps = json.dumps
_clock = time.monotonic

_ERRORS: dict[str, type[BaseException]] = {
    name: item
    for name, item in vars(builtins).items()
    if isinstance(item, type) and issubclass(item, BaseException) and not issubclass(item, BaseExceptionGroup)
}
_CLASSES: dict[str, type] = {
    **{kind.__name__: kind for kind in (bool, int, float, complex, str, bytes, bytearray, type, object)},
    **{kind.__name__: kind for kind in (list, tuple, dict, set, frozenset, range, type(None))},
    **_ERRORS,
}
"""Classes that both processes have, by name."""
_CLASS_NAMES = {id(kind): name for name, kind in _CLASSES.items()}


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


class Remote:
    """Stands for an object of the other process."""

    __slots__ = ("_remote_number", "_remote_peer", "_remote_type")

    _remote_number: int
    _remote_peer: Peer
    _remote_type: str

    def __init__(self, peer: Peer, number: int, kind: str) -> None:
        object.__setattr__(self, "_remote_peer", peer)
        object.__setattr__(self, "_remote_number", number)
        object.__setattr__(self, "_remote_type", kind)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._remote_peer.ask("call", self, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__name__", "__qualname__"):
            raise AttributeError(f"{self._remote_type!r} object of the program: no attribute {name!r} here")
        return self._remote_peer.ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._remote_peer.ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        self._remote_peer.ask("del", self, name)

    def __eq__(self, other: object) -> Any:
        if self is other:
            return True
        if type(other) is not Remote:
            return NotImplemented
        self._remote_peer.own_equality = True
        return self._remote_peer.ask("eq", self, other) is True

    def __hash__(self) -> int:
        return self._remote_number

    def _with(self, do: str, other: object) -> Any:
        """Let the other process compute with two of its objects."""
        if type(other) is not Remote:
            return NotImplemented
        self._remote_peer.own_equality |= do in ("lt", "le", "gt", "ge")
        return self._remote_peer.ask(do, self, other)

    def __lt__(self, other: object) -> Any:
        return self._with("lt", other)

    def __le__(self, other: object) -> Any:
        return self._with("le", other)

    def __gt__(self, other: object) -> Any:
        return self._with("gt", other)

    def __ge__(self, other: object) -> Any:
        return self._with("ge", other)

    def __add__(self, other: object) -> Any:
        return self._with("add", other)

    def __sub__(self, other: object) -> Any:
        return self._with("sub", other)

    def __mul__(self, other: object) -> Any:
        return self._with("mul", other)

    def __truediv__(self, other: object) -> Any:
        return self._with("truediv", other)

    def __and__(self, other: object) -> Any:
        return self._with("and_", other)

    def __or__(self, other: object) -> Any:
        return self._with("or_", other)

    def __neg__(self) -> Any:
        return self._remote_peer.ask("neg", self)

    def __len__(self) -> int:
        return self._remote_peer.ask("len", self)  # type: ignore[no-any-return]

    def __bool__(self) -> bool:
        return self._remote_peer.ask("bool", self)  # type: ignore[no-any-return]

    def __iter__(self) -> Any:
        return self._remote_peer.ask("iter", self)

    def __next__(self) -> Any:
        return self._remote_peer.ask("next", self)

    def __reversed__(self) -> Any:
        return self._remote_peer.ask("reversed", self)

    def __getitem__(self, key: Any) -> Any:
        return self._remote_peer.ask("item", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._remote_peer.ask("set item", self, key, value)

    def __delitem__(self, key: Any) -> None:
        self._remote_peer.ask("del item", self, key)

    def __str__(self) -> str:
        return self._remote_peer.ask("str", self)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return self._remote_peer.ask("repr", self)  # type: ignore[no-any-return]

    def __int__(self) -> int:
        return self._remote_peer.ask("int", self)  # type: ignore[no-any-return]

    def __float__(self) -> float:
        return self._remote_peer.ask("float", self)  # type: ignore[no-any-return]

    def __index__(self) -> int:
        return self._remote_peer.ask("index", self)  # type: ignore[no-any-return]

    def __enter__(self) -> Any:
        return self._remote_peer.ask("enter", self)

    def __exit__(self, *error: object) -> None:
        self._remote_peer.ask("exit", self)

    def __await__(self) -> Any:
        return self._remote_peer.ask("wait", self)
        yield

    def __copy__(self) -> Any:
        return self._remote_peer.ask("copy", self)

    def __deepcopy__(self, memo: object) -> Any:
        return self._remote_peer.ask("copy", self)


class Peer:
    """One end of the connection.

    Args:
        read: descriptor that messages come from.
        write: descriptor that messages go to.
        describe: returns an exception as plain data, see `child_run.describe`.
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
            raise _carried_error(message["raised"], decoder, do)
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
            self._require_public(do, args)
        if do == "call":
            return args[0](*args[1:], **named)
        if do == "names" and self.namespace is not None:
            return [_introduce(self.namespace[name]) if name in self.namespace else None for name in args]
        return _OPERATIONS[do](*args)

    def _require_public(self, do: str, args: list[Any]) -> None:
        """Refuse what a candidate may not do to an object of the test."""
        target = args[0] if args else None
        if do == "call":
            if isinstance(target, (FunctionType, MethodType, BuiltinFunctionType, type)) or self._is_own(
                target
            ):
                return
        elif do in ("get", "set", "del"):
            name = args[1]
            if self._is_own(target) and isinstance(name, str) and not name.startswith("_"):
                return
        elif do in _OPERATIONS and not isinstance(target, (ModuleType, type)):
            return
        raise TypeError("not allowed")

    def _is_own(self, target: object) -> bool:
        return type(target).__module__ == self._own_module

    def _error(self, error: BaseException) -> dict[str, Any]:
        fields = self._describe(error)
        base = next(name for kind in type(error).__mro__ if (name := _CLASS_NAMES.get(id(kind))) in _ERRORS)
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
        if isinstance(value, type) and (name := _CLASS_NAMES.get(id(value))) is not None:
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
        if number == -1 and name in _CLASSES:
            return _CLASSES[name]
        if number == -2 and self._own_module is None:  # only the tests are believed
            module, _, attribute = name.partition(":")
            return getattr(import_module(module), attribute)
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
    """Return where the other process finds the same function or class of the standard library."""
    import sys

    if not isinstance(value, (type, FunctionType, BuiltinFunctionType)):
        return None
    module, name = value.__module__, value.__qualname__
    if not isinstance(module, str) or module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    loaded = sys.modules.get(module)
    return f"{module}:{name}" if loaded is not None and getattr(loaded, name, None) is value else None


def _carried_error(fields: Any, decoder: CarryDecoder, do: str) -> BaseException:
    """Return an exception of the other process as one of this process."""
    base = _ERRORS[fields["base"]]
    kind, message = str(fields["type"])[:100], str(fields["message"])
    if issubclass(base, (StopIteration, StopAsyncIteration)) and do != "next":
        base = RuntimeError
    args = decoder.all(fields["args"])
    error: BaseException
    try:
        error = base(*args)
        same = kind == base.__name__ and str(error) == message
    except Exception:  # noqa: BLE001 - some want arguments of a certain kind
        base, same = _plain_ancestor(base), False
    if not same:
        own = type(
            kind or base.__name__, (base,), {"__str__": lambda self: message, "__module__": "candidate"}
        )
        error = own(*args)
    error._codegrove_ = fields  # type: ignore[attr-defined]
    return error


def _plain_ancestor(base: type[BaseException]) -> type[BaseException]:
    """Return the nearest ancestor that takes any arguments."""
    return ValueError if issubclass(base, ValueError) else Exception
