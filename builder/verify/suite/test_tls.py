"""TLS as clients see it: which certificate the service presents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from builder.spec import certificates
from builder.spec.model import Cluster
from builder.spec.service import Service
from builder.spec.values import IpAddress
from builder.verify.suite import answers

RENEWAL = timedelta(days=21)
"""Authorities that issue for 90 days advise renewing after 60, so nine days have passed without success by then."""

pytestmark = pytest.mark.usefixtures("nodes")


@pytest.fixture
def own(cluster: Cluster, tls_service: Service) -> list[bytes]:
    """The service's certificates, in DER, in the spec's order."""
    named = [each for name in tls_service.certificates if (each := cluster.certificate(name))]
    return [certificates.read_chain(each.chain)[0].public_bytes(Encoding.DER) for each in named]


def test_the_certificate_matches_the_spec(vip: IpAddress, tls_service: Service, own: list[bytes]) -> None:
    """From here, the service presents the spec's certificate."""
    assert answers.certificate(vip, tls_service, None) == own[0], "a client that names no host gets another one"
    strange = [host for host in tls_service.hosts if answers.certificate(vip, tls_service, host) not in own]
    assert not strange, f"clients of {', '.join(strange)} get another one"


def test_the_certificates_are_valid(vip: IpAddress, tls_service: Service, warn: Callable[[str], None]) -> None:
    """From here, no certificate that the service presents has expired or will within 21 days."""
    for host in (None, *tls_service.hosts):
        shown = x509.load_der_x509_certificate(answers.certificate(vip, tls_service, host))
        error, warning = certificates.validity([shown], warn_before=RENEWAL)
        client = f"what clients of {host} get" if host else "what clients that name no host get"
        assert not error, f"{client} {error}"
        if warning:
            warn(f"{client} {warning}")
