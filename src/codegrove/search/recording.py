"""What policies that keep programs as nodes do with a program that was written."""

from __future__ import annotations

from codegrove.candidate import Candidate
from codegrove.outcome import Outcome
from codegrove.search.policy import Expansion
from codegrove.search.scoring import share_passed
from codegrove.search.tree import Node, SearchTree


def add_program(tree: SearchTree, expansion: Expansion, outcome: Outcome, program: Candidate) -> Node:
    """Add a program below the expansion's node; its reward is the share of its tests that pass.

    What could not be judged says nothing about the nodes above: it has no reward and counts as no visit.
    """
    tests = expansion.tests or ()
    node = tree.add(expansion.node, "program", program=program, verdict=outcome.verdict, tests=tests)
    node.reward = share_passed(outcome.verdict, tests)
    if node.reward is not None:
        tree.backup(node.id, node.reward)
    return node
