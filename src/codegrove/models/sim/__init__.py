"""The simulated programmer behind ``sim:``.

It knows the reference solution of each of its problems and makes mistakes on purpose, so that every part of
codegrove can be tried, tested and studied without a key. Numbers obtained with it describe the controller, not a
language model, and must be shown as a simulation's.

Its answers have these sources: drafts are the reference with defects put into the syntax tree (`mutations`);
plans are the reference's or a mistaken program's steps told in English (`english`, `known`); repairs and
judgements rest on a structural comparison with the reference (`comparing`); tests come from the problem's own.
"""

from codegrove.models.sim.programmer import MODEL_NAME, SimulatedProgrammer
from codegrove.models.sim.skill import PREFIX, SimSettings, SimSkill, sim_settings

__all__ = ["MODEL_NAME", "PREFIX", "SimSettings", "SimSkill", "SimulatedProgrammer", "sim_settings"]
