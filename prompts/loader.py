"""Finding prompts by id or path. Reading one imports the template engine; importing this file does not."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from codegrove.errors import PromptError, did_you_mean
from codegrove.prompts.prompt import Prompt

_FOLDER = Path(__file__).parent
_SUFFIX = ".md"
MOST_BYTES = 200_000
"""Longer files are no prompts."""


def load_prompt(source: str | Path) -> Prompt:
    """Return a prompt, read and checked once.

    Args:
        source: id of a prompt of the package, such as ``mapcoder/plan``; or the path of a file of your own
            that ends in ``.md``. A file that has changed is read again.

    Raises:
        PromptError: for an unknown id, an unreadable file, or a file that is no well-formed prompt.
    """
    if isinstance(source, Path) or source.endswith(_SUFFIX):
        path = Path(source)
        try:
            stat = path.stat()
        except (OSError, ValueError) as error:
            raise PromptError(
                f"{path}: cannot be read: {_reason(error)}; expected a prompt in Markdown"
            ) from None
        return _load_file(path.absolute(), path.as_posix(), stat.st_mtime_ns, stat.st_size)
    return _load_packaged(source)


def list_prompts() -> list[Prompt]:
    """Return the prompts of the package, by id."""
    return [_load_packaged(prompt_id) for prompt_id in sorted(_packaged_ids())]


@lru_cache(maxsize=1)
def _packaged_ids() -> frozenset[str]:
    return frozenset(
        path.relative_to(_FOLDER).with_suffix("").as_posix() for path in _FOLDER.glob(f"*/*{_SUFFIX}")
    )


@lru_cache(maxsize=256)
def _load_packaged(prompt_id: str) -> Prompt:
    if prompt_id not in _packaged_ids():
        raise PromptError(
            f"no prompt is called {prompt_id!r}{did_you_mean(prompt_id, _packaged_ids())}"
            f" (the path of a file of your own ends in {_SUFFIX})"
        )
    return _read(_FOLDER / f"{prompt_id}{_SUFFIX}", prompt_id)


@lru_cache(maxsize=64)
def _load_file(path: Path, prompt_id: str, _modified: int, _size: int) -> Prompt:
    return _read(path, prompt_id)


def _read(path: Path, prompt_id: str) -> Prompt:
    from codegrove.prompts.reading import parse_prompt  # brings the template engine and YAML

    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise PromptError(
            f"{path}: cannot be read: {_reason(error)}; expected a prompt in Markdown"
        ) from None
    if len(content) > MOST_BYTES:
        raise PromptError(f"{path}: is too long for a prompt; at most {MOST_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PromptError(f"{path}: is not text in UTF-8 (byte {error.start})") from None
    return parse_prompt(text, prompt_id, str(path))


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
