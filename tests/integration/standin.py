"""A root that stands in for a guest of the RPM family: real sh, tar, sed; stand-ins for what the host has not."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from builder.core.paths import resources
from builder.core.waiting import until

HERE = Path(__file__).parent / "el7"
PATH = "/fake/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
REPO = "/etc/yum.repos.d/CentOS-Base.repo"
KEYS = "/etc/pki/rpm-gpg/RPM-GPG-KEY"
CONF = "/etc/firewalld/firewalld.conf"
YUM = f"""\
#!/bin/sh
cat /etc/yum.repos.d/*.repo >/fake/repositories
case " $* " in
    *' update '*) echo '[base]' >{REPO} ;;
    *' install '*)
        echo '[base]' >{REPO}
        for word in "$@"; do case $word in -*|install|absent-*) ;; *) echo "$word" >>/fake/installed ;; esac; done
        sort -u -o /fake/installed /fake/installed
        grep -qx epel-release /fake/installed || exit 0
        echo '[epel]' >/etc/yum.repos.d/epel.repo
        for release in 7 9; do echo 'a key' >{KEYS}-EPEL-$release; done ;;
esac
"""
RPM = """\
#!/bin/sh
case " $* " in
    *' --all '*) sed 's/.*/&\\t1.0-1.el7\\tx86_64\\t(none)\\t&-1.0-1.el7.src.rpm\\tnone/' /fake/installed ;;
    *) for word in "$@"; do case $word in -*) ;; *) grep -qx -- "$word" /fake/installed || exit 1 ;; esac; done ;;
esac
"""
SEMANAGE = """\
#!/bin/sh
for place in "$@"; do :; done
case " $* " in
    *' --add '*) ! grep -qxF "$place" /fake/labels || exit 1; echo "$place" >>/fake/labels ;;
    *' --modify '*) grep -qxF "$place" /fake/labels ;;
esac
"""
ZONE = "/etc/firewalld/zones/vipforge.xml"
FIREWALL = f"""\
#!/bin/sh
# As firewalld 0.6.3 does: the zone's file comes back in another order, and its former self stays beside it.
case $1 in
    --get-default-zone) sed -n 's/^DefaultZone=//p' {CONF} ;;
    --set-default-zone=*)
        sed -i "s/^DefaultZone=.*/DefaultZone=${{1#*=}}/" {CONF}
        cp {ZONE} {ZONE}.old
        {{ grep -v '<port ' {ZONE}.old; grep '<port ' {ZONE}.old; }} >{ZONE} ;;
esac
"""
CHKCONFIG = """\
#!/bin/sh
# As chkconfig 1.7 does: --add takes the levels of the header; on and off change the unit of that name instead.
init=/etc/init.d/$2
case $1 in
    --add) sed -n 's/^# chkconfig: *\\([0-9-]*\\) .*/\\1/p' "$init" >"/fake/levels-$2"; [ -s "/fake/levels-$2" ] ;;
    --list)
        set -- "$2" "$(cat "/fake/levels-$2")" "$2"
        for level in 0 1 2 3 4 5 6; do
            case $2 in *$level*) set -- "$@" "$level:on" ;; *) set -- "$@" "$level:off" ;; esac
        done
        shift 2
        echo "$*" ;;
