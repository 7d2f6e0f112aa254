"""The facts of every guest are complete and match the files that they name."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import builder
from builder.core.paths import resources
from builder.guests import Facts, all_guests, embedded, in_order_of_preference, provision_scripts

BUILDER = Path(builder.__file__).parent
EVERY = pytest.mark.parametrize("facts", all_guests().values(), ids=all_guests())


def test_every_guest_is_found_by_its_name() -> None:
    assert list(all_guests()) == sorted(all_guests())
    assert all(facts.name == name for name, facts in all_guests().items())


@EVERY
def test_each_guest_has_a_module_of_its_name(facts: Facts) -> None:
    assert import_module(f"builder.guests.{facts.name}").GUEST is facts


@EVERY
def test_the_files_that_the_facts_name_exist(facts: Facts) -> None:
    assert facts.provision
    for name in facts.provision:
        assert resources("packer", "provision", name).is_file()
    for name in facts.overlay:
        assert resources("packer", "overlay", name).is_dir()
    assert facts.packages
    assert facts.snmp_packages
    assert bool(facts.kickstart) == bool(facts.installer) == ("installer" in facts.media)


def test_scripts_of_all_folders_run_in_the_order_of_their_file_names() -> None:
    names = [name.split("/")[1] for name in provision_scripts("common", "debian")]
    assert names == sorted(names)
    assert {"10-overlay.sh", "50-services.sh"} <= set(names)


@EVERY
def test_no_two_scripts_of_a_guest_have_the_same_number(facts: Facts) -> None:
    """If two had the same number, the rest of their names would decide which runs first."""
    numbers = [name.split("/")[1].split("-")[0] for name in facts.provision]
    assert len(set(numbers)) == len(numbers)


def test_auto_tries_centos7_first_and_the_embedded_guest_last() -> None:
    assert [facts.name for facts in in_order_of_preference()] == ["centos7", "debian12"]
    places = [facts.auto for facts in all_guests().values() if facts.auto]
    assert len(set(places)) == len(places)
    assert embedded().repositories is None
    assert embedded().bases == ()


def test_no_other_module_names_a_guest() -> None:
    """What depends on the guest is a fact in its module; a table elsewhere would lack the next guest."""
    found = []
    for path in sorted(BUILDER.rglob("*.py")):
        words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        found += [f"{path.relative_to(BUILDER)} names {name}" for name in all_guests() if name in words]
    assert [line for line in found if not line.startswith("guests/")] == []
