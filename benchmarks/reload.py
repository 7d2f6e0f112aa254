"""Count the requests that reloads of HAProxy lose: `python -m benchmarks.reload [REQUESTS]`, as root.

A node of examples/quickstart.yml in namespaces runs HAProxy like its unit, with master and worker. Clients send
requests to the VIP's web service over new connections while HAProxy reloads every second (SIGUSR2 to the master).
Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from builder.core.waiting import launch
from builder.guests import all_guests
from builder.lab import netns
from builder.lab.netns import NetnsNode
from builder.rootfs import compiled
from builder.rootfs.compiled import DebianBuildRoot
from builder.spec.load import load

REQUESTS = 20_000
EVERY = 1.0
"""The time between two reloads, in seconds."""
CLIENTS = 8
SECONDS = 10
FIRST_TRIES = 200
"""At intervals of a tenth of a second; the election of a master takes several of them."""
FACTS = all_guests()["debian12"]
SPEC = Path(__file__).parents[1] / "examples" / "quickstart.yml"


@dataclass(frozen=True)
class ReloadResult:
    """The number of answers by kind, of reloads and of new workers, and the duration."""

    answers: dict[str, int]
    reloads: int
    workers: int
    seconds: float


def measure(requests: int, state: Path) -> ReloadResult:
    """Send a number of requests during reloads; `state` is an empty folder."""
    os.environ["VIPFORGE_STATE"] = str(state)
    build = compiled.build_keepalived(DebianBuildRoot("bookworm"), FACTS.default_keepalived, offline=False)
    with netns.pair(load(SPEC), FACTS, FACTS.default_keepalived, build) as pair:
        node = pair.nodes[0]
        node.identify()
        master = _start(node, state / "haproxy.log")
        node.begin("keepalived")
        words = [*pair.client(), sys.executable, "-m", "benchmarks.reload", "ask", str(pair.cluster.vrrp.vips[0])]
        client = subprocess.Popen([*words, str(requests)], stdout=subprocess.PIPE, text=True)
        began, reloads = time.monotonic(), 0
        while client.poll() is None:
            node.run("kill", "-USR2", master)
            reloads += 1
            time.sleep(EVERY)
        log = (state / "haproxy.log").read_text()
        answers = json.loads(client.stdout.read()) if client.stdout else {}
        return ReloadResult(answers, reloads, log.count("New worker"), round(time.monotonic() - began, 1))


def _start(node: NetnsNode, log: Path) -> str:
    """Start HAProxy as master and worker; returns the master's process ID on the node."""
    words = node.inside("haproxy", "-W", "-n", "2000", "-p", "/run/haproxy.pid", "-f", "/etc/haproxy/haproxy.cfg")
    socket = node.path("/run/haproxy/admin.sock")
    launch(words, socket.exists, "haproxy", log=log, limit=SECONDS)
    node.run("/usr/libexec/vipforge/haproxy-state", "up")
    return node.path("/run/haproxy.pid").read_text().split()[0]


async def _ask(host: str) -> str:
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, 80), SECONDS)
        writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), SECONDS)
        writer.close()
    except (OSError, TimeoutError) as failure:
        return type(failure).__name__
    return answer.split(b" ", 2)[1].decode() if answer else "empty"


async def _load(host: str, requests: int) -> Counter[str]:
    """Wait for the first answer, then send the requests and count the answers."""
    for _ in range(FIRST_TRIES):
        if await _ask(host) == "200":
            break
        await asyncio.sleep(0.1)
    answers: Counter[str] = Counter()

    async def client() -> None:
        for _ in range(requests // CLIENTS):
            answers[await _ask(host)] += 1

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return answers


def main(words: list[str]) -> None:
    """Run the benchmark, or with `ask HOST REQUESTS` its clients."""
    if words[:1] == ["ask"]:
        result: object = asyncio.run(_load(words[1], int(words[2])))
    else:
        with tempfile.TemporaryDirectory() as folder:
            result = asdict(measure(int(words[0]) if words else REQUESTS, Path(folder)))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
