"""Every hint about a spec leads to a spec that `check` accepts, and all problems of a spec are reported together."""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

import pytest
import yaml

from builder.core.errors import LocatedProblem
from builder.spec import report
from tests.certificates import issue, write_pair
from tests.unit.spec.faulty import Case, Edit, spec
from tests.unit.spec.hint_catalogue import VALUE_CASES
from tests.unit.spec.hint_catalogue_checks import CHECK_CASES
from tests.unit.spec.hint_catalogue_services import SERVICE_CASES

CASES = (*VALUE_CASES, *SERVICE_CASES, *CHECK_CASES)
PAIRS = int(os.environ.get("VIPFORGE_PAIRS", "25"))
"""How many pairs of problems are tried; all of them with a large number."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the specs name."""
    folder = tmp_path_factory.mktemp("specs")
    authority = issue("Test authority")
    write_pair(folder, "www", issue("www", ("www.example.com", "mail.example.com"), authority), authority)
    (folder / "password").write_text("long-enough-0123\n")
    return folder


def problems(folder: Path, *edits: Edit | None) -> tuple[LocatedProblem, ...]:
    path = folder / "cluster.yml"
    path.write_text(yaml.safe_dump(spec(*edits), sort_keys=False, allow_unicode=True))
    return report.problems([path])


def test_the_spec_of_the_catalogue_is_valid(folder: Path) -> None:
    assert problems(folder) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_hint_says_leads_to_a_valid_spec(folder: Path, case: Case) -> None:
    assert problems(folder, case.base) == ()
    found = problems(folder, case.base, case.faulty)
    assert any(case.reason in each.reason and case.hint in each.hint for each in found), "\n".join(map(str, found))
    fixed = problems(folder, case.base, case.faulty, case.fixed)
    assert fixed == (), "\n".join(map(str, fixed))


RELATED = (
    ("network", "nodes", "vrrp", "keepalived", "alerts", "management"),
    (
        *("nodes", "vrrp", "network", "alerts", "trusted_proxies", "services.0.trusted_proxies"),
        *("services.0.servers", "services.2.routes.0.servers", "presets.0.servers"),
    ),
    ("guest", "image"),
    ("presets", "tls", "vrrp"),
    ("vrrp", "network", "trusted_proxies", "services"),
    ("tls", "services.2"),
    ("services", "presets", "haproxy", "libvirt.memory_mib"),
)
"""Places whose values are compared with each other: an error in one may hide a problem of another."""


def places(case: Case) -> set[str]:
    return {*case.faulty, *(case.base or {})}


def are_independent(one: Case, other: Case) -> bool:
    """Whether neither case changes what the check of the other one reads."""
    first, second = places(one), places(other)
    return not any(
        any(place.startswith(group) for place in first) and any(place.startswith(group) for place in second)
        for group in (*RELATED, *(_around(place) for place in first))
    )


def _around(place: str) -> tuple[str, ...]:
    """The entry of a list that a place is in, or else its section."""
    section, _, rest = place.partition(".")
    return (f"{section}.{rest.partition('.')[0]}", *([section] if section not in {"services", "operator"} else []))


INDEPENDENT = [pair for pair in itertools.combinations(CASES, 2) if are_independent(*pair)]


def test_all_problems_are_reported_together_and_none_that_only_follows(folder: Path) -> None:
    """The problems of two faults are those of each one alone, whatever kind of check finds them."""
    assert len(INDEPENDENT) > 1000
    shuffled = random.Random(15).sample(INDEPENDENT, k=min(PAIRS, len(INDEPENDENT)))
    for one, other in shuffled:
        alone = [{each.reason for each in problems(folder, case.base, case.faulty)} for case in (one, other)]
        found = {each.reason for each in problems(folder, one.base, other.base, one.faulty, other.faulty)}
        assert found == alone[0] | alone[1], f"{one.name} and {other.name}"
