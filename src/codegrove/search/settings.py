"""Base of the settings that a recipe gives to a policy."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Mode = Literal["paper", "repo"]
"""Which description of a published method to follow where paper and authors' code differ."""


class PolicySettings(BaseModel):
    """Settings of one policy, as they stand under ``policy:`` in a recipe. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
