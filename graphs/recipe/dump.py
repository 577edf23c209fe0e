"""Writes plain data as YAML that reads back the same, here and in YAML 1.1 readers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from codegrove.graphs.recipe.yaml_positions import is_plain_text


class _Dumper(yaml.SafeDumper):
    """PyYAML's dumper, which also quotes texts that only YAML 1.2 takes for numbers."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write repeated values out: a file as run is for reading."""
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if not text.isprintable():
        # PyYAML's other styles write Unicode line breaks so that libyaml folds them into spaces.
        style: str | None = '"'
    else:
        style = None if is_plain_text(text) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)


def dump_yaml(content: Mapping[str, Any]) -> str:
    """Return a mapping of plain data as YAML in the order of its keys."""
    return yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
