"""Choosing the guest of a spec, and its keepalived."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.guests import Facts, all_guests
from builder.image.foundations import choose, guest_of, guest_problems, select_keepalived, version_problems, with_guest
from builder.image.foundations.rpm import RpmGuest
from builder.render import appliance
from builder.sources import fetch, pin
from builder.spec.keepalived_features import KeepalivedTooOld, keepalived_for
from builder.spec.load import load
from builder.spec.model import Cluster
from tests.specs import quickstart

CENTOS7 = all_guests()["centos7"]


def spec_with(guest: str, profile: str = "classic") -> Cluster:
    return quickstart(guest=guest, vrrp={"profile": profile})


@pytest.fixture
def reachable_centos7(monkeypatch: pytest.MonkeyPatch) -> None:
    """The base is not cached, but its server responds unless offline."""
    monkeypatch.setattr(RpmGuest, "reachable", lambda _, *, offline: not offline)


def test_the_named_guest_is_chosen() -> None:
    assert choose(spec_with("debian12")) == guest_of(all_guests()["debian12"])


@pytest.mark.parametrize("facts", all_guests().values(), ids=all_guests())
def test_every_guest_has_its_family(facts: Facts) -> None:
    assert guest_of(facts).facts is facts
    assert (facts.repositories is None) == (facts.family == "deb")


@pytest.mark.parametrize(("is_reachable", "expected"), [(True, "centos7"), (False, "debian12")])
def test_auto_takes_the_first_reachable_guest(
    monkeypatch: pytest.MonkeyPatch, is_reachable: bool, expected: str
) -> None:
    monkeypatch.setattr(RpmGuest, "reachable", lambda _, *, offline: is_reachable)  # noqa: ARG005 - called by name
    assert choose(spec_with("auto")).facts.name == expected


@pytest.mark.usefixtures("reachable_centos7")
@pytest.mark.parametrize("profile", ["classic", "standard", "fast"])
def test_auto_takes_a_reachable_centos7_for_every_profile(profile: str) -> None:
    assert choose(spec_with("auto", profile)).facts.name == "centos7"
    assert choose(spec_with("auto", profile), offline=True).facts.name == "debian12"


@pytest.mark.usefixtures("reachable_centos7")
@pytest.mark.parametrize("example", ["quickstart", "exchange2013", "exchange2010"])
def test_examples_with_guest_auto_get_a_reachable_centos7(example: str) -> None:
    cluster = load(Path(__file__).parents[4] / "examples" / f"{example}.yml")
    guest = choose(cluster)
    assert (cluster.guest, guest.facts.name) == ("auto", "centos7")
    assert appliance(cluster, guest.facts, select_keepalived(cluster, guest.facts))


@pytest.mark.usefixtures("reachable_centos7")
def test_auto_takes_centos7_only_if_the_mirror_serves_it(tmp_path: Path) -> None:
    cluster = quickstart(guest="auto", image={"mirror": f"file://{tmp_path}/"})
    assert choose(cluster).facts.name == "debian12"
    (tmp_path / CENTOS7.repositories.key).parent.mkdir(parents=True)
    (tmp_path / CENTOS7.repositories.key).write_text("key")
    fetch._any_answers.cache_clear()
    assert choose(cluster).facts.name == "centos7"


@pytest.mark.usefixtures("reachable_centos7")
def test_auto_skips_a_guest_whose_haproxy_lacks_what_the_spec_requires() -> None:
    assert choose(quickstart(guest="auto", tls={"minimum": "1.3"})).facts.name == "debian12"


@pytest.mark.parametrize(
    ("guest", "keys", "loc", "reason"),
    [
        (
            "centos7",
            {"tls": {"minimum": "1.3"}},
            ("tls", "minimum"),
            "HAProxy 1.5 in CentOS 7 does not support TLS 1.3",
        ),
        (
            "debian12",
            {"image": {"epel": True}},
            ("guest",),
            "the spec asks for EPEL, which Debian 12 does not support",
        ),
    ],
)
def test_check_says_what_the_named_guest_cannot_do(guest: str, keys: dict, loc: tuple, reason: str) -> None:
    (problem,) = guest_problems(quickstart(guest=guest, **keys))
    assert problem.loc == loc
    assert problem.reason.startswith(reason)
    assert problem.hint


@pytest.mark.parametrize("guest", ["auto", *all_guests()])
def test_check_accepts_every_guest_for_a_simple_spec(guest: str) -> None:
    assert list(guest_problems(quickstart(guest=guest))) == []


@pytest.mark.parametrize(
    ("guest", "profile", "named", "expected"),
    [
        ("centos7", "classic", None, "1.2.13"),
        ("centos7", "standard", None, "2.3.4"),
        ("centos7", "fast", None, "2.3.4"),
        ("centos7", "classic", "2.3.4", "2.3.4"),
        ("centos7", "standard", "2.3.3", "2.3.3"),
        ("debian12", "classic", None, "2.3.3"),
        ("debian12", "fast", None, "2.3.3"),
        ("rocky9", "fast", None, "2.3.4"),
    ],
)
def test_the_default_keepalived_follows_the_profile(
    guest: str, profile: str, named: str | None, expected: str
) -> None:
    assert keepalived_for(quickstart(keepalived=named, vrrp={"profile": profile}), all_guests()[guest]) == expected


def test_a_newer_keepalived_is_reported_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert select_keepalived(spec_with("auto", "standard"), CENTOS7) == "2.3.4"
    printed = " ".join(capsys.readouterr().err.split())
    assert "guest: auto takes CentOS 7 here" in printed
    assert "using keepalived 2.3.4 instead of 1.2.13: profile standard needs VRRP version 3, from 1.2.17 on" in printed


@pytest.mark.parametrize(("named", "profile"), [(None, "classic"), ("2.3.4", "standard")])
def test_nothing_is_reported_if_the_spec_leaves_nothing_open(
    named: str | None, profile: str, capsys: pytest.CaptureFixture[str]
) -> None:
    select_keepalived(quickstart(guest="centos7", keepalived=named, vrrp={"profile": profile}), CENTOS7)
    assert capsys.readouterr().err == ""


def test_a_version_in_the_spec_is_never_changed() -> None:
    """Loading such a spec already reports a problem with its line."""
    cluster = spec_with("centos7", "standard").model_copy(update={"keepalived": "1.2.13"})
    with pytest.raises(KeepalivedTooOld, match=r"keepalived 1\.2\.13 lacks what profile standard needs"):
        select_keepalived(cluster, CENTOS7)


@pytest.mark.parametrize("facts", all_guests().values(), ids=all_guests())
def test_every_keepalived_that_a_guest_may_get_is_pinned(facts: Facts) -> None:
    for version in filter(None, (facts.default_keepalived, facts.newer_keepalived)):
        assert pin("keepalived", version).urls


def test_a_guest_from_the_command_line_is_refused_if_it_does_not_support_epel() -> None:
    cluster = with_guest(quickstart(guest="rocky9", image={"epel": True}), "debian12")
    with pytest.raises(UserError, match="the spec asks for EPEL, which Debian 12 does not support") as caught:
        choose(cluster)
    assert "centos7, rocky9" in caught.value.hint


def test_a_version_that_is_not_pinned_is_a_problem() -> None:
    (keepalived, haproxy) = version_problems(quickstart(keepalived="9.9.9", haproxy={"source": "9.9.9"}))
    assert (keepalived.loc, haproxy.loc) == (("keepalived",), ("haproxy", "source"))
    assert keepalived.reason == "keepalived 9.9.9 is not among the pinned sources"
    assert "2.3.3" in keepalived.hint
    assert list(version_problems(quickstart(keepalived="2.3.3", haproxy={"source": "3.0.11"}))) == []
