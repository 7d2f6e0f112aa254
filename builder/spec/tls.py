"""TLS: the certificates that services present to clients, and the versions that clients may use."""

from __future__ import annotations

from typing import Literal

from builder.spec.values import FilePath, Label, Part


class Certificate(Part):
    """A certificate with its key. Both files are read when seeds are made, and travel only in them."""

    name: Label
    """Its name, by which services refer to it."""
    chain: FilePath
    """PEM file: the certificate, followed by the intermediate certificates that lead to its authority."""
    key: FilePath
    """PEM file of its private key, without a passphrase."""


class Tls(Part):
    """Certificates, and the TLS settings for clients."""

    minimum: Literal["1.2", "1.3"] = "1.2"
    """The oldest version of TLS that clients may use."""
    certificates: tuple[Certificate, ...] = ()
    """The certificates."""
