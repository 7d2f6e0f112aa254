"""keepalived: built from source, configured as the spec says, and running."""

from __future__ import annotations

import re

from builder.seed.identity import keepalived_conf
from builder.spec.model import Cluster
from builder.verify.plan import VerifyPlan
from builder.verify.suite.node import RunningNode, one_line

PROGRAM = "/usr/local/sbin/keepalived"


def test_version_is_the_requested_one(node: RunningNode, plan: VerifyPlan) -> None:
    """/usr/local/sbin/keepalived has the requested version."""
    first = node.lines("keepalived version")[0]
    assert f"Keepalived v{plan.keepalived} " in f"{first} ", f"{PROGRAM} says: {first}"


def test_no_package_of_the_distribution(node: RunningNode) -> None:
    """The distribution's keepalived package is not installed."""
    found = node.packages.get("keepalived")
    assert found is None, f"package keepalived {found} is installed"


def test_the_build_is_what_runs(node: RunningNode) -> None:
    """The running keepalived is /usr/local/sbin/keepalived."""
    found = node.lines("keepalived programs")
    assert found == [PROGRAM], f"running: {', '.join(found) or 'none'}"


def test_init_script_is_executable(node: RunningNode) -> None:
    """/etc/init.d/keepalived exists and is executable."""
    found = node.output("init script").strip()
    assert found == "755 root", f"its mode and owner are {found}"


def test_init_script_starts_in_its_runlevels(node: RunningNode) -> None:
    """The init script is enabled in runlevels 2 to 5 if the guest has chkconfig."""
    found = re.findall(r"\b([0-6]):(on|off)\b", node.output("runlevels"))
    wrong = [level for level, state in found if (state == "on") != (level in "2345")]
    assert not wrong, f"wrong in {', '.join(wrong)}: {one_line(node.output('runlevels'))}"
    assert found or node.output("runlevels").strip() == "absent", one_line(node.output("runlevels"))


def test_configuration_matches_the_spec(node: RunningNode, cluster: Cluster, plan: VerifyPlan) -> None:
    """keepalived.conf is identical to the one rendered from the spec."""
    expected = keepalived_conf(cluster, node.spec, plan.facts, plan.keepalived, node.interface)
    found = node.output("keepalived.conf")
    differing = [f"`{line.strip()}`" for line in expected.splitlines() if line not in found.splitlines()]
    assert found == expected, f"/etc/keepalived/keepalived.conf differs; it lacks {', '.join(differing) or 'nothing'}"


def test_the_log_mentions_every_instance(node: RunningNode, cluster: Cluster) -> None:
    """The log mentions every VRRP instance."""
    log = node.answers["keepalived log"].text
    missing = [each.name for each in cluster.vrrp.all_instances if f"({each.name})" not in log]
    assert not missing, f"the journal contains no state of {', '.join(missing)} since boot"


def test_configuration_is_accepted(node: RunningNode) -> None:
    """The configuration passes keepalived's own check."""
    node.output("keepalived test")
