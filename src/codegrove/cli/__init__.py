"""The command line. stdout is data, everything else goes to stderr.

Exit codes: see `codegrove.cli.exit_codes`.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from codegrove import __version__
from codegrove.cli.exit_codes import ERROR, USAGE

app = typer.Typer(
    name="codegrove",
    help="Let a searching team of coding agents solve a task: offline with the simulated programmer, or with"
    " any chat model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
recipes_app = typer.Typer(help="List, show, check and draw recipes.", no_args_is_help=True)
app.add_typer(recipes_app, name="recipes")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"codegrove {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="Log what happens; twice for every detail.")
    ] = 0,
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    from loguru import logger

    logger.remove()
    level = ("WARNING", "INFO", "DEBUG")[min(verbose, 2)]
    logger.add(sys.stderr, level=level, format="<dim>{time:HH:mm:ss}</dim> <level>{level}</level> {message}")
    logger.enable("codegrove")


def main() -> None:
    """Run the command line and exit."""
    from codegrove.errors import CodegroveError, UsageError

    # Programs and texts of any origin are printed; an encoding that lacks a character must not end a run.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        # typer ends a Ctrl-C with 130 and a write into a closed pipe with 1; it never returns.
        app()
    except UsageError as error:
        print(f"codegrove: {error}", file=sys.stderr)
        sys.exit(USAGE)
    except CodegroveError as error:
        print(f"codegrove: {error}", file=sys.stderr)
        sys.exit(ERROR)
    finally:
        _write_out()


def _write_out() -> None:
    """Write what is buffered of the output; the interpreter would only grumble if that fails, and end with 120."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or it fails once more at the end
        if not isinstance(error, BrokenPipeError):  # else whoever read it has left, and nobody is to be told
            print(f"codegrove: cannot write to standard output: {error.strerror}", file=sys.stderr)
        sys.exit(ERROR)


from codegrove.cli import (  # noqa: E402  they register their commands on the apps
    compare,  # noqa: F401
    doctor,  # noqa: F401
    eval,  # noqa: F401
    export,  # noqa: F401
    grade,  # noqa: F401
    merge,  # noqa: F401
    problems,  # noqa: F401
    recipes,  # noqa: F401
    resume,  # noqa: F401
    solve,  # noqa: F401
)
