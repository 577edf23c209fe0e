"""All attacks."""

from __future__ import annotations

from codegrove.errors import SandboxError
from codegrove.languages import PYTHON, load_language
from codegrove.tools.sandbox.toolchain import find_toolchain
from tests.attacks.attack import Attack
from tests.attacks.programs import (
    forgery,
    handed_over,
    native,
    network,
    privilege,
    read,
    reports,
    resources,
    write,
)
from tests.attacks.programs.benign import Benign
from tests.attacks.programs.benign import benign as benign_in_python


def all_attacks() -> list[Attack]:
    """Return the attacks of all categories, in the order of the categories, then those in other languages."""
    parts = (read, write, privilege, network, resources, forgery, handed_over, reports, native)
    return [attack for part in parts for attack in part.attacks()]


def all_benign() -> list[Benign]:
    """Return the right programs in all languages."""
    return [*benign_in_python(), *native.benign()]


def missing_toolchains() -> dict[str, str]:
    """Return the languages of attacks that cannot be run on this machine, with the reason."""
    missing = {}
    for language in {attack.language for attack in all_attacks()} - {PYTHON}:
        try:
            find_toolchain(load_language(language))
        except SandboxError as error:
            missing[language] = str(error)
    return missing
