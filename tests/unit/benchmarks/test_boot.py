"""How the benchmark of boots evaluates its measurements."""

from __future__ import annotations

from benchmarks.boot import Booted, compared, in_use


def test_the_ratio_compares_the_medians() -> None:
    node = [Booted(40.0, 30.0), Booted(20.0, 10.0), Booted(21.0, 11.0)]
    plain = [Booted(60.0, 44.0), Booted(42.0, 22.0), Booted(41.0, 21.0)]
    found = compared(node, plain)
    assert found["ratio"] == {"clock": 0.5, "processor": 0.5}
    assert found["vip"][0] == {"clock": 40.0, "processor": 30.0}
    assert len(found["base_ssh"]) == 3


def test_a_node_alone_has_no_ratio() -> None:
    assert compared([Booted(40.0, 30.0)], []) == {"vip": [{"clock": 40.0, "processor": 30.0}]}


def test_memory_in_use_is_what_free_shows_as_used() -> None:
    meminfo = "MemTotal: 737552 kB\nMemFree: 539948 kB\nMemAvailable:     635976 kB\nHugePages_Total: 0\n"
    assert in_use(meminfo) == {"used": 99}
