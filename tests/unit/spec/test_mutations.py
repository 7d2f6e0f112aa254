"""Whatever a spec contains, loading it gives a cluster, or problems with a place and a readable reason."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

quick = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

FOLDER = Path(__file__).parents[3] / "examples"
EXAMPLES = [
    yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    for name in ("active-active", "exchange2013", "ipv6", "webfarm")
]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.dates(),
    st.sampled_from(
        [
            *("10.1.2.10", "10.1.2.255", "10.1.2.11", "2001:db8:59::10", "fe80::1"),
            *("lb1.example.com", "1.2.13", "2.3", "classic", "no", "<<"),
        ]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(SCALARS, inner, max_size=3)),
    max_leaves=5,
)


def check_reports(found) -> None:
    for problem in found:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.reason
        assert "is not valid:" not in problem.reason, "an error type of pydantic without a sentence of ours"
        assert problem.value.isprintable()
        assert all(line.isprintable() for line in str(problem).split("\n"))


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every container in the data with each of its keys or positions."""
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else []
    return [(data, key) for key in keys] + [found for key in keys for found in places(data[key])]


def mutate(draw: Any, data: Any) -> None:
    container, key = draw(st.sampled_from(places(data)))
    kind = draw(st.sampled_from(["drop", "rename", "replace", "repeat"]))
    if kind == "replace":
        container[key] = draw(VALUES)
    elif kind == "rename" and isinstance(container, dict):
        container[draw(st.one_of(SCALARS, st.just(f"{key}s")))] = container.pop(key)
    elif kind == "repeat" and isinstance(container, list):
        container.append(copy.deepcopy(container[key]))
    else:
        del container[key]


@quick
@given(st.data())
def test_changed_nodes(problems, good: str, data) -> None:
    spec = yaml.safe_load(good)
    for _ in range(data.draw(st.integers(1, 3))):
        if places(spec):
            mutate(data.draw, spec)
    check_reports(problems(yaml.dump(spec, allow_unicode=True, sort_keys=False)))


@quick
@given(st.data())
def test_changed_services(problems, data) -> None:
    spec = copy.deepcopy(data.draw(st.sampled_from(EXAMPLES)))
    for _ in range(data.draw(st.integers(1, 3))):
        if places(spec):
            mutate(data.draw, spec)
    check_reports(problems(yaml.dump(spec, allow_unicode=True, sort_keys=False)))


@quick
@given(st.data())
def test_changed_characters(problems, good: str, data) -> None:
    text = good
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        put = data.draw(st.one_of(st.text(max_size=6), st.text("\t\n -:?*&!|>'\"%@`{}[],#\\", max_size=6)))
        text = text[:start] + put + text[end:]
    check_reports(problems(text.encode("utf-8", "replace").decode()))


@quick
@given(st.binary(max_size=200), st.integers(0, 500))
def test_random_bytes(problems, good: str, junk: bytes, at: int) -> None:
    data = good.encode()
    check_reports(problems((data[:at] + junk + data[at:]).decode(errors="surrogateescape")))


@pytest.mark.parametrize("cut", range(0, 700, 7))
def test_a_spec_cut_short(problems, good: str, cut: int) -> None:
    check_reports(problems(good[:cut]))
