"""Compare the outages that the same faults cause for clients in each profile, in one run, as root.

    .venv/bin/python -m benchmarks.failover [--repeat 10] [--random-seed 1] [--json FILE] [--figure FILE]
        [--classic-keepalived TAR]

The pairs of examples/classic.yml, standard.yml and fast.yml run at the same time in namespaces, and their trials take
turns, so that a busy moment of the host affects all of them. The classic pair runs keepalived 1.2.13 if its source is
available, and otherwise the guest's default. `--classic-keepalived` takes a tar of an installation of 1.2.13 instead,
rooted at /, as created by builder.rootfs.compiled.
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
from builder.faults.campaign import GUEST, REHEARSAL_CONDITIONS, available_keepalived
from builder.faults.model import ScenarioResult, Spread, Trial
from builder.faults.pairs.netns import serving_pair
from builder.faults.report import comparison
from builder.faults.scenarios import all_scenarios
from builder.faults.trial import Stage
from builder.lab import netns
from builder.spec.load import load

EXAMPLES = Path(__file__).parents[1] / "examples"
PROFILES = ("classic", "standard", "fast")
ARTICLE = "1.2.13"
PROBES = ("http", "ping")
LABELS = {"classic": "the article's configuration", "standard": "vipforge, standard", "fast": "vipforge, fast"}


@dataclass(frozen=True)
class Event:
    """A row of the table: a scenario, and the measured part of its trials."""

    name: str
    scenario: str
    measure: Callable[[Trial, str], float]
    targets: tuple[str, str, str]
    """The target for each profile, for display only."""


EVENTS = (
    Event("HAProxy killed", "haproxy-killed", analysis.fault_outage, ("3.06 s median", "50 ms p95", "30 ms p95")),
    Event("fail-back", "haproxy-killed", analysis.recovery_outage, ("-", "30 ms", "15 ms")),
    Event("HAProxy hung", "haproxy-hung", analysis.fault_outage, ("never noticed", "3 s", "0.6 s")),
    Event("node gone (its cable unplugged)", "link-cut", analysis.fault_outage, ("3.4-3.7 s", "3.2 s", "0.35 s")),
    Event("planned hand-over", "hand-over", analysis.fault_outage, ("0.65 s", "30 ms", "15 ms")),
)


@dataclass(frozen=True)
class Row:
    """The results of an event in one profile: `http_s` is the clients' outage, `ping_s` the outage of a ping."""

    event: str
    profile: str
    target: str
    http_s: Spread
    ping_s: Spread
    each_s: tuple[float, ...]


def main(words: Sequence[str]) -> None:
    """Measure, print the table, and write the results."""
    arguments = _arguments(words)
    with tempfile.TemporaryDirectory() as state, ExitStack() as stack:
        os.environ["VIPFORGE_STATE"] = state
        stages = {name: stack.enter_context(_stage(name, arguments)) for name in PROFILES}
        versions = {name: stage.pair.versions() for name, stage in stages.items()}
        trials = _trials(stages, arguments.repeat)
    rows = [_row(event, number, trials) for event in EVENTS for number in range(len(PROFILES))]
    print(_table(rows, versions))
    if arguments.json:
        data = {"versions": versions, "repeats": arguments.repeat, "rows": [asdict(row) for row in rows]}
        arguments.json.write_text(json.dumps(data, indent=1) + "\n")
    if arguments.figure:
        comparison.write_comparison(_compared(stages, versions, trials), arguments.figure)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=10, help="trials of each scenario and profile")
    parser.add_argument("--random-seed", type=int, default=1, help="determines the waits before the faults")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--figure", type=Path, help="write the README's figure to this file")
    parser.add_argument("--classic-keepalived", type=Path, help=f"a tar of keepalived {ARTICLE}")
    return parser.parse_args(words)


@contextmanager
def _stage(profile: str, arguments: argparse.Namespace) -> Iterator[Stage]:
    """A serving pair."""
    cluster = load(EXAMPLES / f"{profile}.yml")
    if profile == "classic" and arguments.classic_keepalived:
        version, build = ARTICLE, arguments.classic_keepalived
    else:
        override = {"keepalived": ARTICLE} if profile == "classic" else {}
        version, build = available_keepalived(cluster.model_copy(update=override))
    with netns.pair(cluster, GUEST, version, build) as running:
        order = Random(arguments.random_seed)  # noqa: S311 - no secret
        yield Stage(serving_pair(running), REHEARSAL_CONDITIONS.pace, REHEARSAL_CONDITIONS.patience, order)


def _trials(stages: dict[str, Stage], repeat: int) -> dict[tuple[str, str], list[Trial]]:
    """Run the trials in turns; returns them by scenario and profile."""
    trials: dict[tuple[str, str], list[Trial]] = {}
    names = dict.fromkeys(event.scenario for event in EVENTS)
    for number in range(1, repeat + 1):
        with step(f"round {number} of {repeat}"):
            for name in names:
                for profile, stage in stages.items():
                    done = trial.run_trial(stage, all_scenarios()[name], number)
                    trials.setdefault((name, profile), []).append(done)
                    _report(profile, done)
    return trials


def _report(profile: str, done: Trial) -> None:
    outage = analysis.worst_service(analysis.fault_outage, done)
    failures = "".join(f"; {failure}" for failure in done.failures)
    say(f"{done.scenario}, {profile}: {outage:.3f} s, {len(done.stalls)} stalls of the probes{failures}")


def _compared(
    stages: dict[str, Stage], versions: dict[str, dict[str, str]], trials: dict[tuple[str, str], list[Trial]]
) -> dict[str, list[ScenarioResult]]:
    """The results by configuration, for the figure."""
    results: dict[str, list[ScenarioResult]] = {}
    for (name, profile), of_one in trials.items():
        result = limits.judge(stages[profile].pair.cluster, all_scenarios()[name], of_one, emulated=False)
        results.setdefault(f"{LABELS[profile]}, keepalived {versions[profile]['keepalived']}", []).append(result)
    return results


def _row(event: Event, number: int, trials: dict[tuple[str, str], list[Trial]]) -> Row:
    profile = PROFILES[number]
    of_event = trials[event.scenario, profile]
    of_probe = {probe: [event.measure(each, probe) for each in of_event] for probe in PROBES}
    spreads = {f"{probe}_s": analysis.spread(values) for probe, values in of_probe.items()}
    return Row(event.name, profile, event.targets[number], each_s=tuple(of_probe["http"]), **spreads)


def _table(rows: Sequence[Row], versions: dict[str, dict[str, str]]) -> str:
    """The results as a Markdown table."""
    used = ", ".join(f"{name} on keepalived {programs['keepalived']}" for name, programs in versions.items())
    lines = [
        f"{used}; HAProxy {versions['fast']['haproxy']}, kernel {versions['fast']['kernel']}, {_host()}",
        "",
        "| event | profile | median | p95 | worst | target | median of ping |",
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