esac
"""
DISK = "/sys/block/sda"
DOES = {
    "yum": YUM,
    "rpm": RPM,
    "semanage": SEMANAGE,
    "firewall-offline-cmd": FIREWALL,
    "chkconfig": CHKCONFIG,
    "mountpoint": "#!/bin/sh\necho 8:1\n",
}
FILES = {
    REPO: "[base]\nmirrorlist=http://mirrorlist.example/\n",
    **{f"{KEYS}-{vendor}": "a key\n" for vendor in ("AlmaLinux-9", "CentOS-7", "Rocky-9")},
    "/etc/sudoers.d/README": "read last\n",
    "/etc/ssh/sshd_config": "PasswordAuthentication yes\nUseDNS yes\n",
    "/etc/selinux/config": "SELINUX=enforcing\nSELINUXTYPE=targeted\n",
    "/etc/sysconfig/network-scripts/ifcfg-eth0": "DEVICE=eth0\n",
    "/etc/sysconfig/network-scripts/ifcfg-lo": "DEVICE=lo\n",
    "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "/etc/ssh/ssh_host_rsa_key": "a key\n",
    CONF: "DefaultZone=public\nMinimalMark=100\n",
    "/etc/aliases.db": "vipforge-bake\n",
    "/root/.ssh/authorized_keys": "the bake's key\n",
    "/root/anaconda-ks.cfg": "rootpw\n",
    "/var/log/messages": "what the bake did\n",
    "/var/lib/cloud/instance/user-data.txt": "the bake's seed\n",
    "/usr/lib/systemd/system/NetworkManager.service": "[Unit]\n",
    "/usr/lib/systemd/system/kdump.service": "[Unit]\n",
    f"{DISK}/queue/discard_max_bytes": "1073741824\n",
    f"{DISK}/sda1/partition": "1\n",
    "/fake/installed": "",
    "/fake/labels": "",
    "/fake/calls": "",
}


@dataclass(frozen=True)
class StandIn:
    """The root, as the host sees it through its holder's /proc entry."""

    holder: int
    place: Path

    def path(self, guest_path: str) -> Path:
        """A file of the root."""
        return Path(f"/proc/{self.holder}/root{self.place}{guest_path}")

    def read(self, guest_path: str) -> str:
        """The text of a file of the root."""
        return self.path(guest_path).read_text()

    def write(self, guest_path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Put a file into the root."""
        path = self.path(guest_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)

    def run(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a script of packer/provision/ as Packer does."""
        self.write("/tmp/script.sh", resources("packer", "provision", script).read_text())
        return self.call("sh", "-eu", "/tmp/script.sh", **variables)

    def call(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside."""
        inside = ["nsenter", f"--target={self.holder}", "--mount", "--", "chroot", self.place]
        environment = [f"{name}={value}" for name, value in {"PATH": PATH, **variables}.items()]
        whole = [*inside, "env", "-i", *environment, *words]
        return subprocess.run(whole, capture_output=True, text=True, timeout=60, check=False)

    def calls(self) -> list[str]:
        """What the stand-ins were called with, in order; forgets it."""
        noted = self.read("/fake/calls").splitlines()
        self.write("/fake/calls", "")
        return noted

    def does(self, name: str, script: str) -> None:
        """Give a stand-in something to do."""
        self.write(f"/fake/does/{name}", script, 0o755)

    def snapshot(self) -> dict[str, str]:
        """Digest of every file that is not a stand-in's own."""
        top = self.path("")
        folders = ("etc", "var", "root", "usr/local", "usr/share/vipforge", "usr/libexec/vipforge", "dev/shm")
        files = (path for folder in folders for path in (top / folder).rglob("*") if path.is_file())
        return {str(path.relative_to(top)): sha256(path.read_bytes()).hexdigest() for path in files}


@contextmanager
def stand_in(folder: Path) -> Iterator[StandIn]:
    """A root with nothing in it yet but what a vendor's image brings."""
    place, ready = folder / "root", folder / "ready"
    place.mkdir()
    words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "sh", HERE / "root.sh", place, ready]
    holder = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    try:
        until(ready.exists, "the stand-in root", limit=20)
        made = StandIn(holder.pid, place)
        furnish(made)
        yield made
    finally:
        holder.kill()
        holder.wait()


def furnish(root: StandIn) -> None:
    """The vendor's files, and a stand-in for each program that the host has not."""
    for path, content in FILES.items():
        root.write(path, content)
    root.path("/etc/rc.d/init.d").mkdir(parents=True)
    root.path("/etc/init.d").symlink_to("rc.d/init.d")
    root.path("/sys/dev/block").mkdir(parents=True)
    root.path("/sys/dev/block/8:1").symlink_to("../../block/sda/sda1")
    options = (HERE / "options").read_text()
    root.write("/fake/options", options)
    for line in options.splitlines():
        if not line.startswith("#"):
            shutil.copy(HERE / "fake.sh", root.path(f"/fake/bin/{line.split(':')[0]}"))
            root.path(f"/fake/bin/{line.split(':')[0]}").chmod(0o755)
    for name, script in DOES.items():
        root.does(name, script)
