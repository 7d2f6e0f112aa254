"""Paths of the web: the one that / is redirected to, and those that requests are compared with."""

from __future__ import annotations

import pytest

from builder.spec import values
from builder.spec.syntax import InvalidValue


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/?x=1", "/#/app", "/.", "/..", "/./", "/shop/..", "/shop/../", "/%2e", "/%2E%2e/"),
        "//",
        "/\\",
        "/\\.?x",
    ],
)
def test_a_redirect_from_the_root_must_not_come_back_to_it(path: str) -> None:
    with pytest.raises(InvalidValue, match="must be another path than /"):
        values.other_path(path)


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "///evil.example/x?y", "//evil.example#z"])
def test_a_redirect_from_the_root_stays_on_its_host(path: str) -> None:
    with pytest.raises(InvalidValue, match="must be a path on the same host"):
        values.other_path(path)


@pytest.mark.parametrize("path", ["/shop", "/shop/", "/shop/?x=1", "/app/#/start", "/a//b", "/..a", "/a/../b"])
def test_every_other_path_is_accepted(path: str) -> None:
    assert values.other_path(path) == path


@pytest.mark.parametrize("path", ["/a?b=1", "/f#x", "/?", "/#"])
def test_requests_are_compared_by_their_path_alone(path: str) -> None:
    with pytest.raises(InvalidValue, match="must be a path without"):
        values.path_alone(path)


def test_a_health_check_may_have_a_query_but_no_fragment() -> None:
    assert values.http_path("/up?deep=1") == "/up?deep=1"
    with pytest.raises(InvalidValue, match="must be a path without #") as caught:
        values.http_path("/up?deep=1#x")
    assert caught.value.hint.startswith("write /up?deep=1:")
