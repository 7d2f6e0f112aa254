"""The hints about health checks and sessions, each with what does as it says."""

from __future__ import annotations

from typing import Any

from tests.unit.spec.faulty import Case, same_place

CHECK = "services.0.check"


def check(faulty: dict[str, Any], reason: str, hint: str, fixed: dict[str, Any]) -> Case:
    """A case of the first service's health check."""
    return same_place(CHECK, faulty, reason, hint, fixed)


CHECK_CASES = (
    check({"status": "2xx"}, "codes or ranges of codes", "write 200-299", {"status": "200-299"}),
    check({"status": "399-200"}, "from a lower code", "write 200-399", {"status": "200-399"}),
    check({"status": list(range(200, 230))}, "must have 1 to 20", "200-299 counts once", {"status": ["200-229", 301]}),
    check({"headers": {"Host": "a.example.com"}}, "writes itself", "use the key host", {"host": "a.example.com"}),
    check({"headers": {"Connection": "close"}}, "writes itself", "remove it", {}),
    check(
        {"path": "/x", "headers": {"Authorization": "Basic eA=="}},
        "must not be a login",
        "without a login",
        {"path": "/x"},
    ),
    check({"kind": "smtp", "path": "/x"}, "path has no effect", "remove the line, or set kind: http", {"path": "/x"}),
    check(
        {"kind": "tcp", "host": "a.example.com"}, "host has no effect", "remove the line, or set tls", {"kind": "tcp"}
    ),
    check({"kind": "mysql", "tls": True}, "begins TLS within", "the check needs no TLS", {"kind": "mysql"}),
    Case(
        {"services.0.close_sessions": {"primary_returns": True}},
        "service 1 has none",
        "set backup: true for a server",
        {"services.0.servers.0.backup": True},
    ),
)
