"""One entry of a benchmark file, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from codegrove.errors import TaskError

RowT = TypeVar("RowT", bound="Row")
Text = Annotated[str, Field(min_length=1)]
"""A field that has to say something."""


class Row(BaseModel):
    """Base of the published formats. Fields nobody needs are ignored; types are not converted."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, defer_build=True)

    verbatim: ClassVar[frozenset[str]] = frozenset()
    """Fields that hold data of tests, where line ends mean something."""

    @field_validator("*")
    @classmethod
    def _uniform_line_ends(cls, value: object, info: ValidationInfo) -> object:
        return value if info.field_name in cls.verbatim else _with_uniform_line_ends(value)


def _with_uniform_line_ends(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\r\n", "\n")
    if isinstance(value, list):
        return [_with_uniform_line_ends(item) for item in value]
    return value


def read_row(kind: type[RowT], data: Mapping[str, object], where: str) -> RowT:
    """Return an entry as a typed row.

    Args:
        kind: the format.
        data: the entry as parsed from JSON.
        where: file and line, for the message.

    Raises:
        TaskError: naming the first field that is missing or wrong, what was expected and what was found.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        found = "it is missing" if first["type"] == "missing" else f"found {shown(first['input'])}"
        expected = _EXPECTED.get(first["type"], first["msg"])
        raise TaskError(f"{where}, field {name!r}: expected {expected}; {found}") from None


_EXPECTED = {
    "missing": "a value",
    "string_type": "text",
    "string_too_short": "some text",
    "string_unicode": "text that can be written as UTF-8",
    "int_type": "a whole number",
    "float_type": "a number",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dict_type": "an object",
    "list_type": "a list",
    "too_short": "a list with at least one entry",
}


def shown(value: object) -> str:
    """Return a value's type and the beginning of what it looks like, for messages."""
    text = ascii(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
