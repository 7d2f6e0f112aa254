"""Mutated specs: what `check` accepts, HAProxy and keepalived accept as well; what it refuses has a place.

CONTRIBUTING.md has the command of the long run.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from builder.cli.spec import _further_problems
from builder.core.errors import LocatedProblem, SpecError
from builder.core.run import contain, run
from builder.guests import Facts, all_guests
from builder.image.foundations import choose
from builder.render import appliance
from builder.seed.identity import identity_files, keepalived_conf, peers_cfg
from builder.seed.seed import seed
from builder.spec import report
from builder.spec.keepalived_features import check_version, keepalived_for
from builder.spec.model import Cluster
from builder.spec.positions import Document
from builder.spec.problem import Problem
from tests.mutations import Mutator, base_specs

pytestmark = pytest.mark.integration

COUNT = int(os.environ.get("VIPFORGE_FUZZ", "100"))
SEED = int(os.environ.get("VIPFORGE_FUZZ_SEED", "1"))
GUEST = all_guests()["debian12"]
OLD = all_guests()["centos7"]
CONFIGURATION = "etc/haproxy/haproxy.cfg"
SECONDS = 1800
WORDS, BYTES = 64, 2048
"""The longest line that HAProxy 1.5 reads (MAX_LINE_ARGS, LINESIZE)."""
JUDGE = """
mount -t tmpfs none /run && mkdir /run/vipforge
for state in haproxy-down haproxy-silent hand-over; do echo 0 >/run/vipforge/$state; done
ip link add eth0 type veth peer name other && ip link set lo up && ip link set eth0 up
for file in "$1"/*/keepalived.conf; do
    "$2" --config-test --use-file "$file" >"$file.told" 2>&1 || echo "$file"
done
"""


@dataclass(frozen=True)
class Verdict:
    """What became of one spec: its cluster if it was accepted, and what is wrong with our treatment of it."""

    number: int
    cluster: Cluster | None = None
    faults: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def mutator(folder: Path) -> Mutator:
    return Mutator(base_specs(folder), SEED)


@pytest.fixture(scope="module")
def keepalived(keepalived_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("keepalived")
    run(["tar", "--extract", "--file", keepalived_build, "--directory", root], timeout=60)
    return root / "usr/local/sbin/keepalived"


@pytest.fixture(scope="module")
def release() -> str:
    """The release of this host's HAProxy."""
    version = subprocess.run(["haproxy", "-v"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"version ([0-9]+\.[0-9]+)", version)[0]


@pytest.fixture(scope="module")
def verdicts(mutator: Mutator, folder: Path, release: str) -> list[Verdict]:
    facts = replace(GUEST, haproxy_version=release)
    return [verdict(mutator, number, folder, facts) for number in range(COUNT)]


def verdict(mutator: Mutator, number: int, folder: Path, facts: Facts) -> Verdict:
    path = folder / f"{number}.yml"
    path.write_text(mutator.spec(number))
    placed: list[tuple[Problem, LocatedProblem]] = []
    try:
        with recording(placed):
            (cluster,), _ = report.inspect([path], _further_problems)
    except SpecError as error:
        return Verdict(number, None, tuple(misplaced(path.read_text(), placed, error.problems)))
    except Exception as error:  # noqa: BLE001 - every other one is a finding
        return Verdict(number, None, (f"check ended with {error!r}",))
    try:
        write_files(cluster, facts, folder / str(number))
        refuse_guest(cluster)
        return Verdict(number, cluster, tuple(too_long(cluster)))
    except Exception as error:  # noqa: BLE001 - as above
        return Verdict(number, cluster, (f"accepted, but rendering ended with {error!r}",))


class recording:  # noqa: N801 - used like a function
    """Note every problem together with the place that a document gives it."""

    def __init__(self, placed: list[tuple[Problem, LocatedProblem]]) -> None:
        self.placed, self.locate = placed, Document.locate

    def __enter__(self) -> None:
        def locate(document: Document, problem: Problem) -> LocatedProblem:
            located = self.locate(document, problem)
            self.placed.append((problem, located))
            return located

        Document.locate = locate  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        Document.locate = self.locate  # type: ignore[method-assign]


def misplaced(
    text: str, placed: list[tuple[Problem, LocatedProblem]], shown: tuple[LocatedProblem, ...]
) -> Iterator[str]:
    """Problems without a line, or with another one than that of their key or of the section around it."""
    lines = text.count("\n") + 1
    for located in shown:
        if not (1 <= located.line <= lines and located.column >= 1 and located.reason):
            yield f"no such place: {located}"
    nodes = dict(nodes_of(yaml.compose(text)))
    for problem, located in placed:
        near = next((loc for end in range(len(problem.loc), 0, -1) if (loc := problem.loc[:end]) in nodes), ())
        begins, ends = nodes[near]
        if not begins <= located.line <= ends:
            yield f"line {located.line} instead of {begins} to {ends}: {problem}"
        if not near and len(problem.loc) > 1:
            yield f"nothing of {problem.loc} is in the spec: {problem}"


def nodes_of(
    node: yaml.Node, loc: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], tuple[int, int]]]:
    """The first and the last line of every key with its value, by place."""
    yield loc, (node.start_mark.line + 1, node.end_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            for place, lines in nodes_of(value, (*loc, key.value)):
                yield place, (key.start_mark.line + 1, lines[1]) if len(place) == len(loc) + 1 else lines
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from nodes_of(value, (*loc, index))


def write_files(cluster: Cluster, facts: Facts, folder: Path) -> None:
    """Write haproxy.cfg and keepalived.conf of the first node and what they name below a folder; make a seed, too."""
    node, version = cluster.nodes[0], "2.3.3"
    contents = {path: file.content for path, file in appliance(cluster, facts, version).items()}
    contents |= identity_files(cluster, node)
    contents["/etc/vipforge/peers.cfg"] = peers_cfg(cluster, node, facts, version)
    for path, content in contents.items():
        if path.startswith(("/etc/haproxy/", "/etc/vipforge/")):
            own = folder / path.lstrip("/")
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_text(re.sub(r"(?=/etc/(vipforge|haproxy)\b)", str(folder), content))
    interface = "eth0" if cluster.network.interface == "auto" else cluster.network.interface
    text = keepalived_conf(cluster, node, facts, version, interface)
    (folder / "keepalived.conf").write_text(re.sub(rf"\b{re.escape(interface)}\b", "eth0", text))
    seed(cluster, node, facts)


def refuse_guest(cluster: Cluster) -> None:
    """Render the cluster for the guest that it names, which raises UserError if that guest lacks something."""
    if cluster.guest != "auto":
        guest = choose(cluster, offline=True)
        version = keepalived_for(cluster, guest.facts)
        check_version(cluster, version)
        appliance(cluster, guest.facts, version)


def too_long(cluster: Cluster) -> Iterator[str]:
    """Lines of haproxy.cfg that HAProxy 1.5 does not read, if the spec asks for nothing that it lacks."""
    if cluster.tls.minimum == "1.3":
        return
    text = appliance(cluster, OLD, keepalived_for(cluster, OLD))[f"/{CONFIGURATION}"].content
    for line in text.splitlines():
        if len(re.split(r"(?<!\\)\s+", line.strip())) > WORDS or len(line.encode()) >= BYTES:
            yield f"too long for HAProxy 1.5: {line}"


def test_every_problem_has_its_place_and_every_accepted_spec_is_rendered(verdicts: list[Verdict]) -> None:
    explain(verdicts)
    accepted = sum(each.cluster is not None for each in verdicts)
    assert COUNT / 10 < accepted < COUNT * 0.9, "the mutations no longer make specs of both kinds"


def test_haproxy_accepts_every_accepted_spec(verdicts: list[Verdict], folder: Path) -> None:
    def judged(each: Verdict, cluster: Cluster) -> Verdict:
        root = folder / str(each.number)
        statistics = root / "etc/vipforge/statistics.cfg"
        more = ["-f", statistics] if statistics.exists() else []
        peers = ["-f", root / "etc/vipforge/peers.cfg", "-L", str(cluster.nodes[0].address)]
        words = ["haproxy", "-c", "-f", root / CONFIGURATION, *peers, *more]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return replace(each, faults=(done.stderr,) if done.returncode or "[WARNING]" in done.stderr else ())

    rendered = [
        (each, each.cluster)
        for each in verdicts
        if each.cluster and (folder / str(each.number) / "keepalived.conf").exists()
    ]
    with ThreadPoolExecutor(2) as pool:
        explain(list(pool.map(judged, *zip(*rendered, strict=True))))


def test_keepalived_accepts_every_accepted_spec(verdicts: list[Verdict], folder: Path, keepalived: Path) -> None:
    namespaces = ["unshare", "--mount", "--net", "--", "sh", "-c", JUDGE, "judge", folder, keepalived]
    refused = run(contain(namespaces), timeout=SECONDS).out.split()
    numbers = {int(Path(file).parent.name): Path(f"{file}.told").read_text() for file in refused}
    explain([replace(each, faults=(numbers[each.number],)) for each in verdicts if each.number in numbers])


def explain(verdicts: list[Verdict]) -> None:
    """Fail with what was found; `Mutator.spec` has the text of each spec."""
    found = [(each, fault) for each in verdicts for fault in each.faults]
    shown = "\n".join(f"--- spec {each.number} of seed {SEED}: {fault}" for each, fault in found[:40])
    assert not found, f"{len(found)} findings\n{shown}"
