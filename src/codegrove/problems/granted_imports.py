"""What the graders of contest benchmarks import for every program."""

from __future__ import annotations

_LCB_STARRED = (
    *("string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics"),
    *("itertools", "functools", "operator", "io", "sys", "json", "builtins", "typing"),
)
_LCB_MODULES = tuple(name for name in _LCB_STARRED if name not in ("builtins", "typing"))

LIVECODEBENCH = "\n".join(
    [
        *(f"from {name} import *" for name in _LCB_STARRED),
        *(f"import {name}" for name in _LCB_MODULES),
        "sys.setrecursionlimit(50000)",
        "",
    ]
)
"""As LiveCodeBench's grader has it; the order decides which ``pow`` or ``open`` is meant."""

APPS = """\
import sys
import time
import itertools
from itertools import accumulate, combinations, permutations, product
import collections
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from functools import lru_cache
import math
from math import ceil, cos, exp, fabs, floor, gcd, log, log2, sin, sqrt, tan
import fractions
from typing import List, Tuple
import random
import heapq
from heapq import *
"""
"""As APPS' grader has it, without numpy, which the interpreter of the sandbox may lack."""

FOR_STUBS = """\
import bisect, collections, copy, functools, heapq, itertools, math, operator, random, re, string, sys
from collections import Counter, OrderedDict, defaultdict, deque
from functools import cache, lru_cache
from heapq import heapify, heappop, heappush
from math import ceil, floor, gcd, inf, sqrt
from typing import Any, Dict, List, Optional, Set, Tuple
"""
"""The same in names that a stub can show: an answer gets those of them that it uses and lacks."""
