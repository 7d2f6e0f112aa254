"""The system: the appliance's files, kernel settings, services, and their errors."""

from __future__ import annotations

from hashlib import sha256

from builder.guests import GuestFile
from builder.verify.plan import VerifyPlan
from builder.verify.suite.answers import TIME_UNITS, conditional_units, stanzas
from builder.verify.suite.node import RunningNode, one_line, some


def test_files_match_the_spec(node: RunningNode, files: dict[str, GuestFile]) -> None:
    """The files rendered from the spec are unchanged."""
    sums = (line.split(maxsplit=1) for line in node.answers["sums"].text.splitlines())
    found = {words[1].lstrip("*"): words[0] for words in sums if len(words) > 1}
    other = [path for path, file in files.items() if found.get(path) != sha256(file.content.encode()).hexdigest()]
    assert not other, f"missing or changed: {some(other)}"


def test_files_belong_to_root(node: RunningNode, files: dict[str, GuestFile]) -> None:
    """The files rendered from the spec belong to root and have the right modes."""
    found = set(node.answers["modes"].text.splitlines())
    expected = {f"{file.mode:o} root {path}" for path, file in files.items()}
    assert expected <= found, f"expected: {some(sorted(expected - found))}"


def test_sysctl_is_effective(node: RunningNode, plan: VerifyPlan) -> None:
    """ip_nonlocal_bind is 1 in the running kernel, also for IPv6 if a VIP is IPv6."""
    families = 2 if plan.cluster.vrrp.vips6 else 1
    found = node.lines("nonlocal bind")[:families]
    assert found == ["1"] * families, f"found {', '.join(found) or 'none'}"


def test_huge_pages_are_off(node: RunningNode) -> None:
    """Transparent huge pages are off in the running kernel."""
    found = node.lines("huge pages")
    assert found[-1:] == ["absent"] or "[never]" in " ".join(found), f"found {', '.join(found) or 'none'}"


def test_selinux_is_enforcing(node: RunningNode, plan: VerifyPlan) -> None:
    """SELinux is enforcing if the guest has it."""
    found, expected = node.output("selinux").strip(), "Enforcing" if plan.facts.has_selinux else "absent"
    assert found in (expected, "Enforcing"), f"it is {found}"


def test_services_are_enabled(node: RunningNode) -> None:
    """The node's services start at boot."""
    disabled = [name for name, unit in node.units.items() if unit["UnitFileState"] != "enabled"]
    assert not disabled, f"not enabled: {', '.join(disabled)}"


def test_services_run(node: RunningNode, files: dict[str, GuestFile]) -> None:
    """The node's services run, except those whose conditions are not met."""
    left_out = {name for name in conditional_units(files) if node.units.get(name, {}).get("ConditionResult") == "no"}
    stopped = [
        f"{name} is {unit['ActiveState']}"
        for name, unit in node.units.items()
        if unit["ActiveState"] != "active" and name not in left_out
    ]
    assert not stopped, ", ".join(stopped)


def test_time_is_synchronised(node: RunningNode) -> None:
    """A time service is enabled and running."""
    units = stanzas(node.output("time units"))
    running = [unit["Id"] for unit in units if (unit["UnitFileState"], unit["ActiveState"]) == ("enabled", "active")]
    assert running, f"none of {', '.join(TIME_UNITS)} is enabled and running"


def test_no_unit_has_failed(node: RunningNode) -> None:
    """No systemd unit has failed."""
    assert not node.lines("failed units"), one_line(node.output("failed units"))


def test_journal_has_no_errors(node: RunningNode) -> None:
    """No service has written an error to the journal since boot."""
    assert not node.lines("journal"), one_line(node.output("journal"))
