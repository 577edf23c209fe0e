"""All attacks."""

from __future__ import annotations

from tests.attacks.attack import Attack
from tests.attacks.programs import forgery, network, privilege, read, resources, write


def all_attacks() -> list[Attack]:
    """Return the attacks of all categories, in the order of the categories."""
    parts = (read, write, privilege, network, resources, forgery)
    return [attack for part in parts for attack in part.attacks()]
