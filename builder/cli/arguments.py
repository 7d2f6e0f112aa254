"""Arguments that several commands share."""

from __future__ import annotations

import typer

from builder.identity import DEFAULT_TRANSPORT, TRANSPORT_HELP

SPEC = typer.Argument(..., help="The cluster's spec.", readable=False)
"""That it can be read is for `builder.spec.load` to say, in the words of every other fault of a spec."""
SPECS = typer.Argument(..., help="The cluster's spec; of several, the nodes of all.", readable=False)
TRANSPORT = typer.Option(DEFAULT_TRANSPORT, "--transport", help=TRANSPORT_HELP)
