"""The system: the appliance's files, kernel settings, services, and their errors."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from builder.guests import GuestFile
from builder.verify.plan import VerifyPlan
from builder.verify.suite.answers import TIME_UNITS, conditional_units, stanzas
from builder.verify.suite.node import RunningNode, one_line, some

CLOCK_TOLERANCE = 60
"""Seconds between two clocks, of which this host's may be the wrong one."""
LEAST_FREE, LITTLE_FREE = 5, 15
"""Percent of the disk: a node with less fails, or gets a warning."""
TABLE_FULL, TABLE_FILLED = 0.95, 0.75


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


def test_sysctl_is_effective(node: RunningNode, files: dict[str, GuestFile]) -> None:
    """The running kernel has the settings in /etc/sysctl.d."""
    lines = [line for path, file in files.items() if "/sysctl.d/" in path for line in file.content.splitlines()]
    expected, found = _settings(lines), _settings(node.lines("kernel settings"))
    other = [f"{name} is {found.get(name, 'absent')}" for name in expected if found.get(name) != expected[name]]
    assert not other, some(other)


def _settings(lines: list[str]) -> dict[str, str]:
    """The settings by name, the last of each counting; sysctl separates several values by tabs."""
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): " ".join(value.split()) for name, _, value in pairs}


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


def test_a_time_service_runs(node: RunningNode) -> None:
    """A time service is enabled and running."""
    units = stanzas(node.output("time units"))
    running = [unit["Id"] for unit in units if (unit["UnitFileState"], unit["ActiveState"]) == ("enabled", "active")]
    assert running, f"none of {', '.join(TIME_UNITS)} is enabled and running"


def test_clock_is_right(node: RunningNode, plan: VerifyPlan, warn: Callable[[str], None]) -> None:
    """The clock is synchronized with a time server."""
    seconds, *synchronized = node.lines("clock")
    if synchronized:
        return
    servers = plan.cluster.network.ntp
    assert not servers, f"no answer from {', '.join(map(str, servers))}"
    began, ended = node.asked
    off = max(began - int(seconds), int(seconds) - ended)
    assert off < CLOCK_TOLERANCE, f"not synchronized, and {off:.0f} s away from the clock of this host"
    warn("the clock is right, but no time server answers, so it will drift: name one in network.ntp")


def test_disk_has_room(node: RunningNode, warn: Callable[[str], None]) -> None:
    """The disk has room."""
    blocks, inodes = (line.split() for line in node.lines("disk")[1::2])
    used, left = int(blocks[2]), int(blocks[3])
    free = min(_percent(used, left), _percent(int(inodes[2]), int(inodes[3])))
    found = f"{free} % are free ({left // 1024} MiB, {inodes[3]} inodes)"
    assert free >= LEAST_FREE, f"only {found}"
    if free < LITTLE_FREE:
        warn(f"only {found}")


def _percent(used: int, left: int) -> int:
    return 100 * left // (used + left)


def test_connection_table_has_room(node: RunningNode, warn: Callable[[str], None]) -> None:
    """The kernel's table of connections has room."""
    used, most = (int(line) for line in node.lines("connections"))
    found = f"{used} of {most} entries are in use"
    assert used < most * TABLE_FULL, found
    if used > most * TABLE_FILLED:
        warn(found)


def test_no_unit_has_failed(node: RunningNode) -> None:
    """No systemd unit has failed."""
    assert not node.lines("failed units"), one_line(node.output("failed units"))


def test_journal_has_no_errors(node: RunningNode) -> None:
    """No service has written an error to the journal since boot."""
    assert not node.lines("journal"), one_line(node.output("journal"))
