"""What the command line's exit codes mean."""

SOLVED = 0
ERROR = 1
USAGE = 2
UNSOLVED = 3
"""The run ended, with or without a program, but no full pass of the visible tests was shown."""
INTERRUPTED = 130
