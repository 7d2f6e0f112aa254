"""Compare HAProxy's throughput with a rendered and with a hand-written configuration; as root, with Debian's wrk.

    .venv/bin/python -m benchmarks.throughput [--rounds 15] [--seconds 2] [--json]

`ours` is the haproxy.cfg of examples/quickstart.yml. `minimal` has only what such a service requires: the same check
and the same access log. `bare` has neither, which shows what they cost. All run at the same time in one network
namespace, on one processor. Their rounds take turns; wrk and another HAProxy, which acts as the servers, run on the
other processors. A ratio is the median of the rounds' ratios to `minimal`. The processor time per request shows the
same with less noise.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from builder import render
from builder.core.run import contain, need, run
from builder.guests import all_guests
from builder.spec.load import load
from builder.spec.model import Cluster

EXAMPLE = Path(__file__).parents[1] / "examples" / "quickstart.yml"
FACTS = all_guests()["debian12"]
CONNECTIONS = 64
SECONDS = 60
MOST_CONNECTIONS = "2000"
FIRST, OTHERS = ("taskset", "-c", "0"), ("taskset", "-c", f"1-{max((os.cpu_count() or 2) - 1, 1)}")
"""The processor of the proxies, and the processors of everything else."""
CHECKED_SECONDS = 5
"""The time until the checks have marked the servers as up."""
JAIL, RUN = "/var/lib/haproxy", "/run/haproxy"
PORTS = {"ours": 80, "minimal": 81, "bare": 82}
WAYS = {"connections kept": (), "one connection each": ("-H", "Connection: close")}
SERVERS = """\
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend servers
{binds}
    http-request return status 200 content-type text/plain string 0123456789012345678901234567890123456789
"""
BY_HAND = """\
global
    {log}
    chroot {jail}
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    {log_format}
frontend web
    bind {vip}:{port}
    default_backend web
backend web
    {check}
{servers}
"""
LOGGED = {
    "log": "log /dev/log local0",
    "log_format": "log global\n    option httplog",
    "check": "option httpchk GET /health",
    "checked": " check",
}
BARE = dict.fromkeys(LOGGED, "")


@dataclass(frozen=True)
class Sample:
    """One round of one variant: requests per second, processor time per request, and HAProxy's processor usage."""

    rate: float
    micros: float
    busy: float


@dataclass(frozen=True)
class Row:
    """The medians of a variant; ratios are relative to `minimal`, and higher is better."""

    way: str
    variant: str
    rate: float
    micros: float
    busy: float
    rate_ratio: float
    processor_ratio: float


def main(words: Sequence[str]) -> None:
    """Start the benchmark in separate namespaces; inside them, run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if not arguments.inside:
        need("wrk", "wrk")
        inner = [sys.executable, "-m", "benchmarks.throughput", *words, "--inside"]
        sys.exit(subprocess.run(contain(inner, network=False), check=False).returncode)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(arguments.rounds, arguments.seconds, Path(folder))
    print(json.dumps([asdict(row) for row in rows], indent=1) if arguments.json else table(rows))


def measure(rounds: int, seconds: int, folder: Path) -> list[Row]:
    """Measure all variants with both kinds of requests, in turns."""
    cluster = load(EXAMPLE)
    vip = str(cluster.vrrp.vips[0])
    _prepare(cluster)
    with ExitStack() as stack:
        stack.enter_context(_log(Path(JAIL) / "dev" / "log"))
        stack.enter_context(_haproxy(folder / "servers.cfg", _servers(cluster), OTHERS))
        pids = {
            name: stack.enter_context(_haproxy(folder / f"{name}.cfg", text, FIRST))
            for name, text in _texts(cluster).items()
        }
        time.sleep(CHECKED_SECONDS)
        samples = [_round(number, pids, vip, seconds) for number in range(rounds)]
    return [_row(way, name, samples) for way in WAYS for name in PORTS]


def _prepare(cluster: Cluster) -> None:
    """Add the addresses of the VIP and the servers, and mount private folders, which the mount namespace allows."""
    for address in (cluster.vrrp.vips[0], *(server.address for server in cluster.services[0].servers)):
        run(["ip", "address", "add", f"{address}/32", "dev", "lo"], timeout=SECONDS)
    for place in (JAIL, RUN):
        Path(place).mkdir(parents=True, exist_ok=True)
        run(["mount", "-t", "tmpfs", "tmpfs", place], timeout=SECONDS)


@contextmanager
def _log(place: Path) -> Iterator[None]:
    """Receive HAProxy's log and discard it."""
    place.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(place))
        place.chmod(0o666)
        program = "import socket; receiver = socket.socket(fileno=0)\nwhile receiver.recv(65536): pass"
        with _running([*OTHERS, sys.executable, "-c", program], stdin=receiver.fileno()):
            yield


