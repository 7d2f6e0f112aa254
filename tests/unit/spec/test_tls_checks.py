"""The problems that `vipforge check` finds in the files that a spec names for TLS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from builder.core.errors import SpecError
from builder.spec import certificates, report
from builder.spec.load import load
from tests.certificates import issue, write_pair

SPEC = """\
cluster: shop
network: {prefix: 24}
vrrp: {virtual_router_id: 10, vips: [10.1.2.10]}
nodes:
  - {name: lb1.example.com, address: 10.1.2.11, priority: 254}
  - {name: lb2.example.com, address: 10.1.2.12, priority: 253}
tls:
  certificates:
    - {name: www, chain: www.pem, key: www.key}
services:
  - name: web
    mode: https
    port: 443
    certificates: [www]
    hosts: [www.example.com]
    servers: [{name: web1, address: 10.1.2.31, port: 80}]
"""
AUTHORITY = issue("Test authority")
HOSTS = ("www.example.com",)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGzpF3Hd1nbqRxQ7C0h5w0Q9lJ1cKZ0P2l3kLm4nOp5q"

Reasons = Callable[[], list[str]]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    write_pair(tmp_path, "www", issue("www", HOSTS, AUTHORITY), AUTHORITY)
    path = tmp_path / "cluster.yml"
    path.write_text(f"{SPEC}operator: {{ssh_keys: [{KEY}]}}\n")
    return path


@pytest.fixture
def reasons(spec: Path) -> Reasons:
    """Return the reasons of all problems."""
    return lambda: [problem.reason for problem in report.problems([spec])]


def test_a_valid_certificate_is_accepted_without_a_warning(spec: Path, reasons: Reasons) -> None:
    assert reasons() == []
    assert report.inspect([spec])[1] == ()


def test_paths_are_relative_to_the_folder_of_the_spec(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert load(spec).tls.certificates[0].chain == spec.parent / "www.pem"


def test_loading_a_spec_opens_none_of_the_files_that_it_names(spec: Path) -> None:
    (spec.parent / "www.key").unlink()
    assert load(spec).services[0].certificates == ("www",)


@pytest.mark.parametrize("days", [-1, -400])
def test_an_expired_certificate_is_an_error_with_its_date(spec: Path, reasons: Reasons, days: int) -> None:
    write_pair(spec.parent, "www", issue("www", HOSTS, AUTHORITY, lasts=timedelta(days=days)))
    ended = datetime.now(UTC) + timedelta(days=days)
    assert reasons() == [f"chain of certificate 1 of tls contains CN=www, which expired on {ended:%Y-%m-%d}"]


def test_a_certificate_that_is_not_valid_yet_is_an_error(spec: Path, reasons: Reasons) -> None:
    write_pair(spec.parent, "www", issue("www", HOSTS, AUTHORITY, begins=datetime.now(UTC) + timedelta(days=1)))
    (reason,) = reasons()
    assert "which is not valid before" in reason


def test_a_certificate_that_expires_within_thirty_days_is_a_warning_at_its_line(spec: Path, reasons: Reasons) -> None:
    write_pair(spec.parent, "www", issue("www", HOSTS, AUTHORITY, lasts=timedelta(days=12, hours=1)), AUTHORITY)
    assert reasons() == []
    (warning,) = report.inspect([spec])[1]
    assert "expires in 12 days" in warning.reason
    assert (warning.line, warning.value) == (9, "www.pem")


def test_the_key_of_another_certificate_is_an_error(spec: Path, reasons: Reasons) -> None:
    (spec.parent / "www.key").write_bytes(issue("other").key_pem())
    assert reasons() == ["key of certificate 1 of tls does not belong to the first certificate of the chain"]


def test_an_encrypted_key_is_an_error_that_shows_none_of_it(spec: Path) -> None:
    text = issue("www", HOSTS, AUTHORITY).key_pem(b"passphrase")
    (spec.parent / "www.key").write_bytes(text)
    with pytest.raises(SpecError, match="key of certificate 1 of tls is encrypted") as caught:
        report.inspect([spec])
    assert not any(line in str(caught.value) for line in text.decode().splitlines())


def test_a_key_that_is_too_short_for_haproxy_is_an_error(spec: Path, reasons: Reasons) -> None:
    short = rsa.generate_private_key(65537, 1024)
    write_pair(spec.parent, "www", issue("www", HOSTS, key=short))
    assert reasons() == ["chain of certificate 1 of tls contains CN=www, whose 1024-bit key is too short for HAProxy"]


def test_a_weak_signature_is_an_error_unless_a_root_signed_itself(
    spec: Path, reasons: Reasons, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "WEAK_DIGESTS", ("sha256",))  # nothing here signs with SHA-1 any more
    assert reasons() == ["chain of certificate 1 of tls contains CN=www, signed with SHA256, which HAProxy refuses"]
    write_pair(spec.parent, "www", issue("www", HOSTS))
    assert reasons() == []


def test_a_chain_in_the_wrong_order_is_an_error(spec: Path, reasons: Reasons) -> None:
    leaf = issue("www", HOSTS, AUTHORITY)
    write_pair(spec.parent, "www", leaf, issue("Another authority"), AUTHORITY)
    assert reasons() == [
        "chain of certificate 1 of tls is not a chain: CN=www was not issued by CN=Another authority, which follows it"
    ]


@pytest.mark.parametrize(
    ("hosts", "fits"),
    [
        (("*.example.com",), True),
        (("WWW.example.com",), True),
        (("example.com",), False),
        (("*.com",), False),
        (("other.example.com", "mail.example.com"), False),
        ((), False),
    ],
)
def test_a_certificate_must_cover_the_names_that_clients_use(
    spec: Path, reasons: Reasons, hosts: tuple[str, ...], fits: bool
) -> None:
    write_pair(spec.parent, "www", issue("www", hosts, AUTHORITY))
    wrong = "chain of certificate 1 of tls does not cover www.example.com, a host of service web"
    assert reasons() == ([] if fits else [wrong])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("www.pem", b"hello", "chain of certificate 1 of tls is not a PEM file of certificates"),
        ("www.pem", b"\xff" * 300_000, "chain of certificate 1 of tls is larger than 256 KiB"),
        ("www.key", b"-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n", "is not a PEM private key"),
    ],
)
def test_a_file_with_other_content_is_an_error(
    spec: Path, reasons: Reasons, name: str, content: bytes, reason: str
) -> None:
    (spec.parent / name).write_bytes(content)
    (only,) = reasons()
    assert reason in only


def test_a_missing_file_is_an_error(spec: Path, reasons: Reasons) -> None:
    (spec.parent / "www.pem").unlink()
    assert reasons() == ["chain of certificate 1 of tls cannot be read: No such file or directory"]


def test_the_authority_of_servers_must_be_readable(spec: Path, reasons: Reasons) -> None:
    spec.write_text(SPEC.replace("    hosts:", "    reencrypt: {authority: ca.pem}\n    hosts:"))
    assert reasons() == ["authority of reencrypt of service 1 cannot be read: No such file or directory"]
    (spec.parent / "ca.pem").write_bytes(AUTHORITY.pem())
    assert reasons() == []


def test_a_problem_with_the_authority_of_a_preset_is_reported_at_its_line(spec: Path) -> None:
    preset = (
        "  - {preset: exchange2013, hosts: [www.example.com], certificate: www, vips: [10.1.2.20], authority: ca.pem,"
    )
    servers = "servers: [{name: ex1, address: 10.1.2.32}]}"
    text = SPEC.replace("vips: [10.1.2.10]", "vips: [10.1.2.10, 10.1.2.20]").replace("port: 443", "port: 8443")
    spec.write_text(f"{text}presets:\n{preset}\n    {servers}\n")
    (problem,) = report.problems([spec])
    assert problem.reason == "authority of preset 1 cannot be read: No such file or directory"
    assert (problem.line, problem.value) == (18, "ca.pem")


@pytest.mark.parametrize(("text", "good"), [("correct-horse", True), ("short", False), ("two words", False)])
def test_the_password_of_the_statistics_page_must_fit_into_haproxy_cfg(
    spec: Path, reasons: Reasons, text: str, good: bool
) -> None:
    spec.write_text(SPEC + "statistics: {password: secret}\n")
    (spec.parent / "secret").write_text(text + "\n")
    assert reasons() == ([] if good else ["password of statistics contains no password that haproxy.cfg can contain"])


def test_a_private_key_in_the_spec_is_refused_and_not_shown(spec: Path) -> None:
    spec.write_text(SPEC.replace("www.key", '"-----BEGIN PRIVATE KEY----- MIGHAgEAMBMGByq"'))
    with pytest.raises(SpecError, match="must be the path of a file, not its content") as caught:
        load(spec)
    assert "MIGHA" not in str(caught.value)


@pytest.mark.parametrize("section", ["tls: text", "tls: {certificates: text}", "tls: null"])
def test_a_section_that_cannot_be_read_hides_no_problem_of_another_file(spec: Path, section: str) -> None:
    before, _, after = SPEC.partition("tls:\n")
    services = after[after.index("services:") :]
    spec.write_text(f"{before}{section}\n{services}statistics: {{password: none}}\n")
    reasons = [problem.reason for problem in report.problems([spec])]
    assert any(reason.startswith("password of statistics cannot be read") for reason in reasons)
