"""`vipforge verify`: reach the nodes, run the suite against them, follow it, and report."""

from __future__ import annotations

import ast
import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from builder.core import paths
from builder.core.errors import UserError
from builder.core.progress import say, step, warn
from builder.core.run import stream
from builder.image import manifest
from builder.lab.ssh import way_in
from builder.nodes import ssh
from builder.spec.features import keepalived_for
from builder.spec.load import load
from builder.spec.model import Cluster, Node
from builder.verify import plan
from builder.verify.plan import Report, VerifyPlan

SUITE = Path(__file__).parent / "suite"
SUITE_SECONDS = 30 * 60
WAIT_SECONDS = 60
TAIL_LINES = 20
USABLE = {0, 1}
"""pytest's exit codes after which every check has its result: all passed, some failed."""

PROGRESS = re.compile(r"test_(?P<group>\w+)\.py::.* (PASSED|FAILED|ERROR) +\[ *(?P<percent>\d+)%\]")
"""A line of pytest -v."""


@dataclass(frozen=True)
class Options:
    """What a person may ask of a run. `wait` is in seconds."""

    ssh_config: Path | None = None
    junit: Path | None = None
    node: str | None = None
    wait: float = WAIT_SECONDS


def verify(spec: Path, options: Options) -> Report:
    """Check the running nodes of a spec.

    Raises TimedOut where nodes are not reached in time, UserError where the suite itself could not run.
    """
    cluster = load(spec)
    nodes = _chosen(cluster, options.node)
    folder = paths.build_folder(cluster.cluster, "verify")
    user_config, prefix = way_in(cluster, options.ssh_config)
    began = time.monotonic()
    with ssh.access(cluster, user_config, prefix) as way:
        with step(f"reaching {', '.join(node.name for node in nodes)} over SSH"):
            ssh.wait_for(nodes, way, seconds=options.wait)
        with step("checking"):
            junit = _run(_plan(spec, cluster, nodes, way), way, folder)
    report = Report(cluster.cluster, plan.read_results(junit), time.monotonic() - began)
    if options.junit:
        options.junit.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(junit, options.junit)
    return report


def _chosen(cluster: Cluster, name: str | None) -> tuple[Node, ...]:
    if name is None:
        return cluster.nodes
    node = cluster.node(name)
    if node is None:
        raise UserError(
            f"cluster {cluster.cluster} has no node {name}",
            hint=f"its nodes are {', '.join(each.name for each in cluster.nodes)}",
        )
    return (node,)


def _plan(spec: Path, cluster: Cluster, nodes: tuple[Node, ...], way: ssh.SshAccess) -> VerifyPlan:
    record = manifest.read(paths.build_folder(cluster.cluster)) or {}
    if not record:
        warn("no manifest beside the image: the nodes' packages are not compared with it")
    facts = manifest.facts(cluster)
    return VerifyPlan(
        spec=str(spec.absolute()),
        guest=facts.name,
        keepalived=keepalived_for(cluster, facts),
        nodes=tuple(node.name for node in nodes),
        ssh_config=str(way.config),
        packages=dict(record.get("packages", {})),
    )


def _run(asked: VerifyPlan, way: ssh.SshAccess, folder: Path) -> Path:
    """Run the suite; returns its JUnit file. pytest's own words go to verify.log beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    junit, log, handed = folder / "junit.xml", folder / "verify.log", folder / "plan.json"
    junit.unlink(missing_ok=True)
    plan.write_plan(asked, handed)
    with log.open("w") as words:
        follower = ResultFollower(words)
        argv = [*way.prefix, *pytest_argv(handed, junit)]
        environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        code = stream(argv, follower.take, timeout=SUITE_SECONDS, check=False, env=environment)
    if code not in USABLE:
        tail = "".join(f"\n    {line}" for line in log.read_text().splitlines()[-TAIL_LINES:])
        raise UserError(f"the checks could not be run (pytest ended with code {code}){tail}", hint=f"all of it: {log}")
    return junit


def pytest_argv(handed: Path, junit: Path) -> list[str]:
    """The pytest that runs the suite: no plugin, no configuration file and no cache but its own."""
    alone = ["-c", "/dev/null", "--rootdir", str(SUITE), "-p", "no:cacheprovider", "--import-mode=importlib"]
    shown = ["-v", "--tb=short", "--color=no", f"--junitxml={junit}"]
    return [sys.executable, "-m", "pytest", *alone, *shown, f"--plan={handed}", str(SUITE)]


class ResultFollower:
    """Keeps pytest's words in a log, and says when the next group of checks begins."""

    def __init__(self, log: TextIO) -> None:
        self.log = log
        self.group = ""

    def take(self, line: str) -> None:
        """One line of pytest."""
        self.log.write(line + "\n")
        found = PROGRESS.search(line)
        if found and found["group"] != self.group:
            self.group = found["group"]
            say(f"{self.group} ({found['percent']} %)")


@dataclass(frozen=True, order=True)
class SuiteCheck:
    """One check: the part of a node that it belongs to, and its title in tables."""

    group: str
    title: str


def checks() -> tuple[SuiteCheck, ...]:
    """Every check of the suite, in the order in which they run."""
    return tuple(check for module in sorted(SUITE.glob("test_*.py")) for check in _of(module.stem, module.read_text()))


def _of(module: str, source: str) -> list[SuiteCheck]:
    functions = [each for each in ast.parse(source).body if isinstance(each, ast.FunctionDef)]
    tests = [each for each in functions if each.name.startswith("test_")]
    return [
        SuiteCheck(module.removeprefix("test_"), (ast.get_docstring(each) or each.name).rstrip(".")) for each in tests
    ]
