"""Where a node has the files of TLS. They come with its seed; the image knows their names alone."""

from __future__ import annotations

from builder.spec.service import Service

FOLDER = "/etc/vipforge/tls"


def guest_path(certificate: str) -> str:
    """The file of a certificate with its key, by the certificate's name in the spec."""
    return f"{FOLDER}/{certificate}.pem"


def authority_path(service: Service) -> str:
    """The file of the authority that a service's servers are verified with."""
    return f"{FOLDER}/{service.name}.authority.pem"
