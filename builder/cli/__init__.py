"""The `vipforge` command: names and options only; every module here hands on to the room that does the work.

Heavy imports belong inside the command functions, so that `--help` stays quick.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from importlib import import_module
from types import MappingProxyType
from typing import NoReturn

import typer

from builder import __version__
from builder.core.errors import Exit, SpecError, UserError
from builder.seed import DEFAULT_TRANSPORT, TRANSPORT_HELP

MODULES = ("spec", "image", "lab", "verify", "deploy", "host")
"""In the order of the help. Each has `register(app)`."""

OS_HINTS = MappingProxyType(
    {
        errno.ENOSPC: "free some space; VIPFORGE_CACHE, VIPFORGE_BUILD and TMPDIR name other places to work in",
        errno.EDQUOT: "your disk quota is used up; VIPFORGE_CACHE, VIPFORGE_BUILD and TMPDIR name other places",
        errno.EACCES: "see who may write there with ls -ld, or run the command as another user",
        errno.EROFS: "VIPFORGE_CACHE, VIPFORGE_BUILD and VIPFORGE_STATE name other places to write to",
    }
)
"""What to do about an error of the operating system, by its number."""

app = typer.Typer(
    name="vipforge",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    """The callback of `--version`."""
    if wanted:
        typer.echo(f"vipforge {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", is_eager=True, callback=show_version
    ),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Bake, boot and prove highly available load-balancer appliances."""
    if debug:
        os.environ["VIPFORGE_DEBUG"] = "1"


def main() -> NoReturn:
    """Run the command; an error that people can mend becomes its message and its exit code.

    Its traceback is shown with `--debug` only, or with VIPFORGE_DEBUG in the environment.
    """
    try:
        for name in MODULES:
            import_module(f"{__name__}.{name}").register(app)
        app()
    except (UserError, OSError) as error:
        if os.environ.get("VIPFORGE_DEBUG"):
            traceback.print_exc()
        print(explain(error), file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, UserError) else Exit.FAILED)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    sys.exit(Exit.OK)


def explain(error: UserError | OSError) -> str:
    """The error in words: a spec's problems as they are, for each has its place; any other after `error:`."""
    if isinstance(error, SpecError):
        return str(error)
    if isinstance(error, UserError):
        return f"error: {error}"
    where = f": {error.filename}" if error.filename else ""
    hint = OS_HINTS.get(error.errno or 0)
    return f"error: {error.strerror or error}{where}" + (f"\n  hint: {hint}" if hint else "")


SPEC = typer.Argument(..., help="The cluster's spec.", readable=False)
"""That it can be read is for `builder.spec.load` to say, in the words of every other fault of a spec."""
SPECS = typer.Argument(..., help="The cluster's spec; of several, the nodes of all.", readable=False)
TRANSPORT = typer.Option(DEFAULT_TRANSPORT, "--transport", help=TRANSPORT_HELP)
