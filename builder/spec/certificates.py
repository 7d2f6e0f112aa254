"""The files that a spec names, for TLS and for passwords: read, and judged before clients would.

A private key's bytes stay in these functions: no message, log or exception holds them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from builder.spec.syntax import Unfit

SOON = timedelta(days=30)
FEWEST_BITS = {rsa.RSAPublicKey: 2048, ec.EllipticCurvePublicKey: 224}
BROKEN_DIGESTS = ("md5", "sha1")
STRONG = "have it issued anew: RSA of 2048 bits or EC of 256, signed with SHA-256"
LARGEST = 1 << 18
"""In bytes; a chain of four certificates has about 8 000."""


def read_certificate(path: Path) -> bytes:
    """The bytes of a file that a spec names; raises Unfit in words for people."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Unfit(f"cannot be read: {error.strerror}", "paths start from the spec's folder") from None
    if len(data) > LARGEST:
        raise Unfit(f"is larger than {LARGEST >> 10} KiB, so it is no PEM file of certificates")
    return data


def chain(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file, each signed by the next and strong enough to serve; raises Unfit."""
    found = bundle(path)
    _refuse_weak(found)
    for child, parent in pairwise(found):
        try:
            child.verify_directly_issued_by(parent)
        except (ValueError, TypeError, InvalidSignature):
            raise Unfit(
                f"is no chain: {_name(child)} was not issued by {_name(parent)}, which follows it",
                "put the certificate first, then each authority after what it issued",
            ) from None
    return found


def _refuse_weak(found: Iterable[x509.Certificate]) -> None:
    """Raise Unfit for what is below OpenSSL's security level 2, which every guest with OpenSSL 3 has.

    HAProxy does not start with such a certificate (SSL_CTX_set_security_level(3)). How a root signed itself is never
    looked at.
    """
    for certificate in found:
        public, digest = certificate.public_key(), certificate.signature_hash_algorithm
        fewest = next((bits for kind, bits in FEWEST_BITS.items() if isinstance(public, kind)), 0)
        bits = getattr(public, "key_size", fewest)
        if bits < fewest:
            raise Unfit(f"holds {_name(certificate)}, whose key of {bits} bits is too short for HAProxy", STRONG)
        if certificate.issuer != certificate.subject and digest and digest.name in BROKEN_DIGESTS:
            raise Unfit(
                f"holds {_name(certificate)}, signed with {digest.name.upper()}, which HAProxy refuses", STRONG
            )


def bundle(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file, one or more, in any order; raises Unfit."""
    data = read_certificate(path)
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise Unfit("is no PEM file of certificates", "it begins with -----BEGIN CERTIFICATE-----") from None


def key(path: Path) -> bytes:
    """The public half of a private key, to compare; raises Unfit."""
    data = read_certificate(path)
    if b"ENCRYPTED" in data:
        raise Unfit("is encrypted, and a node has nobody to ask", "openssl pkey -in KEY -out NEW writes it in clear")
    try:
        private = load_pem_private_key(data, password=None)
    except (ValueError, TypeError):
        raise Unfit("is no private key in PEM", "it begins with -----BEGIN PRIVATE KEY-----") from None
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def belongs(leaf: x509.Certificate, public: bytes) -> bool:
    """Whether the key with that public half is the certificate's."""
    return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == public


def validity(found: Iterable[x509.Certificate], now: datetime | None = None) -> tuple[str, str]:
    """What is wrong with the times of a chain: an error, and a warning; both may be empty."""
    moment = now or datetime.now(UTC)
    error = warning = ""
    for certificate in found:
        ends, begins = certificate.not_valid_after_utc, certificate.not_valid_before_utc
        if ends < moment:
            error = error or f"holds {_name(certificate)}, which expired on {ends:%Y-%m-%d}"
        elif begins > moment:
            error = error or f"holds {_name(certificate)}, which is not valid before {begins:%Y-%m-%d %H:%M} UTC"
        elif ends - moment < SOON:
            days = (ends - moment).days
            warning = warning or f"holds {_name(certificate)}, which expires in {days} days, on {ends:%Y-%m-%d}"
    return error, warning


def unnamed(leaf: x509.Certificate, hosts: Iterable[str]) -> list[str]:
    """The hosts that the certificate is not for (RFC 6125: a star stands for one whole label)."""
    names = list(_dns_names(leaf))
    return [host for host in hosts if not any(_fits(name, host.lower()) for name in names)]


def names(leaf: x509.Certificate) -> str:
    """The names that a certificate is for, for people."""
    return ", ".join(_dns_names(leaf)) or "no host name"


def _dns_names(leaf: x509.Certificate) -> Iterator[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return
    yield from (name.lower() for name in extension.value.get_values_for_type(x509.DNSName))


def _fits(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return host == pattern


def _name(certificate: x509.Certificate) -> str:
    """What people call it, in printable characters."""
    text = certificate.subject.rfc4514_string() or "a certificate without a subject"
    return "".join(each if each.isprintable() else "?" for each in text)


PASSWORD = re.compile(r"[A-Za-z0-9._~+/=@%^,:-]{8,100}\Z")
"""What haproxy.cfg takes as one word, without quoting."""


def password(path: Path) -> str:
    """The first line of a file; raises Unfit, which never holds any of it."""
    first = read_certificate(path).decode(errors="replace").partition("\n")[0].strip()
    if not PASSWORD.match(first):
        raise Unfit(
            "holds no password that HAProxy's file can hold",
            "its first line must be 8 to 100 letters, digits or any of ._~+/=@%^,:-",
        )
    return first
