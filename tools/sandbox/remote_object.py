"""What the test text sees in place of an object of the candidate: every use of it goes to the other process.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

from typing import Any, Protocol


class Asks(Protocol):
    """What leads to the other process, see `proxy.Peer`."""

    own_equality: bool

    def ask(self, do: str, /, *args: Any, **named: Any) -> Any:
        """Let it do something and return what came of it."""
        ...


class Remote:
    """Stands for an object of the other process."""

    __slots__ = ("_remote_number", "_remote_peer", "_remote_type")

    _remote_number: int
    _remote_peer: Asks
    _remote_type: str

    def __init__(self, peer: Asks, number: int, kind: str) -> None:
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
