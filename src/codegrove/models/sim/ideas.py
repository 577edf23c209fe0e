"""Ready-made material: ideas that are wrong for nearly every problem, and small problems to recall."""

from __future__ import annotations

from codegrove.problem import Problem
from codegrove.task import Task

WRONG_IDEAS = (
    "Answer the examples from a fixed table and return nothing for any other input",
    "Stop at the first element that looks right, whatever comes after it",
    "Take the input as sorted already, since the examples are",
    "Look at the first and the last element only; the rest cannot change the answer",
    "Convert everything to text and compare it letter by letter",
    "Leave out the smallest case, which never occurs",
    "Remove repeated values before anything else is done",
    "Count from one, as people do, and use these numbers as positions",
)
"""Wrong for all but freak problems; never taken for right unless the reference says the same words."""

NEUTRAL_THOUGHTS = (
    "Write the examples down and see what they have in common",
    "Give every intermediate value a name of its own",
    "Check the result against the examples before answering",
    "Keep the whole in one function",
)
"""Thoughts that neither help nor harm."""


def _recalled(id: str, statement: str, entry_point: str, reference: str) -> Problem:
    return Problem(task=Task(id=id, statement=statement, entry_point=entry_point), reference=reference)


RECALLED = (
    _recalled(
        "recalled/running-total",
        "Given a list of numbers, return the list of its running totals.",
        "running_totals",
        "def running_totals(numbers):\n    totals = []\n    total = 0\n    for number in numbers:\n"
        "        total += number\n        totals.append(total)\n    return totals\n",
    ),
    _recalled(
        "recalled/most-common-letter",
        "Return the letter that stands most often in a word; the earliest in the alphabet on a tie.",
        "most_common_letter",
        "def most_common_letter(word):\n    counts = {}\n    for letter in word:\n"
        "        counts[letter] = counts.get(letter, 0) + 1\n"
        "    return min(counts, key=lambda letter: (-counts[letter], letter))\n",
    ),
    _recalled(
        "recalled/steps-to-one",
        "Halve an even number, triple an odd one and add one; return how many steps lead to 1.",
        "steps_to_one",
        "def steps_to_one(n):\n    steps = 0\n    while n != 1:\n        if n % 2 == 0:\n            n = n // 2\n"
        "        else:\n            n = 3 * n + 1\n        steps += 1\n    return steps\n",
    ),
    _recalled(
        "recalled/shared-words",
        "Return the words that two sentences share, sorted.",
        "shared_words",
        "def shared_words(one, other):\n    first = set(one.split())\n    second = set(other.split())\n"
        "    return sorted(first & second)\n",
    ),
    _recalled(
        "recalled/depth",
        "Return how deep the lists inside a list are nested; a flat list has depth 1.",
        "depth",
        "def depth(items):\n    deepest = 0\n    for item in items:\n        if isinstance(item, list):\n"
        "            deepest = max(deepest, depth(item))\n    return deepest + 1\n",
    ),
)
"""Problems every simulated programmer remembers, for when it knows no other than the one at hand."""
