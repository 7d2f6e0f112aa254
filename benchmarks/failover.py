"""What clients feel of the same faults in each profile, side by side in one run, as root.

    .venv/bin/python -m benchmarks.failover [--repeat 10] [--random-seed 1] [--json FILE] [--figure FILE]
        [--classic-keepalived TAR]

The pairs of examples/classic.yml, standard.yml and fast.yml run at the same time in namespaces, and their trials take
turns, so that a busy moment of the host meets all of them. The classic pair runs keepalived 1.2.13 where its source
can be had, else the guest's default. `--classic-keepalived` takes a tar of an installation of 1.2.13 instead, rooted
at /, such as builder.rootfs.compiled makes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from builder.core.progress import say, step
from builder.faults import analysis, limits, trial
from builder.faults.campaign import GUEST, REHEARSAL_CONDITIONS, keepalived_of
from builder.faults.model import ScenarioResult, Spread, Trial
from builder.faults.pairs.netns import served
from builder.faults.report import comparison
from builder.faults.scenarios import all_scenarios
from builder.faults.trial import Stage
from builder.lab import netns
from builder.spec.load import load

EXAMPLES = Path(__file__).parents[1] / "examples"
PROFILES = ("classic", "standard", "fast")
ARTICLE = "1.2.13"
PROBES = ("http", "ping")
WHOSE = {"classic": "the article's configuration", "standard": "vipforge, standard", "fast": "vipforge, fast"}


@dataclass(frozen=True)
class Event:
    """A row of the table: a scenario, and which part of its trials is measured."""

    name: str
    scenario: str
    measure: Callable[[Trial, str], float]
    targets: tuple[str, str, str]
    """What it is to be, by profile, for the eye."""


EVENTS = (
    Event("HAProxy killed", "haproxy-killed", analysis.of_fault, ("3.06 s median", "50 ms p95", "30 ms p95")),
    Event("fail back", "haproxy-killed", analysis.of_recovery, ("-", "30 ms", "15 ms")),
    Event("HAProxy hung", "haproxy-hung", analysis.of_fault, ("never noticed", "3 s", "0.6 s")),
    Event("node gone (cable out)", "link-cut", analysis.of_fault, ("3.4-3.7 s", "3.2 s", "0.35 s")),
    Event("planned hand-over", "hand-over", analysis.of_fault, ("0.65 s", "30 ms", "15 ms")),
)


@dataclass(frozen=True)
class Row:
    """What an event came to in one profile; `http_s` is what clients felt, `ping_s` what a ping shows."""

    event: str
    profile: str
    target: str
    http_s: Spread
    ping_s: Spread
    each_s: tuple[float, ...]


def main(words: Sequence[str]) -> None:
    """Measure, print the table, and write the numbers."""
    asked = _arguments(words)
    with tempfile.TemporaryDirectory() as state, ExitStack() as stack:
        os.environ["VIPFORGE_STATE"] = state
        stages = {name: stack.enter_context(_stage(name, asked)) for name in PROFILES}
        versions = {name: stage.pair.versions() for name, stage in stages.items()}
        trials = _trials(stages, asked.repeat)
    rows = [_row(event, number, trials) for event in EVENTS for number in range(len(PROFILES))]
    print(_table(rows, versions))
    if asked.json:
        data = {"versions": versions, "repeats": asked.repeat, "rows": [asdict(row) for row in rows]}
        asked.json.write_text(json.dumps(data, indent=1) + "\n")
    if asked.figure:
        comparison.write_comparison(_compared(stages, versions, trials), asked.figure)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=10, help="trials of each scenario and profile")
    parser.add_argument("--random-seed", type=int, default=1, help="decides how long trials wait before their faults")
    parser.add_argument("--json", type=Path, help="where the numbers are written")
    parser.add_argument("--figure", type=Path, help="where the README's figure is written")
    parser.add_argument("--classic-keepalived", type=Path, help=f"a tar of keepalived {ARTICLE}")
    return parser.parse_args(words)


@contextmanager
def _stage(profile: str, asked: argparse.Namespace) -> Iterator[Stage]:
    """A pair that serves."""
    cluster = load(EXAMPLES / f"{profile}.yml")
    if profile == "classic" and asked.classic_keepalived:
        version, build = ARTICLE, asked.classic_keepalived
    else:
        wanted = {"keepalived": ARTICLE} if profile == "classic" else {}
        version, build = keepalived_of(cluster.model_copy(update=wanted))
    with netns.pair(cluster, GUEST, version, build) as running:
        order = Random(asked.random_seed)  # noqa: S311 - no secret
        yield Stage(served(running), REHEARSAL_CONDITIONS.pace, REHEARSAL_CONDITIONS.patience, order)


def _trials(stages: dict[str, Stage], repeat: int) -> dict[tuple[str, str], list[Trial]]:
    """Trials by scenario and profile, which take turns."""
    found: dict[tuple[str, str], list[Trial]] = {}
    names = dict.fromkeys(event.scenario for event in EVENTS)
    for number in range(1, repeat + 1):
        with step(f"round {number} of {repeat}"):
            for name in names:
                for profile, stage in stages.items():
                    seen = trial.run_trial(stage, all_scenarios()[name], number)
                    found.setdefault((name, profile), []).append(seen)
                    _tell(profile, seen)
    return found


def _tell(profile: str, seen: Trial) -> None:
    felt = analysis.service(analysis.of_fault, seen)
    faults = "".join(f"; {fault}" for fault in seen.faults)
    say(f"{seen.scenario}, {profile}: {felt:.3f} s, {len(seen.stalls)} stalls of the probes{faults}")


def _compared(
    stages: dict[str, Stage], versions: dict[str, dict[str, str]], trials: dict[tuple[str, str], list[Trial]]
) -> dict[str, list[ScenarioResult]]:
    """The trials as the figure takes them."""
    found: dict[str, list[ScenarioResult]] = {}
    for (name, profile), seen in trials.items():
        result = limits.judge(stages[profile].pair.cluster, all_scenarios()[name], seen, emulated=False)
        found.setdefault(f"{WHOSE[profile]}, keepalived {versions[profile]['keepalived']}", []).append(result)
    return found


def _row(event: Event, number: int, trials: dict[tuple[str, str], list[Trial]]) -> Row:
    profile = PROFILES[number]
    seen = trials[event.scenario, profile]
    of_probe = {probe: [event.measure(each, probe) for each in seen] for probe in PROBES}
    spreads = {f"{probe}_s": analysis.spread(values) for probe, values in of_probe.items()}
    return Row(event.name, profile, event.targets[number], each_s=tuple(of_probe["http"]), **spreads)


def _table(rows: Sequence[Row], versions: dict[str, dict[str, str]]) -> str:
    """Markdown."""
    used = ", ".join(f"{name} on keepalived {found['keepalived']}" for name, found in versions.items())
    lines = [
        f"{used}; HAProxy {versions['fast']['haproxy']}, kernel {versions['fast']['kernel']}, {_host()}",
        "",
        "| event | profile | median | p95 | worst | to be | a ping's median |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        times = " | ".join(f"{value:.3f} s" for value in (row.http_s.median, row.http_s.p95, row.http_s.worst))
        lines.append(f"| {row.event} | {row.profile} | {times} | {row.target} | {row.ping_s.median:.3f} s |")
    return "\n".join(lines)


def _host() -> str:
    return f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} at the end"


if __name__ == "__main__":
    main(sys.argv[1:])
