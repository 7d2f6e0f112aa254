"""Whatever text a spec contains: `check` refuses it with its place, or every reader gets the same text."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from builder.core.errors import SpecError
from builder.core.quoting import yaml_text
from builder.core.run import run
from builder.deploy.libvirt.domains import Link, Shape, domain, with_note
from builder.guests import Facts, all_guests
from builder.render import appliance
from builder.render.haproxy import HaproxyTooOld
from builder.seed.identity import identity_files, keepalived_conf
from builder.seed.seed import seed
from builder.seed.transports import guestinfo, ovf
from builder.spec.checks.tls import tls_findings
from builder.spec.load import load
from builder.spec.model import Cluster
from tests import hostile
from tests.certificates import issue

pytestmark = pytest.mark.integration

EXAMPLES = int(os.environ.get("VIPFORGE_EXAMPLES", "0"))
"""How many random examples a long run tries; without it a short run tries the same ones every time."""
thorough = settings(
    max_examples=EXAMPLES or 200,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
SPEC = """\
cluster: cluster1
network:
  {prefix: 24, gateway: 192.168.56.1, dns: [192.168.56.2], search: [search1.example], interface: eth71,
  prefix6: 64, gateway6: "2001:db8:56::1"}
vrrp: {virtual_router_id: 10, vips: [192.168.56.10, "2001:db8:56::10", 192.168.56.20], profile: standard}
nodes:
  - {name: lb1.example.com, address: 192.168.56.11, address6: "2001:db8:56::11", alert_sender: sender1@example.com}
  - {name: lb2.example.com, address: 192.168.56.12, address6: "2001:db8:56::12"}
alerts: {recipients: [recipient1@example.com], smtp_server: 192.168.56.25}
statistics: {user: statsuser1, password: password1.txt}
operator:
  user: operator1
  ssh_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGzpF3Hd1nbqRxQ7C0h5w0Q9lJ1cKZ0P2l3kLm4nOp5q]
tls: {certificates: [{name: certificate1, chain: chain1.pem, key: key1.pem}]}
libvirt: {pool: pool1, network: network1}
presets:
  - preset: exchange2013
    name: preset1
    vips: [192.168.56.20]
    hosts: [mail1.example.com]
    certificate: certificate1
    maintenance: maintenance2
    servers: [{name: exchange1, address: 192.168.56.31}]
services:
  - name: service1
    mode: https
    vips: [192.168.56.10, "2001:db8:56::10"]
    port: 443
    certificates: [certificate1]
    hosts: [www1.example.com]
    root: /root1/
    check: {path: /check1, body: body1, host: host1.example.com}
    affinity: {by: cookie, cookie: COOKIE1}
    reencrypt: {authority: authority1.pem, name: reencrypt1.example.com}
    maintenance: maintenance1
    routes: [{name: route1, paths: [/path1], hosts: [route1.example.com]}]
    servers: [{name: server1, address: 192.168.56.21, port: 8080}]
