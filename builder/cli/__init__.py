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
from typing import TYPE_CHECKING, Any, NoReturn

import typer
import typer.core

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
STDOUT_HINT = "free some space where it is written to, or write it elsewhere"
WORDING = MappingProxyType(
    {
        "int_parsing": "{!r} is not a valid integer.",
        "float_parsing": "{!r} is not a valid number.",
        "greater_than_equal": "{} is less than {ge}.",
        "less_than_equal": "{} is more than {le}.",
    }
)
"""What messages say of a wrong number, by pydantic's name for the error."""
FULL = (errno.ENOSPC, errno.EDQUOT)

SPEC = typer.Argument(..., help="Spec of the cluster.", readable=False)
"""Not checked for readability here: `builder.spec.load` reports that like any other problem in a spec."""
SPECS = typer.Argument(..., help="Spec of the cluster; several specs are deployed together.", readable=False)
TRANSPORT = typer.Option(DEFAULT_TRANSPORT, "--transport", help=TRANSPORT_HELP)


class Commands(typer.core.TyperGroup):
    """The commands of the app, which name the wrong value of an option where pydantic's message does not."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # noqa: ANN401 - as in the base class
        """Run the chosen command; raises BadParameter for a wrong value."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _wrong_value(error)
            raise


def _wrong_value(error: typer.BadParameter) -> str:
    """The message of the error, in the words of click: `'x' is not a valid integer.`."""
    from pydantic import ValidationError  # typer has loaded it if there is such an error

    if not isinstance(error.__cause__, ValidationError):
        return error.message
    found = error.__cause__.errors()[0]
    wording = WORDING.get(found["type"])
    if wording is None:
        return error.message.removeprefix("Value error, ")
    return wording.format(found["input"], **found.get("ctx", {}))


app = typer.Typer(
    name="vipforge",
    cls=Commands,
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
        if isinstance(error, OSError) and _is_of_stdout(error):
            _discard_stdout()
        sys.exit(error.exit_code if isinstance(error, UserError) else Exit.FAILED)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    sys.exit(Exit.OK)


def _is_of_stdout(error: OSError) -> bool:
    """Whether the error is that of a result that could not be printed."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].name == "echo"


def _discard_stdout() -> None:
    """Send what stdout still has to nowhere; Python would try it again, and then exit with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)


def explain(error: UserError | OSError) -> str:
    """The message for an error: the problems in a spec as they are, each with its position; others after `error:`.

    A file's name or a program's output in it cannot move the cursor or change colors.
    """
    if isinstance(error, SpecError):
        return str(error)
    if isinstance(error, UserError):
        return "\n".join(map(printable, f"error: {error}".expandtabs().split("\n")))
    if error.errno in FULL and _is_of_stdout(error):
        return f"error: the output cannot be written: {error.strerror}\n  hint: {STDOUT_HINT}"
    where = f": {printable(str(error.filename))}" if error.filename else ""
    hint = OS_HINTS.get(error.errno or 0)
    return f"error: {error.strerror or error}{where}" + (f"\n  hint: {hint}" if hint else "")
