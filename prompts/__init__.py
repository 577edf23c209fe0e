"""Prompts: one Markdown file each, with a head that declares its variables and messages split by comments.

    ---
    about: Repairs a program from its test results.
    role: debugger
    answer: code
    variables: [statement, program, feedback]
    ---
    <!-- system -->
    You repair Python programs.
    <!-- user -->
    {{ statement }} ...

`load_prompt` returns a prompt of the package by id, or a file of your own by path.
"""

from codegrove.prompts.loader import list_prompts, load_prompt
from codegrove.prompts.prompt import ANSWER_FORMATS, ANY, ROLES, Prompt, Turn

__all__ = ["ANSWER_FORMATS", "ANY", "ROLES", "Prompt", "Turn", "list_prompts", "load_prompt"]
