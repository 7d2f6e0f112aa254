"""The installed packages."""

from __future__ import annotations

import re

from builder.verify.plan import VerifyPlan
from builder.verify.suite.node import RunningNode, some

VERSION = re.compile(r"version (\d+(?:\.\d+)+)")
NEEDED = ("haproxy", "firewalld", "psmisc", "rsyslog")


def test_needed_packages_are_installed(node: RunningNode) -> None:
    """HAProxy, firewalld, psmisc and rsyslog are installed."""
    missing = [name for name in NEEDED if name not in node.packages]
    assert not missing, f"not installed: {', '.join(missing)}"


def test_haproxy_has_the_release_of_its_configuration(node: RunningNode, plan: VerifyPlan) -> None:
    """HAProxy has the release that its configuration was written for."""
    expected, first = plan.cluster.haproxy.source or plan.facts.haproxy_version, node.lines("haproxy version")[0]
    found = VERSION.search(first)
    assert found, f"it says: {first}"
    assert f"{found[1]}.".startswith(f"{expected}."), f"{found[1]} is not {expected}"


def test_packages_are_those_of_the_manifest(node: RunningNode, manifest_packages: dict[str, str]) -> None:
    """Packages and versions match the image's manifest."""
    names = sorted(manifest_packages.keys() | node.packages.keys())
    pairs = [(name, manifest_packages.get(name, "none"), node.packages.get(name, "none")) for name in names]
    other = [f"{name} {found} instead of {listed}" for name, listed, found in pairs if listed != found]
    assert not other, some(other)


def test_no_compiler_is_installed(node: RunningNode) -> None:
    """The image contains no compiler."""
    found = node.lines("compilers")
    assert not found, f"found {', '.join(found)}"
