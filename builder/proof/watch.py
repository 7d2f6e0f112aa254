"""Watching a pair from where its clients are, for as long as a trial takes."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.errors import UserError
from builder.lab.background import launch
from builder.lab.waiting import until
from builder.proof.pairs import Pair
from builder.proof.probes import plan as plans
from builder.proof.probes.plan import Plan, Target
from builder.proof.seen import Feed, Seen
from builder.spec.places import host
from builder.spec.service import Service

START_SECONDS = 30
END_SECONDS = 30
LOOK_SECONDS = 0.03
LOG = "probes.log"


@dataclass(frozen=True)
class Pace:
    """How fast the probes ask, in seconds; a guest that is emulated bears less."""

    rate: float
    timeout: float = 1.0
    holder_rate: float = 0.01
    holder_patience: float = 0.05
    answers: int = 10
    """So many good answers from each probe of a service mean that it is served."""


class Watch:
    """Probes that run, and what they have seen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._feed = Feed(folder / plans.RECORD)

    def look(self) -> Seen:
        """All that was seen up to now."""
        return self._feed.read()

    def until(self, happened: Callable[[Seen], bool], what: str, *, limit: float) -> None:
        """Wait until something is seen; raises TimedOut."""
        until(lambda: happened(self.look()), what, limit=limit, every=LOOK_SECONDS)

    def finish(self) -> Seen:
        """Stop asking; returns all that was seen. Raises UserError with the probes' own words if they broke."""
        (self._folder / plans.STOP).touch()
        until((self._folder / plans.ENDED).exists, "the probes to end", limit=END_SECONDS)
        broken = (self._folder / LOG).read_text(errors="replace").strip()
        if broken:
            raise UserError(f"the probes broke:\n{broken}")
        return self.look()


@contextmanager
def watching(pair: Pair, pace: Pace) -> Iterator[Watch]:
    """Probes that ask the pair's VIP, ended with the context; raises UserError where they cannot be started."""
    with tempfile.TemporaryDirectory(prefix="vipforge-probes.") as name:
        folder = Path(name)
        plans.write(plan(pair, pace), folder)
        words = [*pair.client(), sys.executable, "-I", "-m", "builder.proof.probes", name]
        launch(words, (folder / plans.READY).exists, "the probes", log=folder / LOG, limit=START_SECONDS)
        watch = Watch(folder)
        try:
            yield watch
        finally:
            watch.finish()


def plan(pair: Pair, pace: Pace) -> Plan:
    """What the probes are to ask a pair; raises UserError where no service of the VIP can be asked."""
    services = [service for service in pair.cluster.services if _can_be_asked(service, pair.vip)]
    if not services:
        raise UserError(f"no service on {pair.vip} can be asked without the PROXY protocol", hint="add a plain one")
    of_mode = {service.mode: service for service in reversed(services)}
    return Plan(
        vip=pair.vip,
        ports={pair.port(name): name for name in pair.names},
        http=_target(of_mode.get("http"), pair.vip),
        tls=_target(of_mode.get("https"), pair.vip),
        tcp=services[0].port,
        greeting=of_mode["tcp"].port if "tcp" in of_mode else None,
        rate=pace.rate,
        timeout=pace.timeout,
        holder_rate=pace.holder_rate,
        holder_patience=pace.holder_patience,
        logs={node: [str(path) for path in files] for node, files in pair.live_logs().items()},
    )


def _can_be_asked(service: Service, vip: str) -> bool:
    """Whether a plain client on that VIP gets an answer that comes from a server."""
    on_vip = not service.vips or vip in map(str, service.vips)
    return on_vip and not service.proxy_protocol.accept and not service.redirect


def _target(service: Service | None, vip: str) -> Target | None:
    if service is None:
        return None
    path = service.check.path if service.check else "/"
    return Target(service.port, path, next(iter(service.hosts), host(vip)))
