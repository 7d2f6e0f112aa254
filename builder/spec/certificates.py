"""Read and validate the files that a spec names: certificates, private keys and the statistics page's password.

The bytes of a private key that is read never leave these functions: no message, log or exception contains them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from builder.spec.syntax import InvalidValue

EXPIRY_WARNING = timedelta(days=30)
MINIMUM_KEY_BITS = {rsa.RSAPublicKey: 2048, ec.EllipticCurvePublicKey: 224}
WEAK_DIGESTS = ("md5", "sha1")
REISSUE_HINT = "request a new certificate: RSA with 2048 bits or EC with 256, signed with SHA-256"
MAX_BYTES = 1 << 18
"""A chain of four certificates has about 8 000 bytes."""
PASSWORD = re.compile(r"[A-Za-z0-9._~+/=@%^,:-]{8,100}\Z")
"""What haproxy.cfg accepts as one word without quotes."""


def read_file(path: Path) -> bytes:
    """The contents of a file that a spec names; raises InvalidValue if it cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidValue(f"cannot be read: {error.strerror}", "paths start from the spec's folder") from None
    if len(data) > MAX_BYTES:
        raise InvalidValue(f"is larger than {MAX_BYTES >> 10} KiB, so it is not a PEM file of certificates")
    return data


def read_chain(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file, each issued by the next one; raises InvalidValue if not, or if one is weak."""
    certificates = read_bundle(path)
    _refuse_weak(certificates)
    for child, parent in pairwise(certificates):
        try:
            child.verify_directly_issued_by(parent)
        except (ValueError, TypeError, InvalidSignature):
            raise InvalidValue(
                f"is not a chain: {_name(child)} was not issued by {_name(parent)}, which follows it",
                "put the certificate first, and each authority after the certificate that it issued",
            ) from None
    return certificates


def _refuse_weak(certificates: Iterable[x509.Certificate]) -> None:
    """Raise InvalidValue for a certificate below OpenSSL's security level 2, which every guest with OpenSSL 3 has.

    HAProxy does not start with such a certificate (SSL_CTX_set_security_level(3)). The signature of a self-signed root
    does not count.
    """
    for certificate in certificates:
        public, digest = certificate.public_key(), certificate.signature_hash_algorithm
        minimum = next((bits for kind, bits in MINIMUM_KEY_BITS.items() if isinstance(public, kind)), 0)
        bits = getattr(public, "key_size", minimum)
        if bits < minimum:
            raise InvalidValue(
                f"contains {_name(certificate)}, whose {bits}-bit key is too short for HAProxy", REISSUE_HINT
            )
        if certificate.issuer != certificate.subject and digest and digest.name in WEAK_DIGESTS:
            raise InvalidValue(
                f"contains {_name(certificate)}, signed with {digest.name.upper()}, which HAProxy refuses",
                REISSUE_HINT,
            )


def read_bundle(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file, one or more, in any order; raises InvalidValue."""
    data = read_file(path)
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise InvalidValue(
            "is not a PEM file of certificates", "such a file begins with -----BEGIN CERTIFICATE-----"
        ) from None


def read_public_key(path: Path) -> bytes:
    """The public half of the private key in a file; raises InvalidValue."""
    data = read_file(path)
    if b"ENCRYPTED" in data:
        raise InvalidValue(
            "is encrypted, and nobody enters a passphrase on a node",
            "openssl pkey -in KEY -out NEW writes it without a passphrase",
        )
    try:
        private = load_pem_private_key(data, password=None)
    except (ValueError, TypeError):
        raise InvalidValue("is not a PEM private key", "such a file begins with -----BEGIN PRIVATE KEY-----") from None
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def is_key_of(leaf: x509.Certificate, public: bytes) -> bool:
    """Whether the private key with that public half belongs to the certificate."""
    return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == public


def validity(
    certificates: Iterable[x509.Certificate], now: datetime | None = None, *, warn_before: timedelta = EXPIRY_WARNING
) -> tuple[str, str]:
    """The error and the warning about the validity period of a chain; both may be empty."""
    moment = now or datetime.now(UTC)
    error = warning = ""
    for certificate in certificates:
        ends, begins = certificate.not_valid_after_utc, certificate.not_valid_before_utc
        if ends < moment:
            error = error or f"contains {_name(certificate)}, which expired on {ends:%Y-%m-%d}"
        elif begins > moment:
            error = error or f"contains {_name(certificate)}, which is not valid before {begins:%Y-%m-%d %H:%M} UTC"
        elif ends - moment < warn_before:
            days = (ends - moment).days
            warning = warning or f"contains {_name(certificate)}, which expires in {days} days, on {ends:%Y-%m-%d}"
    return error, warning


def uncovered_hosts(leaf: x509.Certificate, hosts: Iterable[str]) -> list[str]:
    """The hosts that the certificate does not cover (RFC 6125: an asterisk stands for one whole label)."""
    names = list(_dns_names(leaf))
    return [host for host in hosts if not any(_fits(name, host.lower()) for name in names)]


def covered_names(leaf: x509.Certificate) -> str:
    """The host names that a certificate covers, as text."""
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
    """The subject of a certificate, in printable characters."""
    text = certificate.subject.rfc4514_string() or "a certificate without a subject"
    return "".join(each if each.isprintable() else "?" for each in text)


def read_password(path: Path) -> str:
    """The password in the first line of a file; raises InvalidValue, which never contains any of it."""
    first = read_file(path).decode(errors="replace").partition("\n")[0].strip()
    if not PASSWORD.match(first):
        raise InvalidValue(
            "contains no password that haproxy.cfg can contain",
            "its first line must be 8 to 100 letters, digits or any of ._~+/=@%^,:-",
        )
    return first


def self_signed(hosts: Sequence[str], days: int) -> tuple[bytes, bytes]:
    """A certificate for these hosts that is valid for so many days, and its private key, both as PEM; for the lab."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "vipforge, for the lab")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a guest's clock may be behind
        .not_valid_after(now + timedelta(days=days))
    )
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM), private
