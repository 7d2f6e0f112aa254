"""A valid spec, and fixtures that break it in one place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builder.core.errors import LocatedProblem, SpecError
from builder.spec.load import load

GOOD = """\
cluster: demo
keepalived: "2.3.3"
network:
  prefix: 24
  gateway: 10.1.2.1
  dns: [10.1.2.2]
vrrp:
  virtual_router_id: 10
  vips: [10.1.2.10, 10.1.2.20]
  profile: standard
nodes:
  - name: lb1.example.com
    address: 10.1.2.11
    priority: 254
  - name: lb2.example.com
    address: 10.1.2.12
    priority: 253
alerts:
  recipients: [ops@example.com]
  smtp_server: 10.1.2.25
services:
  - name: web
    port: 80
    servers:
      - {name: web1, address: 10.1.2.31, port: 8080}
      - {name: web2, address: 10.1.2.32, port: 8080}
  - name: mail
    mode: tcp
    port: 25
    servers:
      - {name: mx1, address: 10.9.9.1, port: 25}
"""

Problems = Callable[[str], tuple[LocatedProblem, ...]]


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def problems(tmp_path: Path) -> Problems:
    """Return the problems of a spec with the given text; none for a valid one."""

    def of(text: str) -> tuple[LocatedProblem, ...]:
        path = tmp_path / "cluster.yml"
        path.write_bytes(text.encode(errors="surrogateescape"))
        try:
            load(path)
        except SpecError as error:
            return error.problems or (LocatedProblem(str(path), 0, 0, "an error without a problem"),)
        return ()

    return of


@pytest.fixture
def only_problem(problems: Problems) -> Callable[[str, str, str], LocatedProblem]:
    """Return the only problem of the valid spec with `old` replaced by `new`; it must be located where `at` begins."""

    def of(old: str, new: str, at: str) -> LocatedProblem:
        assert old in GOOD
        text = GOOD.replace(old, new, 1)
        (problem,) = problems(text)
        before = text[: text.index(at)]
        assert (problem.line, problem.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))
        return problem

    return of
