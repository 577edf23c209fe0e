"""Imports modules from their texts. Loaded first, in the place where runs happen: standard library only."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType

_PACKAGE = "codegrove"


class Shipped(Loader):
    """Finds the shipped modules, and an empty package for everything above them."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._packages = {
            name.rsplit(".", count)[0] for name in texts for count in range(1, name.count(".") + 1)
        }

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load a module; None for those of others."""
        if name in self._texts or name in self._packages:
            return ModuleSpec(name, self, is_package=name in self._packages)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave that to the import system."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Execute the text of a module."""
        text = self._texts.get(module.__name__)
        if text is not None:
            exec(compile(text, f"<{module.__name__}>", "exec"), module.__dict__)


def begin(texts: Mapping[str, str]) -> Shipped:
    """Make the modules importable."""
    finder = Shipped(texts)
    sys.meta_path.insert(0, finder)
    return finder


def forget(finder: Shipped) -> None:
    """Make them impossible to import again; a candidate shall not find them."""
    sys.meta_path.remove(finder)
    for name in [name for name in sys.modules if name.split(".")[0] == _PACKAGE]:
        del sys.modules[name]
