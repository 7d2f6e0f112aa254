"""TLS: the certificates that services show to clients, and what they may speak."""

from __future__ import annotations

from typing import Literal

from builder.spec.values import FilePath, Label, Part


class Certificate(Part):
    """A certificate with its key. Both files are read when seeds are made, and travel in them alone."""

    name: Label
    """Its name, which services refer to."""
    chain: FilePath
    """PEM file: the certificate, then those that lead from it to its authority."""
    key: FilePath
    """PEM file of its private key, without a passphrase."""


class Tls(Part):
    """Certificates, and how TLS is spoken with clients."""

    minimum: Literal["1.2", "1.3"] = "1.2"
    """The oldest version of TLS that clients may speak."""
    certificates: tuple[Certificate, ...] = ()
    """The certificates."""
