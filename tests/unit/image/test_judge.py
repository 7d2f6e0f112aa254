"""What the guest's programs refuse becomes a problem at a place of the spec."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import Exit, UserError
from builder.core.run import CommandFailed
from builder.guests import all_guests
from builder.image import judge
from builder.image.foundations import NoNativeRoot, guest_of
from builder.image.judge import Judgement, before_bake, complaints_about, deep_problems, place_of
from builder.render import appliance
from builder.spec.load import load, read_spec
from tests import examples
from tests.specs import quickstart

GUEST = all_guests()["debian12"]
OUTPUTS = {
    "a line of haproxy.cfg": (
        """\
        [NOTICE]   (9) : haproxy version is 2.6.12
        [ALERT]    (9) : config : parsing [/etc/haproxy/haproxy.cfg:{}] : balance only supports 'roundrobin'.
        [ALERT]    (9) : config : Error(s) found in configuration file : /etc/haproxy/haproxy.cfg
        [ALERT]    (9) : config : Fatal errors found in configuration.
        """,
        "    balance",
        "parsing [/etc/haproxy/haproxy.cfg:{}] : balance only supports 'roundrobin'.",
        "web",
    ),
    "a line of standard input, by 1.5": (
        "[ALERT] 330/105731 (9) : parsing [/dev/stdin:{}] : unknown keyword 'x' in 'global' section\n",
        "    maxconn",
        "parsing [/dev/stdin:{}] : unknown keyword 'x' in 'global' section",
        "global",
    ),
    "a section by its name": (
        "[ALERT]    (9) : config : Proxy 'web.frontend': unable to find required default_backend: 'x'.\n",
        "frontend",
        "Proxy 'web.frontend': unable to find required default_backend: 'x'.",
        "web.frontend",
    ),
    "neither": ("haproxy: cannot open shared object\n", "frontend", "haproxy: cannot open shared object", ""),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_complaint_names_its_section(name: str) -> None:
    told, line, text, section = OUTPUTS[name]
    file = appliance(quickstart(), GUEST, "2.3.3")["/etc/haproxy/haproxy.cfg"].content
    number = next(count for count, each in enumerate(file.splitlines(), 1) if each.startswith(line))
    assert list(complaints_about(file, told.format(number))) == [(text.format(number), section)]


@pytest.mark.parametrize("told", ["(Line 6) no", "(/judgement/lb1.conf: Line 6) no"])
def test_a_complaint_of_keepalived_names_its_block(told: str) -> None:
    file = "global_defs {\n    router_id a\n}\n\nvrrp_instance VI_1 {\n    state BACKUP\n}\n"
    assert list(complaints_about(file, told)) == [(told, "VI_1")]
    assert list(complaints_about(file, told.replace("6", "2"))) == [(told.replace("6", "2"), "global_defs")]


@pytest.mark.parametrize(
    ("example", "section", "place"),
    [
        ("quickstart", "web.frontend", ("services", 0)),
        ("quickstart", "VI_1", ("vrrp",)),
        ("quickstart", "defaults", ()),
        ("exchange2013", "exchange-web-owa", ("presets", 0)),
        ("webfarm", "web-shop", ("services", 1, "routes", 0)),
        ("active-active", "second", ("vrrp", "instances", 1)),
    ],
)
def test_a_section_has_a_place_in_the_spec(example: str, section: str, place: tuple[object, ...]) -> None:
    cluster = read_spec(examples.FOLDER / f"{example}.yml")[0]
    names = [instance.name for instance in cluster.vrrp.instances]
    assert place_of(cluster, names[1] if section == "second" else section) == place


def _judges(monkeypatch: pytest.MonkeyPatch, *complaints: tuple[str, str]) -> None:
    monkeypatch.setattr(judge, "judge", lambda *_, **__: Judgement("2.6.12", "2.3.3", complaints))


def test_a_complaint_becomes_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    _judges(monkeypatch, ("no such balance", "web"))
    accepted: list[str] = []
    (problem,) = deep_problems(quickstart(guest="debian12"), accepted)
    assert (problem.loc, problem.reason) == (("services", 0), "Debian 12 refuses it: no such balance")
    assert accepted == []


def test_without_complaints_it_says_who_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    _judges(monkeypatch)
    accepted: list[str] = []
    assert list(deep_problems(quickstart(guest="debian12"), accepted)) == []
    assert accepted == ["HAProxy 2.6.12 and keepalived 2.3.3 of Debian 12 accept the files of cluster quickstart"]


def test_a_bake_ends_before_the_machine_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    _judges(monkeypatch, ("no such balance", "web"))
    with pytest.raises(UserError, match="refuse the files of cluster quickstart:\n    no such balance"):
        before_bake(quickstart(), guest_of(GUEST), "2.3.3")


def test_a_bake_goes_on_where_only_the_guest_itself_can_judge() -> None:
    before_bake(quickstart(guest="centos7"), guest_of(all_guests()["centos7"]), "2.3.4")


def test_a_bake_goes_on_where_namespaces_are_forbidden(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise CommandFailed(["unshare"], 1, ["unshare: Operation not permitted"])

    monkeypatch.setattr(judge, "judge", refused)
    before_bake(quickstart(), guest_of(GUEST), "2.3.3")
    assert (
        "the programs of Debian 12 do not run here; only the bake checks the files: unshare" in capsys.readouterr().err
    )


@pytest.mark.parametrize(("guest", "what"), [("debian12", "base and keepalived"), ("rocky9", "only inside its image")])
def test_a_root_that_is_missing_is_named(guest: str, what: str) -> None:
    with pytest.raises(NoNativeRoot, match=what) as caught:
        list(deep_problems(quickstart(guest=guest), []))
    assert caught.value.exit_code == Exit.HOST_LACKS
    assert "vipforge image" in caught.value.hint


def test_both_judges_are_named_only_if_both_judged() -> None:
    assert Judgement("1.5.18", "", ()).judges == "HAProxy 1.5.18"


def test_the_certificates_are_judged_only_if_they_are_readable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A bake needs none of them, and must not."""
    asked: list[set[str]] = []

    class Native:
        facts = GUEST

        def native_root(self, *_: object) -> tuple[Path, ...]:
            return (tmp_path,)

    def ask(_: object, files: dict[str, object], __: str) -> Judgement:
        asked.append(set(files))
        return Judgement("2.6.12", "2.3.3", ())

    monkeypatch.setattr(judge, "ask", ask)
    cluster = load(examples.with_files("exchange2013", tmp_path))
    for private in (False, True):
        judge.judge(cluster, Native(), "2.3.3", private=private)  # type: ignore[arg-type]
    assert [any(path.startswith("/etc/vipforge/tls/") for path in files) for files in asked] == [False, True]
    assert all({f"/judgement/{node.name}.conf" for node in cluster.nodes} <= files for files in asked)
