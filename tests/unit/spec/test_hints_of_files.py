"""Hints about YAML and about the files that a spec names lead to a valid spec, and no hint of a spec goes untested."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from builder.core.errors import LocatedProblem
from builder.spec import compose, report
from tests.certificates import Issued, issue, write_pair
from tests.hint_texts import hints_in
from tests.unit.spec.faulty import VALID, spec
from tests.unit.spec.hint_catalogue import VALUE_CASES
from tests.unit.spec.hint_catalogue_checks import CHECK_CASES
from tests.unit.spec.hint_catalogue_services import SERVICE_CASES

SPEC_CODE = Path(__file__).resolve().parents[3] / "builder" / "spec"
HOSTS = ("www.example.com", "mail.example.com")
DAY = timedelta(days=1)
AUTHORITY = issue("Test authority")
OWN = issue("www", HOSTS, AUTHORITY)
WEAK = issue("www", HOSTS, AUTHORITY, key=rsa.generate_private_key(65537, 1024))
TEXT = VALID.read_text()

YAML_CASES = [
    ("cluster: demo", "cluster: demo\ncluster: demo", "line 2 has it too; keep one", "cluster: demo"),
    ("name: web1", "name: no", 'for text, put it in quotes: "no"', 'name: "no"'),
    ("priority: 200", "priority: 0200", "in plain digits without leading zeros", "priority: 200"),
    ("cluster: demo", "cluster: *demo", "write the value out", "cluster: demo"),
    ("cluster: demo", "cluster: !!python/name:demo demo", "write the plain value", "cluster: demo"),
    ("cluster: demo", 'cluster: "de\\nmo"', "a single line of printable characters", "cluster: demo"),
    ("cluster: demo", "7: x\ncluster: demo", "docs/spec.md lists the keys", "cluster: demo"),
    ("cluster: demo", "\tcluster: demo", "indent with spaces", "cluster: demo"),
    ("cluster: demo", "cluster: @demo", "put the value in quotes", 'cluster: "demo"'),
    ("cluster: demo", "cluster: demo: x", "put a value that contains a colon in quotes", "cluster: demo"),
    (
        "guest: debian12\n",
        "guest\nsnmp: false\n",
        "write key: value, with a space after the colon",
        "guest: debian12\n",
    ),
    ("  - name: shop", "   - name: shop", "align the keys of one mapping", "  - name: shop"),
    ("cluster: demo", "cluster: demo\n---\na: b", "remove the ---", "cluster: demo"),
    ("dns: [10.1.2.2]}", "dns: [10.1.2.2}", "end it with ]", "dns: [10.1.2.2]}"),
    ("{preset: exchange2013", "{preset: [x}", "end it with ]", "{preset: exchange2013"),
    ("{disk_gib: 4}", "{disk_gib: 4]", "end it with }", "{disk_gib: 4}"),
    ("cluster: demo", 'cluster: "demo', "end it with the quote", 'cluster: "demo"'),
    ("cluster: demo\nguest: debian12", "cluster: &a demo\nguest: &a debian12", "remove the anchors", "cluster: demo"),
    ("cluster: demo", "cluster: demo\u0007", "an editor may show it as a blank", "cluster: demo"),
]
"""A part of the valid spec, what makes it faulty, its hint, and the part as the hint says."""


def write(folder: Path, own: Issued = OWN) -> None:
    """Write the valid spec and the files that it names."""
    write_pair(folder, "www", own, AUTHORITY)
    (folder / "password").write_text("long-enough-0123\n")
    (folder / "cluster.yml").write_text(TEXT)


def reversed_chain(folder: Path) -> None:
    (folder / "www.pem").write_bytes(AUTHORITY.pem() + OWN.pem())


def with_passphrase(folder: Path) -> None:
    (folder / "www.key").write_bytes(OWN.key_pem(b"secret"))


def without_passphrase(folder: Path) -> None:
    """What `openssl pkey -in KEY -out NEW` does."""
    key = load_pem_private_key((folder / "www.key").read_bytes(), b"secret")
    assert key is not None
    (folder / "www.key").write_bytes(OWN.key_pem())


FILE_CASES: list[tuple[Callable[[Path], object], str, Callable[[Path], object]]] = [
    (lambda folder: (folder / "www.key").unlink(), "paths start from the spec's folder", write),
    (lambda folder: (folder / "www.pem").write_text("x"), "begins with -----BEGIN CERTIFICATE-----", write),
    (lambda folder: (folder / "www.key").write_text("x"), "begins with -----BEGIN PRIVATE KEY-----", write),
    (lambda folder: (folder / "password").write_text("short\n"), "must be 8 to 100 letters", write),
    (reversed_chain, "put the certificate first", write),
    (with_passphrase, "openssl pkey -in KEY -out NEW writes it without a passphrase", without_passphrase),
    (lambda folder: write(folder, issue("www", HOSTS, AUTHORITY, lasts=-DAY)), "request a new certificate", write),
    (lambda folder: write(folder, WEAK), "request a new certificate: RSA with 2048 bits", write),
    (
        lambda folder: (folder / "www.key").write_bytes(AUTHORITY.key_pem()),
        "that the certificate was requested",
        write,
    ),
    (lambda folder: write(folder, issue("x", HOSTS[:1], AUTHORITY)), "it covers www.example.com", write),
]
"""What spoils a file, the hint, and what the hint asks for."""


def problems(folder: Path) -> tuple[LocatedProblem, ...]:
    return report.problems([folder / "cluster.yml"])


@pytest.mark.parametrize(("good", "faulty", "hint", "fixed"), YAML_CASES, ids=[each[2] for each in YAML_CASES])
def test_a_hint_about_yaml_leads_to_a_valid_spec(
    tmp_path: Path, good: str, faulty: str, hint: str, fixed: str
) -> None:
    write(tmp_path)
    path = tmp_path / "cluster.yml"
    path.write_text(TEXT.replace(good, faulty, 1))
    found = problems(tmp_path)
    assert any(hint in each.hint for each in found), "\n".join(map(str, found))
    path.write_text(TEXT.replace(good, fixed, 1))
    assert problems(tmp_path) == ()


@pytest.mark.parametrize(("spoil", "hint", "repair"), FILE_CASES, ids=[each[1] for each in FILE_CASES])
def test_a_hint_about_a_file_leads_to_a_valid_spec(
    tmp_path: Path, spoil: Callable[[Path], object], hint: str, repair: Callable[[Path], object]
) -> None:
    write(tmp_path)
    spoil(tmp_path)
    found = problems(tmp_path)
    assert any(hint in each.hint for each in found), "\n".join(map(str, found))
    repair(tmp_path)
    assert problems(tmp_path) == ()


ELSEWHERE = {
    "choose another guest if they need it": "test_services.py",
    "use a check without TLS, such as check: {port: 80}, or choose another guest": "test_services.py",
    "a spec is a few kilobytes of YAML": "test_text.py",
    "give the path of the file": "test_text.py",
    "vipforge init cluster.yml writes a spec to start from": "test_text.py",
    "set profile: classic, or keepalived to 2.0.0 or later": "test_keepalived_features.py",
    "the examples are active-active": "test_examples.py",
    "check its owner and mode with ls -l": "test_text.py",
    "vipforge init writes one to start from": "test_yaml.py",
    "add operator: {ssh_keys: [...]} with a public key": "test_report.py",
    "choose another path": "test_starter.py",
    "name a file such as ~/.ssh/id_ed25519.pub": "test_starter.py",
    "give each spec once": "test_together.py",
    "rename one of them: files and machines are named after the cluster": "test_together.py",
    "give each cluster addresses of its own": "test_together.py",
    "give each VRRP group of a subnet a number of its own": "test_together.py",
}
"""Hints about a spec as a whole, or about several specs, and the tests that follow them."""


def test_no_hint_about_a_spec_is_untested(tmp_path: Path) -> None:
    """Every text that the code gives as a hint is one that a case of the catalogues has followed."""
    followed = {*_hints_of_cases(tmp_path), *ELSEWHERE}
    patterns = {pattern for path in SPEC_CODE.rglob("*.py") for pattern in hints_in(path)}
    patterns |= {re.escape(hint) for _, _, hint in compose.EXPLANATIONS}
    assert len(patterns) > 70
    untested = [each for each in sorted(patterns) if not any(re.fullmatch(each, hint) for hint in followed)]
    assert not untested, "add a case to a catalogue for each:\n" + "\n".join(untested)


def _hints_of_cases(folder: Path) -> Iterator[str]:
    for case in (*VALUE_CASES, *SERVICE_CASES, *CHECK_CASES):
        write(folder)
        (folder / "cluster.yml").write_text(yaml.safe_dump(spec(case.base, case.faulty), allow_unicode=True))
        yield from (each.hint for each in problems(folder))
    for good, faulty, *_ in YAML_CASES:
        write(folder)
        (folder / "cluster.yml").write_text(TEXT.replace(good, faulty, 1))
        yield from (each.hint for each in problems(folder))
    for spoil, *_ in FILE_CASES:
        write(folder)
        spoil(folder)
        yield from (each.hint for each in problems(folder))
