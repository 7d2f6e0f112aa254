"""`vipforge verify`: reach the nodes, run the suite against them, show its progress, and report."""

from __future__ import annotations

import ast
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from builder.core import paths
from builder.core.errors import InvalidOption, UserError
from builder.core.files import write_atomic
from builder.core.progress import say, step, warn
from builder.core.run import stream
from builder.image import manifest
from builder.lab.ssh import ssh_setup
from builder.nodes import ssh
from builder.spec.keepalived_features import keepalived_for
from builder.spec.load import load
from builder.spec.model import Cluster, Node
from builder.verify import plan
from builder.verify.plan import Report, VerifyPlan

SUITE = Path(__file__).parent / "suite"
SUITE_SECONDS = 30 * 60
WAIT_SECONDS = 60
TAIL_LINES = 20
USABLE = {0, 1}
"""pytest's exit codes after which every check has a result: all passed, some failed."""

PROGRESS = re.compile(r"test_(?P<group>\w+)\.py::.* (PASSED|FAILED|ERROR) +\[ *(?P<percent>\d+)%\]")
"""A result line of `pytest -v`."""


@dataclass(frozen=True)
class Options:
    """The options of a run. `wait` is in seconds."""

    ssh_config: Path | None = None
    junit: Path | None = None
    node: str | None = None
    wait: float = WAIT_SECONDS


def verify(spec: Path, options: Options) -> Report:
    """Check the running nodes of a spec.

    Raises TimedOut if nodes are not reached in time, and UserError if the suite itself could not run.
    """
    cluster = load(spec)
    nodes = _chosen(cluster, options.node)
    folder = paths.build_folder(cluster.cluster, "verify")
    user_config, prefix = ssh_setup(cluster, options.ssh_config)
    began = time.monotonic()
    with ssh.open_access(cluster, user_config, prefix) as access:
        with step(f"reaching {', '.join(node.name for node in nodes)} over SSH"):
            ssh.wait_for(nodes, access, seconds=options.wait)
        with step("checking"):
            junit = _run_suite(_plan(spec, cluster, nodes, access), access, folder)
    report = Report(cluster.cluster, plan.read_results(junit), time.monotonic() - began)
    if options.junit:
        write_atomic(options.junit, plan.junit(report))
    return report


def _chosen(cluster: Cluster, name: str | None) -> tuple[Node, ...]:
    if name is None:
        return cluster.nodes
    node = cluster.node(name)
    if node is None:
        raise InvalidOption(
            f"cluster {cluster.cluster} has no node {name}",
            hint=f"its nodes are {', '.join(each.name for each in cluster.nodes)}",
        )
    return (node,)


def _plan(spec: Path, cluster: Cluster, nodes: tuple[Node, ...], access: ssh.SshAccess) -> VerifyPlan:
    record = manifest.read(paths.build_folder(cluster.cluster)) or {}
    if not record:
        warn("the image has no manifest, so the nodes' packages are not compared with it")
    facts = manifest.facts(cluster)
    return VerifyPlan(
        spec=str(spec.absolute()),
        guest=facts.name,
        keepalived=keepalived_for(cluster, facts),
        nodes=tuple(node.name for node in nodes),
        ssh_config=str(access.config),
        packages=dict(record.get("packages", {})),
    )


def _run_suite(verify_plan: VerifyPlan, access: ssh.SshAccess, folder: Path) -> Path:
    """Run the suite; returns its JUnit file. pytest's own output goes to verify.log beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    junit, log, plan_file = folder / "junit.xml", folder / "verify.log", folder / "plan.json"
    junit.unlink(missing_ok=True)
    plan.write_plan(verify_plan, plan_file)
    with log.open("w") as log_file:
        follower = ResultFollower(log_file)
        argv = [*access.prefix, *pytest_argv(plan_file, junit)]
        environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        code = stream(argv, follower.take, timeout=SUITE_SECONDS, check=False, env=environment)
    if code not in USABLE:
        tail = "".join(f"\n    {line}" for line in log.read_text().splitlines()[-TAIL_LINES:])
        raise UserError(
            f"the checks could not be run (pytest ended with code {code}){tail}", hint=f"the whole log is {log}"
        )
    return junit


def pytest_argv(plan_file: Path, junit: Path) -> list[str]:
    """Return the command line that runs the suite without other plugins, configuration files or caches."""
    isolation = ["-c", "/dev/null", "--rootdir", str(SUITE), "-p", "no:cacheprovider", "--import-mode=importlib"]
    output = ["-v", "--tb=short", "--color=no", f"--junitxml={junit}"]
    return [sys.executable, "-m", "pytest", *isolation, *output, f"--plan={plan_file}", str(SUITE)]


class ResultFollower:
    """Writes pytest's output to a log, and reports when the next group of checks begins."""

    def __init__(self, log: TextIO) -> None:
        self.log = log
        self.group = ""

    def take(self, line: str) -> None:
        """Take one line of pytest's output."""
        self.log.write(line + "\n")
        result = PROGRESS.search(line)
        if result and result["group"] != self.group:
            self.group = result["group"]
            say(f"{self.group} ({result['percent']} %)")


@dataclass(frozen=True, order=True)
class SuiteCheck:
    """One check: the part of a node that it belongs to, and its title in tables."""

    group: str
    title: str


def checks() -> tuple[SuiteCheck, ...]:
    """Return every check of the suite, in the order in which they run."""
    modules = sorted(SUITE.glob("test_*.py"))
    return tuple(check for module in modules for check in _checks_in(module.stem, module.read_text()))


def _checks_in(module: str, source: str) -> list[SuiteCheck]:
    functions = [each for each in ast.parse(source).body if isinstance(each, ast.FunctionDef)]
    tests = [each for each in functions if each.name.startswith("test_")]
    return [
        SuiteCheck(module.removeprefix("test_"), (ast.get_docstring(each) or each.name).rstrip(".")) for each in tests
    ]
