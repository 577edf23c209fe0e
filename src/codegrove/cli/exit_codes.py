"""What the command line's exit codes mean. docs/exit-codes.md has the table; the two move together."""

SOLVED = 0
ERROR = 1
"""A model out of reach, a sandbox that is not there, a disk that is full, or an error of codegrove's."""
USAGE = 2
UNSOLVED = 3
"""The run ended, with or without a program, but no full pass of the visible tests was shown."""
INTERRUPTED = 130

OF_RUNS = (
    "Exit codes: 0 solved; 3 ended without passing all visible tests, also by a limit or a first Ctrl-C; 1 the"
    " model or the sandbox failed; 2 bad usage; 130 aborted by a second Ctrl-C."
)
OF_EVAL = (
    "Exit codes: 0 all attempts are made, whatever they came to; 1 some are not (model out of reach, limit of all"
    " attempts), or the sandbox or the disk failed; 2 bad usage; 130 Ctrl-C. After 1 and 130 the same command goes"
    " on."
)
OF_GRADE = (
    "Exit codes: 0 graded, whatever the verdicts; 1 some samples are for problems that the benchmark does not"
    " have, or the sandbox or the disk failed; 2 bad usage; 130 Ctrl-C."
)