@contextmanager
def _haproxy(path: Path, text: str, where: Sequence[str]) -> Iterator[int]:
    """Run HAProxy with a configuration; yields its process ID."""
    path.write_text(text)
    with _running([*where, "haproxy", "-db", "-n", MOST_CONNECTIONS, "-f", str(path)]) as pid:
        yield pid


@contextmanager
def _running(words: Sequence[str], stdin: int | None = None) -> Iterator[int]:
    with subprocess.Popen(words, stdin=stdin) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def _servers(cluster: Cluster) -> str:
    """The configuration of the HAProxy that acts as all servers."""
    places = (f"    bind {server.address}:{server.port}" for server in cluster.services[0].servers)
    return SERVERS.format(binds="\n".join(places))


def _texts(cluster: Cluster) -> dict[str, str]:
    """The configurations of the variants."""
    servers = cluster.services[0].servers
    rendered = render.overlay_text("/etc/haproxy/haproxy.cfg", cluster, FACTS, FACTS.default_keepalived)
    texts = {"ours": rendered}
    for name, extra in (("minimal", LOGGED), ("bare", BARE)):
        lines = (f"    server {each.name} {each.address}:{each.port}{extra['checked']}" for each in servers)
        places = {"vip": cluster.vrrp.vips[0], "port": PORTS[name], "jail": JAIL, "servers": "\n".join(lines)}
        texts[name] = BY_HAND.format(**places, **extra)
    return texts


def _round(number: int, pids: dict[str, int], vip: str, seconds: int) -> dict[tuple[str, str], Sample]:
    """Measure each variant once with each kind of requests; the order changes from round to round."""
    names = [*PORTS][number % len(PORTS) :] + [*PORTS][: number % len(PORTS)]
    targets = {(way, name): (f"http://{vip}:{PORTS[name]}/", pids[name]) for way in WAYS for name in names}
    return {key: _load(url, pid, WAYS[key[0]], seconds) for key, (url, pid) in targets.items()}


def _load(url: str, pid: int, options: Sequence[str], seconds: int) -> Sample:
    """Send requests as fast as possible; raises SystemExit unless all are answered with success."""
    before, began = _processor(pid), time.monotonic()
    words = [*OTHERS, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *options, url]
    output = run(words, timeout=seconds + SECONDS).out
    used, wall = _processor(pid) - before, time.monotonic() - began
    requests, rate = re.search(r"(\d+) requests in", output), re.search(r"Requests/sec: +([\d.]+)", output)
    if not requests or not rate or not int(requests[1]) or "Non-2xx" in output:
        sys.exit(f"requests to {url} failed:\n{output}")
    return Sample(float(rate[1]), used / int(requests[1]) * 1e6, used / wall)


def _processor(pid: int) -> float:
    """The processor time of a single-threaded process, in seconds (the kernel's sched-stats.rst)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _row(way: str, name: str, samples: Sequence[dict[tuple[str, str], Sample]]) -> Row:
    """The medians over the rounds; ratios compare samples of the same round."""
    pairs = [(each[way, name], each[way, "minimal"]) for each in samples]
    median = statistics.median
    return Row(
        way,
        name,
        median(own.rate for own, _ in pairs),
        median(own.micros for own, _ in pairs),
        median(own.busy for own, _ in pairs),
        median(own.rate / other.rate for own, other in pairs),
        median(other.micros / own.micros for own, other in pairs),
    )


def table(rows: Sequence[Row]) -> str:
    """The results as a Markdown table."""
    lines = [
        f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} at the end",
        "",
        "| requests | configuration | per second | vs. minimal | CPU time per request | vs. minimal | HAProxy busy |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        numbers = f"{row.rate:.0f} | {row.rate_ratio:.2f} | {row.micros:.1f} µs | {row.processor_ratio:.2f}"
        lines.append(f"| {row.way} | {row.variant} | {numbers} | {row.busy:.0%} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
