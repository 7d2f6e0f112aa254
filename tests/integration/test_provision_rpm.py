"""The provision steps of the RPM family, run in a root that stands in for the guest."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path

import pytest

from builder.core.paths import resources
from builder.guests import all_guests
from builder.image.packages import from_rpm
from builder.render import appliance, payload
from builder.spec.load import load
from builder.spec.model import Cluster
from tests.integration.rpm_vendor import Package, build, run
from tests.integration.standin import StandIn

pytestmark = pytest.mark.integration

SPEC = Path(__file__).parents[2] / "examples" / "exchange2013-centos7.yml"
INIT = """\
#!/bin/sh
# chkconfig:   - 21 79
. /etc/rc.d/init.d/functions
. /etc/sysconfig/keepalived
start() {
    daemon keepalived ${KEEPALIVED_OPTIONS}
}
"""
GUESTS = [name for name, facts in all_guests().items() if facts.family == "rpm"]
MAY_FAIL = "semanage fcontext --add"
"""It may fail, because --modify follows, which must then succeed."""


def cluster(**changes: object) -> Cluster:
    return load(SPEC).model_copy(update=changes)


TRUE = Path("/usr/bin/true").resolve().read_bytes()


def keepalived_tar() -> bytes:
    """The files from `make install` that the provision steps use."""
    files = {
        "usr/local/sbin/keepalived": (TRUE, 0o700),
        "usr/local/etc/rc.d/init.d/keepalived": (INIT.encode(), 0o755),
        "usr/local/etc/sysconfig/keepalived": (b'# Options\nKEEPALIVED_OPTIONS="-D"\n', 0o755),
    }
    return tar_of(files)


def tar_of(files: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, (content, mode) in files.items():
            entry = tarfile.TarInfo(f"./{path}")
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def upload(root: StandIn, guest: str, spec: Cluster) -> None:
    facts = all_guests()[guest]
    root.write("/tmp/payload.tar", payload(appliance(spec, facts, "1.2.13")))
    root.write("/tmp/keepalived.tar", keepalived_tar())
    root.write("/tmp/haproxy.tar", tar_of({"usr/local/sbin/haproxy": (TRUE, 0o755)}))


def bake(root: StandIn, guest: str, spec: Cluster | None = None, until: str = "", **variables: str) -> None:
    """Run all steps in order, or those before `until`; each must succeed."""
    upload(root, guest, spec or cluster())
    for step in all_guests()[guest].provision:
        if step == until:
            return
        done = root.run(step, **variables)
        assert done.returncode == 0, f"{step}: {done.stdout}{done.stderr}"
        assert done.stdout.startswith("==> "), f"{step} does not print what it does"


@pytest.mark.parametrize("guest", GUESTS)
def test_a_second_run_changes_nothing(root: StandIn, guest: str) -> None:
    bake(root, guest)
    first = root.snapshot()
    bake(root, guest)
    assert root.snapshot() == first


@pytest.mark.parametrize("guest", GUESTS)
def test_every_failing_command_ends_the_bake(root: StandIn, guest: str) -> None:
    failed = [call for step in all_guests()[guest].provision for call in failures(root, guest, step)]
    assert {"yum", "chkconfig", "restorecon", "semanage", "systemctl", "firewall-offline-cmd"} <= set(failed)


def failures(root: StandIn, guest: str, step: str) -> list[str]:
    """Run the step, then once for each of its commands with that command failing, then again without failures."""
    upload(root, guest, cluster())
    assert root.run(step).returncode == 0
    calls = root.calls()
    for number, call in enumerate(calls, start=1):
        upload(root, guest, cluster())
        root.write("/fake/labels", "")
        code = root.run(step, FAIL_AT=str(number)).returncode
        assert code != 0 or call.startswith(MAY_FAIL), f"{step} continues after `{call}` has failed"
        root.calls()
    upload(root, guest, cluster())
    assert root.run(step).returncode == 0, f"{step} cannot be run again after it was interrupted"
    root.calls()
    return [call.split()[0] for call in calls]


def test_packages_come_only_from_the_vault(root: StandIn) -> None:
    bake(root, "centos7", until="common/10-overlay.sh")
    first, second = (call for call in root.calls() if call.startswith("yum --assumeyes"))
    assert first == "yum --assumeyes --setopt=tsflags=nodocs update"
    assert " install haproxy firewalld psmisc rsyslog " in second
    assert "mirrorlist" not in root.read("/fake/repositories")
    assert root.read("/fake/repositories").count("gpgcheck=1") == 3
    # The fake yum restores the vendor's file each time, as the package centos-release does.
    assert [path.name for path in root.path("/etc/yum.repos.d").iterdir()] == ["vipforge.repo"]


def test_a_mirror_that_the_host_serves_is_used_only_during_the_bake(root: StandIn) -> None:
    spec = cluster()
    spec = spec.model_copy(update={"image": spec.image.model_copy(update={"mirror": "file:///srv/vault"})})
    served = {"VIPFORGE_SERVED": "https://vault.centos.org/7.9.2009", "PACKER_HTTP_ADDR": "10.0.2.2:8000"}
    bake(root, "centos7", spec, until="common/10-overlay.sh", **served)
    used = [line for line in root.read("/fake/repositories").splitlines() if line.startswith("baseurl=")]
    assert used == [f"baseurl=http://10.0.2.2:8000/mirror/{name}/x86_64/" for name in ("os", "updates", "extras")]
    assert "vault.centos.org" in root.read("/etc/yum.repos.d/vipforge.repo")
    assert "/srv/vault" not in root.read("/etc/yum.repos.d/vipforge.repo")


def test_an_unavailable_package_ends_the_bake(root: StandIn) -> None:
    """yum 3.4.3 succeeds if it finds only some of the packages."""
    upload(root, "centos7", cluster())
    root.does("yum", "#!/bin/sh\n")
    assert root.run("rpm/05-packages.sh").returncode != 0


def test_keepalived_is_enabled_as_in_the_article(root: StandIn) -> None:
    bake(root, "centos7", until="rpm/40-firewall.sh")
    calls = root.calls()
    assert calls[calls.index("chkconfig --add keepalived") + 1] == "chkconfig keepalived on"
    init = root.path("/etc/rc.d/init.d/keepalived")
    assert init.stat().st_mode & 0o777 == 0o755
    assert "    daemon /usr/local/sbin/keepalived ${KEEPALIVED_OPTIONS}\n" in init.read_text()
    assert root.read("/etc/sysconfig/keepalived") == '# Options\nKEEPALIVED_OPTIONS="-D -P"\n'
    assert root.path("/usr/local/sbin/keepalived").exists()


def test_a_compiled_haproxy_is_confined_like_the_packaged_one(root: StandIn) -> None:
    bake(root, "centos7", until="rpm/40-firewall.sh")
    assert "semanage fcontext --add --type haproxy_exec_t /usr/local/sbin/haproxy" in root.calls()
    assert root.path("/usr/local/sbin/haproxy").exists()


def test_snmp_is_enabled_in_keepalived_and_snmpd(root: StandIn) -> None:
    bake(root, "centos7", cluster(snmp=True))
    calls = root.calls()
    assert 'KEEPALIVED_OPTIONS="-D -P --snmp"' in root.read("/etc/sysconfig/keepalived")
    assert "systemctl enable snmpd.service" in calls
    assert "net-snmp" in next(call for call in calls if " install " in call).split()


@pytest.mark.parametrize("guest", GUESTS)
def test_the_init_script_starts_in_its_runlevels(root: StandIn, guest: str) -> None:
    bake(root, guest, until="rpm/40-firewall.sh")
    listed = root.call("chkconfig", "--list", "keepalived").stdout.split()
    assert listed == ["keepalived", "0:off", "1:off", "2:on", "3:on", "4:on", "5:on", "6:off"]


def test_an_unexpected_init_script_ends_the_bake(root: StandIn) -> None:
    bake(root, "centos7", until="rpm/30-keepalived.sh")
    other = keepalived_tar().replace(
        b"    daemon keepalived ${KEEPALIVED_OPTIONS}", b"    another keepalived ${KEEPALIVED_OPTION"
    )
    root.write("/tmp/keepalived.tar", other)
    assert root.run("rpm/30-keepalived.sh").returncode != 0


def test_our_lines_come_first_in_sshd_config(root: StandIn) -> None:
    bake(root, "centos7")
    lines = root.read("/etc/ssh/sshd_config").splitlines()
    assert lines.index("PasswordAuthentication no") < lines.index("PasswordAuthentication yes")
    assert lines.index("PermitRootLogin no") < lines.index("PasswordAuthentication yes")


def test_an_sshd_config_with_include_is_not_changed(root: StandIn) -> None:
    root.write("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n")
    bake(root, "rocky9")
    assert root.read("/etc/ssh/sshd_config") == "Include /etc/ssh/sshd_config.d/*.conf\n"


def test_the_operator_needs_no_terminal_for_sudo(root: StandIn) -> None:
    bake(root, "centos7")
    ours = root.path("/etc/sudoers.d/zz-vipforge")
    assert "Defaults !requiretty\n" in ours.read_text()
    assert ours.stat().st_mode & 0o777 == 0o440


def test_selinux_stays_enforcing_and_unusual_ports_set_a_boolean(root: StandIn) -> None:
    bake(root, "centos7")
    calls = root.calls()
    assert "setsebool -P haproxy_connect_any on" in calls
    assert any(call.startswith("restorecon -R /etc /usr/local ") for call in calls)
    assert not any("permissive" in call or "setenforce" in call for call in calls)


def test_web_ports_need_no_boolean(root: StandIn) -> None:
    web = cluster().services[0].model_copy(update={"port": 443})
    bake(root, "centos7", cluster(services=(web,)))
    assert not any(call.startswith("setsebool") for call in root.calls())


def test_a_base_that_is_not_enforcing_ends_the_bake(root: StandIn) -> None:
    bake(root, "centos7", until="rpm/44-selinux.sh")
    root.write("/etc/selinux/config", "SELINUX=permissive\n")
    done = root.run("rpm/44-selinux.sh")
    assert done.returncode != 0
    assert "no SELINUX=enforcing in /etc/selinux/config" in done.stderr


def test_a_setting_that_the_guests_kernel_does_not_have_ends_the_bake(root: StandIn) -> None:
    spec = cluster(sysctl={"net.core.somaxcon": 1})
    bake(root, "centos7", spec, until="rpm/60-check.sh")
    root.calls()
    assert root.run("rpm/60-check.sh").returncode == 0
    calls = root.calls()
    assert calls.index("modprobe nf_conntrack") < calls.index(
        "sysctl --quiet --load=/etc/sysctl.d/70-vipforge-spec.conf"
    )
    root.does("sysctl", "#!/bin/sh\ncase $* in *70-vipforge-spec*) exit 255 ;; esac\n")
    assert root.run("rpm/60-check.sh").returncode != 0


def test_a_unit_with_an_unknown_setting_ends_the_bake(root: StandIn) -> None:
    bake(root, "centos7", until="rpm/60-check.sh")
    warning = "[/etc/systemd/system/keepalived.service:6] Unknown lvalue 'StartLimitIntervalSec' in section 'Unit'"
    root.does("systemd-analyze", f'#!/bin/sh\necho "{warning}" >&2\n')
    assert root.run("rpm/60-check.sh").returncode != 0


def test_no_new_journal_is_written_to_the_disk(root: StandIn) -> None:
    """If the base keeps a journal, its next line would contain the host name of the bake."""
    bake(root, "centos7")
    calls = root.calls()
    assert calls.index("systemctl restart systemd-journald.service") < calls.index("cloud-init clean --logs --seed")
    assert root.read("/run/systemd/journald.conf.d/volatile.conf") == "[Journal]\nStorage=volatile\n"


def test_rsyslog_reaches_its_socket_in_haproxys_chroot(root: StandIn) -> None:
    """syslogd_t may search var_lib_t and device_t, and not haproxy_var_lib_t (Red Hat's logging.te)."""
    bake(root, "centos7")
    labels = [call.split()[4:] for call in root.calls() if call.startswith("semanage fcontext --add --type")]
    on_the_way = {place: label for label, place in labels if place.startswith("/var/lib/haproxy")}
    assert on_the_way == {
        "/var/lib/haproxy": "var_lib_t",
        "/var/lib/haproxy/dev": "device_t",
        "/var/lib/haproxy/dev/log": "devlog_t",
    }


def test_the_packages_are_listed_for_the_manifest(root: StandIn) -> None:
    bake(root, "centos7")
    haproxy = from_rpm(root.read("/dev/shm/vipforge-packages"))["haproxy"]
    assert (haproxy.version, haproxy.epoch) == ("1.0-1.el7", "")
    assert (haproxy.source, haproxy.source_version, haproxy.licenses) == ("haproxy", "1.0-1.el7", ("none",))


def test_the_real_rpm_prints_the_same_columns(tmp_path: Path) -> None:
    made = build(tmp_path, Package("toolbox"))
    script = resources("packer", "provision", "rpm", "80-packages.sh").read_text()
    (columns,) = re.findall(r"^columns='(.*)'$", script, re.MULTILINE)
    toolbox = from_rpm(run("rpm", "--query", "--package", "--queryformat", columns, made))["toolbox"]
    assert (toolbox.arch, toolbox.epoch, toolbox.source) == ("x86_64", "", "toolbox")
    assert toolbox.source_version == toolbox.version == made.name.removeprefix("toolbox-").removesuffix(".x86_64.rpm")
    assert len(toolbox.licenses) == 1


def test_a_fake_command_rejects_options_that_the_guests_release_lacks(root: StandIn) -> None:
    done = root.call("systemctl", "enable", "--now", "haproxy.service")
    assert done.returncode == 64
    assert "unrecognized option '--now'" in done.stderr
