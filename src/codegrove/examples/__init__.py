"""Examples of a function's behaviour inside a docstring or statement: finding them, and text without them.

Known forms: doctests; a call with a relation and a value (``f(2) == 4``, ``f(2) -> 4``, ``f(2) = 4``,
``f(2) should return 4``, also in asserts and comments); ``Input:`` with ``Output:``; ``For x = 2 the output
should be 4``. Nothing is executed here. `codegrove.problems.docstring_examples` makes tests of what is found.

`strip_samples` does the same for programs that read standard input, whose samples are known from their tests.
"""

from codegrove.examples.find import Example, find_examples
from codegrove.examples.forms import Form
from codegrove.examples.samples import strip_samples
from codegrove.examples.strip import strip_examples

__all__ = ["Example", "Form", "find_examples", "strip_examples", "strip_samples"]
