"""Entries in the field layout of the public benchmarks; problems, programs and tests are our own."""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from typing import Any

Row = dict[str, Any]


def packed(text: str, protocol: int = 4) -> str:
    """Pack text as LiveCodeBench packs its private tests."""
    return base64.b64encode(zlib.compress(pickle.dumps(text, protocol))).decode()


HUMANEVAL: Row = {
    "task_id": "Own/0",
    "prompt": 'def area(sides):\n    """Area of a rectangle.\n    >>> area([2, 3])\n    6\n    """\n',
    "entry_point": "area",
    "canonical_solution": "    return sides[0] * sides[1]\n",
    "test": "def check(candidate):\n    assert candidate([2, 3]) == 6\n    assert candidate([1, 5]) == 5\n",
}
HUMANEVAL_PLUS: Row = {
    "task_id": "Own/1",
    "prompt": (
        "from typing import List\n\n\n"
        'def mean(numbers: List[float]) -> float:\n    """Mean of numbers.\n    >>> mean([1.0, 2.0])\n    1.5\n'
        '    """\n'
    ),
    "contract": "\n    assert len(numbers) > 0 # $_CONTRACT_$\n",
    "entry_point": "mean",
    "canonical_solution": "    return sum(numbers) / len(numbers)\n",
    "base_input": [[[1.0, 2.0]], [[3.0]]],
    "plus_input": [[[0.1, 0.2, 0.3]], [[1e9, 1.0]], [[3.0]]],
    "atol": 0,
    "test": "def check(candidate):\n    assert candidate([1.0, 2.0]) == 1.5\n",
}
HUMANEVAL_PLUS_LAYOUT: Row = {
    **HUMANEVAL,
    "task_id": "Own/2",
    "test": (
        "import numpy as np\n\n"
        "def assertion(out, exp, atol):\n    assert out == exp or np.allclose(out, exp, atol=atol)\n\n"
        "def check(candidate):\n    inputs = [[[2, 3]], [[4, 4]]]\n    results = [6, 16]\n"
        "    for i, (inp, exp) in enumerate(zip(inputs, results)):\n        assertion(candidate(*inp), exp, 0)\n"
    ),
}
FIND_ZERO: Row = {
    "task_id": "HumanEval/32",
    "prompt": 'def find_zero(xs: list):\n    """Find x where the polynomial xs[0] + xs[1] * x + ... is zero."""\n',
    "contract": "",
    "entry_point": "find_zero",
    "canonical_solution": "    return -xs[0] / xs[1]\n",
    "base_input": [[[2, 4]], [[-6, 3]]],
    "plus_input": [],
    "atol": 0.0001,
    "test": "",
}
MBPP: Row = {
    "task_id": 7,
    "text": "Write a function that doubles.",
    "code": "def double(x):\r\n    return 2 * x\r\n",
    "test_list": ["assert double(2) == 4", "assert double(-1) == -2", "assert double('ab') == 'abab'"],
    "test_setup_code": "",
    "challenge_test_list": [],
}
MBPP_SANITIZED: Row = {
    "source_file": "x.ipynb",
    "task_id": 7,
    "prompt": "Write a function for the root.",
    "code": "import math\ndef root(x):\n    return math.sqrt(x)",
    "test_imports": ["import math"],
    "test_list": ["assert math.isclose(root(4), 2)", "assert root(9) == 3"],
}
MBPP_PLUS: Row = {
    "task_id": "Mbpp/2",
    "prompt": (
        '"""\nWrite a function for what two tuples share.\n'
        'assert set(similar_elements((1, 2), (2, 3))) == set((2,))\n"""\n'
    ),
    "contract": "",
    "entry_point": "similar_elements",
    "canonical_solution": "\ndef similar_elements(a, b):\n    return tuple(set(a) & set(b))\n",
    "base_input": [[[1, 2], [2, 3]]],
    "plus_input": [[[5, 6, 7], [7, 6]], [[], []]],
    "atol": 0,
    "assertion": (
        "assert set(similar_elements((1, 2), (2, 3))) == set((2,))\n"
        "assert set(similar_elements((4,), (5,))) == set()\n"
    ),
}
MBPP_PLUS_LAYOUT: Row = {
    "task_id": 9,
    "code": "def twice(x):\n    return 2 * x\n",
    "prompt": "Write a function that doubles.",
    "source_file": "x.ipynb",
    "test_imports": [],
    "test_list": ["assert twice(2) == 4"],
    "test": (
        "def assertion(out, exp, atol):\n    assert out == exp\n\n"
        "inputs = [[2], [10]]\nresults = [4, 20]\n"
        "for i, (inp, exp) in enumerate(zip(inputs, results)):\n    assertion(twice(*inp), exp, 0)\n"
    ),
}
APPS_STDIN: Row = {
    "problem_id": 11,
    "question": (
        "Add two numbers.\n\n-----Input-----\nTwo numbers.\n\n-----Examples-----\nInput\n1 2\n\nOutput\n3\n\n"
        "Input\n0 0\n\nOutput\n1\n\n-----Note-----\nNone.\n"
    ),
    "solutions": json.dumps(["a, b = map(int, input().split())\nprint(a + b)\n"]),
    "input_output": json.dumps({"inputs": ["1 2\n", ["5 5"], "0 0"], "outputs": ["3\n", ["10"], "0"]}),
    "difficulty": "introductory",
    "url": "https://example.org/11",
    "starter_code": "",
}
APPS_FUNCTION: Row = {
    **APPS_STDIN,
    "problem_id": 12,
    "question": "Return the sum of a list.",
    "solutions": json.dumps(["def total(xs):\n    return sum(xs)\n"]),
    "input_output": '{"fn_name": "total", "inputs": [[[1, 2]], [[1'
    + "0" * 5000
    + ']]], "outputs": [[3], [1'
    + "0" * 5000
    + "]]}",
    "starter_code": "def total(xs):\n\t",
}
APPS_METHOD: Row = {
    **APPS_STDIN,
    "problem_id": 13,
    "question": "Return pairs of a list and its keys.",
    "solutions": json.dumps(
        [
            "class Solution:\n    def pairs(self, xs: List[int]) -> List:\n        return [(x, x + 1) for x in xs]"
        ]
    ),
    "input_output": json.dumps({"fn_name": "pairs", "inputs": [[[1, 2]]], "outputs": [[[[1, 2], [2, 3]]]]}),
    "starter_code": "class Solution:\n    def pairs(self, xs: List[int]) -> List:\n        ",
}
APPS_DICT: Row = {
    **APPS_FUNCTION,
    "problem_id": 14,
    "question": "Return the keys of a dict.",
    "solutions": json.dumps(["def keys(d):\n    return sorted(d)\n"]),
    "input_output": json.dumps({"fn_name": "keys", "inputs": [[{"2": 1, "1": 0}]], "outputs": [[[1, 2]]]}),
}
APPS_UNTESTED: Row = {**APPS_STDIN, "problem_id": 15, "input_output": ""}
CODECONTESTS: Row = {
    "name": "1_A. Halve",
    "description": "Read a number, print its half.",
    "public_tests": {"input": ["4\n"], "output": ["2\n"]},
    "private_tests": {"input": ["3\n", "4\n"], "output": ["1.5\n", "2\n"]},
    "generated_tests": {"input": ["10\n", "10\n"], "output": ["5\n", "5\n"]},
    "source": 2,
    "difficulty": 7,
    "solutions": {
        "language": [2, 3],
        "solution": ["int main() {}", "n = int(input())\nprint(f'{n / 2:g}')\n"],
    },
    "incorrect_solutions": {"language": [3, 1], "solution": ["print(int(input()) // 2)\n", "print 1"]},
    "cf_contest_id": 1,
    "cf_index": "A",
    "cf_points": 500.0,
    "cf_rating": 800,
    "cf_tags": ["math"],
    "is_description_translated": False,
    "untranslated_description": "",
    "time_limit": {"seconds": 2, "nanos": 500_000_000},
    "memory_limit_bytes": 256_000_000,
    "input_file": "",
    "output_file": "",
}
LCB_STDIN: Row = {
    "question_title": "Sum",
    "question_content": "Print the sum of two numbers.",
    "platform": "atcoder",
    "question_id": "own_a",
    "contest_id": "own",
    "contest_date": "2024-05-04T00:00:00",
    "starter_code": "",
    "difficulty": "easy",
    "public_test_cases": json.dumps([{"input": "1 2", "output": "3", "testtype": "stdin"}]),
    "private_test_cases": packed(json.dumps([{"input": "0.5 0.5", "output": "1.0", "testtype": "stdin"}])),
    "metadata": "{}",
}
LCB_METHOD: Row = {
    **LCB_STDIN,
    "question_id": "2777",
    "contest_date": "2023-08-21T00:00:00",
    "starter_code": "class Solution:\n    def twice(self, nums: List[int], n: int) -> List[int]:\n        ",
    "public_test_cases": json.dumps([{"input": "[1, 2]\n2", "output": "[2, 4]", "testtype": "functional"}]),
    "private_test_cases": json.dumps([{"input": "[]\n7", "output": "[]", "testtype": "functional"}]),
    "metadata": json.dumps({"func_name": "twice"}),
}
BIGCODEBENCH: Row = {
    "task_id": "BigCodeBench/0",
    "complete_prompt": (
        "import collections\nimport json\n\ndef task_func(text):\n"
        '    """Count letters.\n\n    Example:\n    >>> task_func("ab")\n    {\'a\': 1, \'b\': 1}\n    """\n'
    ),
    "instruct_prompt": "Count letters. Start with the given code.",
    "code_prompt": "import collections\nimport json\ndef task_func(text):\n",
    "canonical_solution": "    return dict(collections.Counter(text))\n",
    "test": (
        "import unittest\nclass TestCases(unittest.TestCase):\n    def setUp(self):\n        self.text = 'aab'\n"
        "    def test_counts(self):\n        self.assertEqual(task_func(self.text), {'a': 2, 'b': 1})\n"
        "    def test_empty(self):\n        self.assertEqual(task_func(''), {})\n"
    ),
    "entry_point": "task_func",
    "doc_struct": '{"description": ["Count letters."]}',
    "libs": "['collections', 'json']",
}
CLASSEVAL: Row = {
    "task_id": "ClassEval_0",
    "skeleton": (
        "import datetime\n\nclass Counter:\n    def __init__(self):\n        self.count = 0\n\n"
        '    def add(self, by):\n        """Add and return the sum.\n        >>> Counter().add(2)\n        2\n'
        '        """\n'
        '\n    def day(self):\n        """Return today."""\n'
    ),
    "import_statement": ["import datetime"],
    "class_description": "Counts.",
    "class_name": "Counter",
    "class_constructor": "class Counter:\n    def __init__(self):\n        self.count = 0\n",
    "fields": ["self.count"],
    "test": (
        "import unittest\n\nclass CounterTestAdd(unittest.TestCase):\n    def test_add_1(self):\n"
        "        counter = Counter()\n        self.assertEqual(counter.add(2), 2)\n"
        "        self.assertEqual(counter.add(3), 5)\n\n"
        "class CounterTestDay(unittest.TestCase):\n    def test_day_1(self):\n"
        "        self.assertEqual(Counter().day(), datetime.date.today().isoformat())\n"
    ),
    "test_classes": ["CounterTestAdd", "CounterTestDay"],
    "solution_code": (
        "import datetime\n\nclass Counter:\n    def __init__(self):\n        self.count = 0\n\n"
        "    def add(self, by):\n        self.count += by\n        return self.count\n\n"
        "    def day(self):\n        return datetime.date.today().isoformat()\n"
    ),
    "methods_info": [],
}