"""
IMAGES = {
    "centos7": {
        "mirror": "http://mirror1.example.com/centos",
        "epel": True,
        "epel_mirror": "http://epel1.example.com",
    },
    "debian12": {"mirror": "http://mirror1.example.com/debian"},
    "rocky9": {"mirror": "http://mirror1.example.com/rocky", "epel": True, "epel_mirror": "http://epel1.example.com"},
}
PATHS = sorted(set(hostile.texts()), key=str)
WORDS = r"""
null Null ~ true no No off y n 010 0o10 0x10 1e3 1_000 1:20 .5 .inf = << - ? | > & * ! % @ ` if or { } ' " \ # ; $ ]]>
<!-- &amp; %[src] ${HOME} $(id) `id` {{x}} {%x%} ';id;' \x41 @NODE_NAME@ / // .. : , !x
"""
MARKS = "%#$!&;,<{~`|\\\"'"
PARTS = [*re.findall(r"\S+", WORDS), "a b", *" \n\r\t\0\x1b\x85\u2028\ud800\xe9\U0001f600"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile").resolve()


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """What the schema of the cloud-init in this host's Debian refuses in a user-data."""
    folder = tmp_path_factory.mktemp("cloud-init")
    run(["apt-get", "download", "cloud-init"], timeout=120, cwd=folder)
    (package,) = folder.glob("*.deb")
    run(["dpkg-deb", "--extract", package, folder], timeout=60)
    (schema,) = folder.glob("usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json")
    validator = Draft4Validator(json.loads(schema.read_text()))
    return lambda user_data: [each.message for each in validator.iter_errors(yaml.safe_load(user_data))]


@st.composite
def texts_like(draw: st.DrawFn, original: str) -> str:
    """A hostile text: one of the list, a part of it within the original text, or any text."""
    part = draw(st.sampled_from(PARTS))
    at = draw(st.integers(0, len(original)))
    mixed = original[:at] + part + original[at:]
    return draw(st.sampled_from([part, mixed, original + part, draw(st.text(max_size=12))]))


def original_spec(guest: str) -> dict[str, Any]:
    return {**yaml.safe_load(SPEC), "guest": guest, "image": IMAGES[guest]}


def loaded(spec: dict[str, Any], folder: Path) -> Cluster | None:
    """The cluster, or None if it is refused as a spec is to be refused: each problem with its place."""
    path = folder / "cluster.yml"
    path.write_text(yaml_text(spec))
    try:
        cluster = load(path)
    except SpecError as error:
        refused = error.problems
    else:
        return cluster if provided(cluster, folder) and not tls_findings(cluster).problems else None
    assert refused
    assert all(min(each.line, each.column) > 0 for each in refused), refused
    return None


@cache
def certificate(hosts: tuple[str, ...]) -> dict[str, bytes]:
    """The files of a certificate for these hosts, by the key in the spec that names each."""
    authority = issue("authority")
    own = issue("certificate", hosts, authority)
    return {"chain": own.pem() + authority.pem(), "key": own.key_pem(), "authority": authority.pem()}


def provided(cluster: Cluster, folder: Path) -> bool:
    """Write the files that the cluster names; tells whether there can be such files in the folder."""
    made = certificate(tuple(sorted({host for service in cluster.services for host in service.hosts})))
    named = [service.reencrypt.authority for service in cluster.services if service.reencrypt]
    contents = {path: made["authority"] for path in named if path}
    for each in cluster.tls.certificates:
        contents |= {each.chain: made["chain"], each.key: made["key"]}
    if cluster.statistics:
        contents[cluster.statistics.password] = b"correct-horse-battery\n"
    if not all(path.parent.resolve() == folder and path.name != "cluster.yml" for path in contents):
        return False
    for path, content in contents.items():
        with suppress(OSError):  # a folder, or a name that is too long
            path.write_bytes(content)
    return True


@cache
def facts_of(guest: str) -> Facts:
    """The facts of the guest; debian12 has this host's HAProxy, which judges its files."""
    if guest != "debian12":
        return all_guests()[guest]
    version = re.findall(r"version ([0-9]+\.[0-9]+)", run(["haproxy", "-v"], timeout=30).out)[0]
    return replace(all_guests()[guest], haproxy_version=version)


def outputs(cluster: Cluster, guest: str) -> dict[str, str] | None:
    """Every text for the first node, by a name that tells its reader; None if the guest's HAProxy is too old."""
    facts, node = facts_of(guest), cluster.nodes[0]
    node_seed = seed(cluster, node, facts)
    place = cluster.libvirt
    link = Link("bridge", place.bridge) if place.bridge else Link("network", place.network or "default")
    shape = Shape(place.pool, "disk", "seed", link, "kvm")
    try:
        files = appliance(cluster, facts, facts.default_keepalived)
    except HaproxyTooOld:
        return None
    return {
        **{path: file.content for path, file in files.items()},
        **node_seed.files(),
        **{path: file.content for path, file in node_seed.direct.items()},
        **identity_files(cluster, node),
        "keepalived.conf": keepalived_conf(cluster, node, facts, facts.default_keepalived, "eth71"),
        "guestinfo.json": json.dumps(guestinfo.variables(node_seed)),
        "ovf-env.xml": ovf.ovf_environment(ovf.properties(node_seed)),
        "domain.xml": with_note(domain(cluster, node, shape), cluster),
    }


@pytest.mark.parametrize("guest", IMAGES)
def test_the_original_spec_is_accepted(guest: str, folder: Path) -> None:
    assert loaded(original_spec(guest), folder)


@thorough
@given(data=st.data())
def test_every_text_is_refused_with_its_place_or_read_back(
    data: st.DataObject, folder: Path, refusals: Callable[[str], list[str]]
) -> None:
    guest = data.draw(st.sampled_from(sorted(IMAGES)), "guest")
    path = data.draw(st.sampled_from(PATHS), "path")
    original, former = with_a_text(guest, path)
    value = data.draw(texts_like(former), "value")
    cluster = loaded(hostile.with_text(original, path, value), folder)
    files = cluster and outputs(cluster, guest)
    if files:
        check_readers(files, guest, path, value, folder)
        assert refusals(files["user-data"]) == []
        if guest == "debian12":
            check_haproxy(files, folder / "root")


def test_every_punctuation_mark_that_check_accepts_is_read_back(folder: Path) -> None:
    spec = original_spec("debian12")
    for path in PATHS:
        if loaded(hostile.with_text(spec, path, "/a!"), folder):  # other texts are names
            accepted = [each for each in MARKS if loaded(hostile.with_text(spec, path, f"/a{each}"), folder)]
            value = "/a" + "".join(accepted)
            cluster = loaded(hostile.with_text(spec, path, value), folder)
            files = cluster and outputs(cluster, "debian12")
            assert files, value
            check_readers(files, "debian12", path, value, folder)
            check_haproxy(files, folder / "root")


def check_haproxy(files: dict[str, str], root: Path) -> None:
    """HAProxy accepts its files, with the paths in them adjusted to a folder."""
    for path, content in files.items():
        if path.startswith(("/etc/haproxy/", "/etc/vipforge/")):
            own = root / path.lstrip("/")
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_text(re.sub(r"(?=/etc/(vipforge|haproxy)\b)", str(root), content))
    words = ["haproxy", "-c", "-f", root / "etc/haproxy/haproxy.cfg", "-f", root / "etc/vipforge/statistics.cfg"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def with_a_text(guest: str, path: hostile.Path) -> tuple[dict[str, Any], str]:
    """The original spec, with a valid text in that place if it has none; and that text."""
    spec = original_spec(guest)
    present = hostile.value_at(spec, path)
    valid = present or hostile.example_at(path)
    return (spec if present else hostile.with_text(spec, path, valid)), valid


@cache
def original_texts(guest: str, path: hostile.Path, folder: Path) -> dict[str, list[str]] | None:
    cluster = loaded(with_a_text(guest, path)[0], folder)
    files = cluster and outputs(cluster, guest)
    return hostile.read(files) if files else None


def check_readers(files: dict[str, str], guest: str, path: hostile.Path, value: str, folder: Path) -> None:
    """The readers find the new text wherever they found the former one, and nowhere else."""
    after, before = hostile.read(files), original_texts(guest, path, folder)
    former, text = with_a_text(guest, path)[1].rstrip("/"), value.rstrip("/")  # where one may end in a slash
    if before is None or not text:
        return
    for name in before.keys() | after.keys():
        old, new = before.get(name, []), after.get(name, [])
        lost = hostile.count(old, former) - hostile.count(new, former, apart_from=text)
        gained = hostile.count(new, text) - hostile.count(old, text, apart_from=former)
        assert gained == lost, name
