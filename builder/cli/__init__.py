"""The `vipforge` command: names, options and help only; the work is done in the other packages.

Import heavy modules inside the command functions, so that `--help` stays fast.
"""

from __future__ import annotations

import errno
import math
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

import typer

from builder import __version__
from builder.core.errors import Exit, SpecError, UserError, printable
from builder.seed import DEFAULT_TRANSPORT, TRANSPORT_HELP

if TYPE_CHECKING:  # the model loads pydantic, which would take most of the time of `--help`
    from builder.spec.model import Cluster

MODULES = ("spec", "image", "lab", "verify", "deploy", "host")
"""One module per command group, in the order of the help. Each has `register(app)`."""

OS_HINTS = MappingProxyType(
    {
        errno.ENOSPC: "free some space, or set VIPFORGE_CACHE, VIPFORGE_BUILD or TMPDIR to a folder on a larger disk",
        errno.EDQUOT: "your disk quota is exceeded; set VIPFORGE_CACHE, VIPFORGE_BUILD or TMPDIR to another disk",
        errno.EACCES: "check the permissions with `ls -ld`, or run the command as another user",
        errno.EROFS: "set VIPFORGE_CACHE, VIPFORGE_BUILD or VIPFORGE_STATE to a folder that can be written",
    }
)
"""The hint for an error of the operating system, by its number."""

SPEC = typer.Argument(..., help="Spec of the cluster.", readable=False)
"""Not checked for readability here: `builder.spec.load` reports that like any other problem in a spec."""
SPECS = typer.Argument(..., help="Spec of the cluster; several specs are deployed together.", readable=False)
TRANSPORT = typer.Option(DEFAULT_TRANSPORT, "--transport", help=TRANSPORT_HELP)

app = typer.Typer(
    name="vipforge",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def load_specs(specs: Sequence[Path]) -> list[Cluster]:
    """The clusters of the specs of one command; warnings go to stderr. Raises SpecError as `load_together` does."""
    from builder.core.progress import warn
    from builder.spec.load import load
    from builder.spec.together import load_together

    clusters, warnings = load_together(specs, load)
    for warning in warnings:
        warn(str(warning))
    return clusters


def finite(value: float | None) -> float | None:
    """The callback of options that take a number: refuses nan, inf and negative numbers with exit code 2."""
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise typer.BadParameter(f"{value:g} is not a finite number of 0 or more")
    return value


def show_version(requested: bool) -> None:
    """The callback of `--version`."""
    if requested:
        typer.echo(f"vipforge {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", is_eager=True, callback=show_version
    ),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback when a command fails."),
) -> None:
    """Bake, boot and prove highly available load-balancer appliances."""
    if debug:
        os.environ["VIPFORGE_DEBUG"] = "1"


def main() -> NoReturn:
    """Run the command; an error that the user can fix ends it with a message and an exit code.

    The traceback is shown only with `--debug` or VIPFORGE_DEBUG.
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
    """The message for an error: the problems in a spec as they are, each with its position; others after `error:`.

    A file's name or a program's output in it cannot move the cursor or change colors.
    """
    if isinstance(error, SpecError):
        return str(error)
    if isinstance(error, UserError):
        return "\n".join(map(printable, f"error: {error}".expandtabs().split("\n")))
    where = f": {printable(str(error.filename))}" if error.filename else ""
    hint = OS_HINTS.get(error.errno or 0)
    return f"error: {error.strerror or error}{where}" + (f"\n  hint: {hint}" if hint else "")