WRONG: dict[str, str] = {
    "humaneval": "def area(sides):\n    return sides[0] + sides[1] + 1\n",
    "humaneval+": "def mean(numbers):\n    return sum(numbers) / 2\n",
    "humaneval+layout": "def area(sides):\n    return 6\n",
    "find_zero": "def find_zero(xs):\n    return 0\n",
    "mbpp": "def double(x):\n    return 4\n",
    "mbpp-sanitized": "def root(x):\n    return 2\n",
    "mbpp+": "def similar_elements(a, b):\n    return (2,)\n",
    "mbpp+layout": "def twice(x):\n    return 4\n",
    "apps-stdin": "a, b = map(int, input().split())\nprint(a * b + 1)\n",
    "apps-function": "def total(xs):\n    return xs[0]\n",
    "apps-method": "class Solution:\n    def pairs(self, xs):\n        return [(x, x) for x in xs]\n",
    "apps-dict": "def keys(d):\n    return list(d)\n",
    "codecontests": "print(int(input()) // 2)\n",
    "lcb-stdin": "print(3)\n",
    "lcb-method": "class Solution:\n    def twice(self, nums, n):\n        return nums * n\n",
    "bigcodebench": "def task_func(text):\n    return {}\n",
    "classeval": "class Counter:\n    def add(self, by):\n        return by\n    def day(self):\n        pass\n",
}
"""A wrong program for each entry below."""

