"""What a candidate may do in the process of the tests: use what a test handed over, in the way it was meant.

A test passes functions and objects, and the program calls and reads them. Every request is checked here, because
with anything more a program could reach what it must not: the expected values, or the means to make an object over
there that claims to be equal to them.

- Only what the tests' process itself has sent can be used: no class that both processes have, no plain value.
- What is called is a function, a method, another callable object, or a class, but no class that makes classes.
- Attributes are those of objects whose class the test defines. They lie in the object, in a class of the test, or
  in one of those that are made to be derived from. Formatting, which reads attributes of what it is given, is
  none of them. What the class defines cannot be replaced.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

from codegrove.tools.sandbox.values import module_of, mro_of

_MADE_TO_DERIVE_FROM = ("_io", "abc", "collections", "collections.abc", "enum", "io", "types", "typing")
"""Modules whose classes have nothing that leads from an object to the test around it."""
_READS_ATTRIBUTES = ("format", "format_map")
_MISSING = object()


class NotPermitted(TypeError):
    """A request that a candidate may not make."""


def require_permitted(do: str, args: list[Any], *, handed_over: bool, own_module: str) -> None:
    """Refuse what a candidate may not do.

    Args:
        do: one of the operations of `proxy`.
        args: what it is done with; first the object that it is done to.
        handed_over: whether the tests' process has sent a reference to that object.
        own_module: the module name of the test text.

    Raises:
        NotPermitted: if it may not. The message is the same every time.
    """
    target = args[0] if args else None
    if not handed_over or not _permitted(do, target, args[1:], own_module):
        raise NotPermitted("a program may not do this with an object of the test")


def _permitted(do: str, target: Any, rest: list[Any], own_module: str) -> bool:
    if isinstance(target, ModuleType):
        return False
    is_class = isinstance(target, type)
    if do == "call":
        return not (is_class and issubclass(target, type))
    if is_class:
        return False
    if do in ("get", "set", "del"):
        name = rest[0] if rest else None
        of_test = module_of(type(target)) == own_module or type(target) is SimpleNamespace
        if not of_test or type(name) is not str or name.startswith("_"):
            return False
        return (_can_be_read if do == "get" else _can_be_changed)(target, name, own_module)
    return True


def _can_be_read(target: object, name: str, own_module: str) -> bool:
    owner, _ = _definition(target, name)
    if owner is None or module_of(owner) == own_module:
        return True
    return name not in _READS_ATTRIBUTES and (
        module_of(owner) in _MADE_TO_DERIVE_FROM or issubclass(owner, BaseException)
    )


def _can_be_changed(target: object, name: str, own_module: str) -> bool:
    owner, found = _definition(target, name)
    if owner is None:
        return True
    sets = hasattr(type(found), "__set__")  # a property or a slot
    return module_of(owner) == own_module and (sets or not callable(found))


def _definition(target: object, name: str) -> tuple[type | None, object]:
    """Return the class in which an attribute is defined, if one does, and as what."""
    for kind in mro_of(type(target)):
        found = kind.__dict__.get(name, _MISSING)
        if found is not _MISSING:
            return kind, found
    return None, None