ENTRIES: dict[str, Row] = {
    "humaneval": HUMANEVAL,
    "humaneval+": HUMANEVAL_PLUS,
    "humaneval+layout": HUMANEVAL_PLUS_LAYOUT,
    "find_zero": FIND_ZERO,
    "mbpp": MBPP,
    "mbpp-sanitized": MBPP_SANITIZED,
    "mbpp+": MBPP_PLUS,
    "mbpp+layout": MBPP_PLUS_LAYOUT,
    "apps-stdin": APPS_STDIN,
    "apps-function": APPS_FUNCTION,
    "apps-method": APPS_METHOD,
    "apps-dict": APPS_DICT,
    "codecontests": CODECONTESTS,
    "lcb-stdin": LCB_STDIN,
    "lcb-method": LCB_METHOD,
    "bigcodebench": BIGCODEBENCH,
    "classeval": CLASSEVAL,
}
REFERENCES: dict[str, str] = {
    "lcb-stdin": "a, b = map(float, input().split())\nprint(a + b)\n",
    "lcb-method": "class Solution:\n    def twice(self, nums, n):\n        return tuple(x * 2 for x in nums)\n",
}
"""Right programs where the benchmark has none."""
FORMATS: dict[str, str] = {
    "humaneval": "HumanEval",
    "humaneval+": "HumanEval+",
    "humaneval+layout": "HumanEval+ (HumanEval layout)",
    "find_zero": "HumanEval+",
    "mbpp": "MBPP",
    "mbpp-sanitized": "MBPP (sanitized)",
    "mbpp+": "MBPP+",
    "mbpp+layout": "MBPP+ (MBPP layout)",
    "apps-stdin": "APPS",
    "apps-function": "APPS",
    "apps-method": "APPS",
    "apps-dict": "APPS",
    "codecontests": "CodeContests",
    "lcb-stdin": "LiveCodeBench",
    "lcb-method": "LiveCodeBench",
    "bigcodebench": "BigCodeBench (complete)",
    "classeval": "ClassEval",
}
