"""The questions that the suite asks: shell commands, all put to a node at once, and a client's requests to a VIP."""

from __future__ import annotations

import errno
import http.client
import re
import shlex
import socket
import ssl
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from testinfra.host import Host

from builder.core import remote
from builder.core.run import need, run
from builder.guests import GuestFile
from builder.spec.backends import PEERS_PORT
from builder.spec.model import Node
from builder.spec.service import Service
from builder.spec.values import IpAddress

SECONDS = 300
CLIENT_SECONDS = 10
END = "@@vipforge"
UNITS = ("keepalived", "haproxy", "firewalld", "rsyslog")
OWN_UNIT = re.compile(r"/etc/systemd/system/(vipforge-[\w-]+)\.service(?:\.d/[\w-]+\.conf)?\Z")
TIME_UNITS = ("systemd-timesyncd", "chronyd", "ntpd")
COMPILERS = ("gcc", "cc", "g++", "c++", "clang", "tcc")
MAKE = "rpm --query --whatrequires make >/dev/null 2>&1 || command -v make"
"""CentOS 7's package openssl requires make for a makefile of certificates, so make alone is no sign of a compiler."""
LOG_SOCKET = "/var/lib/haproxy/dev/log"
"""/dev/log for HAProxy, which runs in a chroot."""
UNKNOWN_CLIENT = b"PROXY UNKNOWN\r\n"
"""The first line that a service with `proxy_protocol.accept` expects (proxy-protocol.txt, section 2.1)."""
BLOCKED = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM}
"""Errors of connect(2) when a firewall answers with ICMP: firewalld's reject is `admin-prohibited`."""

Port = Literal["open", "refused", "filtered"]

PACKAGES = (
    "if command -v dpkg-query >/dev/null;"
    r" then dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' | sed -n 's/^installed //p';"
    r" else rpm -qa --queryformat '%{NAME} %{VERSION}-%{RELEASE}\n'; fi"
)
KEEPALIVED_TEST = (  # --config-test came with 2.0.4; an older keepalived does not run if it refuses its file
    "if /usr/local/sbin/keepalived --help 2>&1 | grep -q -- --config-test;"
    " then /usr/local/sbin/keepalived -t -f /etc/keepalived/keepalived.conf; else pidof keepalived; fi"
)
SCHEMA = (  # in 19.4, `schema` is a subcommand of `devel`
    "if cloud-init schema --help >/dev/null 2>&1; then cloud-init schema --system;"
    " else cloud-init devel schema --config-file /var/lib/cloud/instance/user-data.txt; fi"
)
KEYS = (
    "cut -d: -f6 /etc/passwd | sort -u | while read -r home; do"
    ' for file in "$home"/.ssh/authorized_keys*; do [ -s "$file" ] && sed "s|^|$file |" "$file"; done; done; true'
)
# The pattern does not match itself, because sudo logs this very command to /var/log/auth.log.
BAKE = "grep -rl 'vipforge-[b]ake' /etc /root /home /var/lib/cloud /var/log; ls -d /tmp/packer* /tmp/script_*; true"
LOGGED_KEYS = "grep -rl 'PRIVATE [K]EY' /var/log; journalctl -b -q | grep 'PRIVATE [K]EY' | cut -c 1-60; true"
LOG_LINE = (
    f'word="verify $(date +%s) $$"; logger --socket {LOG_SOCKET} --tag haproxy "$word" && for _ in 1 2 3 4 5;'
    ' do grep -q "$word" /var/log/haproxy.log && exit 0; sleep 1; done; exit 1'
)
CLOCK = (  # "NTP synchronized: yes" in systemd 219, "System clock synchronized: yes" since 239
    "date +%s; tries={seconds}; until timedatectl | grep 'synchronized: yes' || [ $((tries -= 1)) -lt 0 ];"
    " do sleep 1; done"
)
SETTINGS = r"sed -n 's/ *=.*//p' /etc/sysctl.d/*-vipforge*.conf | xargs sysctl -e"
CONNECTIONS = "cat /proc/sys/net/netfilter/nf_conntrack_count /proc/sys/net/netfilter/nf_conntrack_max"

QUESTIONS = {
    "packages": PACKAGES,
    "compilers": f"for tool in {' '.join(COMPILERS)}; do command -v $tool; done; {MAKE}; true",
    "time units": f"systemctl show -p Id,ActiveState,UnitFileState {' '.join(TIME_UNITS)}",
    "disk": "df -Pk / && df -Pi /",
    "connections": CONNECTIONS,
    "failed units": "systemctl list-units --state=failed --no-legend --plain",
    "keepalived version": "/usr/local/sbin/keepalived --version",
    "keepalived programs": 'for id in $(pidof keepalived); do readlink "/proc/$id/exe"; done | sort -u',
    "keepalived.conf": "cat /etc/keepalived/keepalived.conf",
    "keepalived test": KEEPALIVED_TEST,
    "keepalived log": "journalctl -b -q -u keepalived | grep -E '\\) Entering [A-Z]+ STATE'",
    "init script": "stat -c '%a %U' /etc/init.d/keepalived",
    "runlevels": "if command -v chkconfig >/dev/null; then chkconfig --list keepalived; else echo absent; fi",
    "haproxy version": "haproxy -v",
    "haproxy test": "/usr/libexec/vipforge/check-haproxy",
    "log line": LOG_LINE,
    "listening": "ss -ltn",
    "peers": f"ss -tn state established '( sport = :{PEERS_PORT} or dport = :{PEERS_PORT} )'",
    "kernel settings": SETTINGS,
    "huge pages": "cat /sys/kernel/mm/transparent_hugepage/enabled || echo absent",
    "default zone": "firewall-cmd --list-all",
    "ruleset": "if command -v nft >/dev/null; then nft list ruleset; else iptables-save; fi",
    "host name": "uname -n",
    "addresses": "ip -o address show",
    "routes": "ip -4 route show default",
    "IPv6 routes": "ip -6 route show default",
    "selinux": "if command -v getenforce >/dev/null; then getenforce; else echo absent; fi",
    "identity": "cat /etc/vipforge/identity",
    "private modes": "find /etc/vipforge -type f -exec stat -c '%a %U %n' {} +",
    "machine id": "cat /etc/machine-id",
    "host keys": "cat /etc/ssh/ssh_host_*_key.pub",
    "cloud-init result": "cat /run/cloud-init/result.json",
    "cloud-init schema": SCHEMA,
    "user-data": "cat /var/lib/cloud/instance/user-data.txt",
    "passwords": r"sed -n -E '/^[^:]*:[!*]+:/!s/:.*//p' /etc/shadow",
    "authorized keys": KEYS,
    "sshd": "sshd -T",
    "bake": BAKE,
    "logged keys": LOGGED_KEYS,
}
"""The name of each question, and the shell command that answers it. The commands run as root and change nothing,
except that `log line` adds a line to HAProxy's log."""


@dataclass(frozen=True)
class Answer:
    """A command's output on stdout and stderr, and its exit code."""

    command: str
    text: str
    code: int


def questions(node: Node, files: Collection[str], *, clock_seconds: int = 0) -> dict[str, str]:
    """Return every question for one node; `files` are the guest paths whose content and mode are compared.

    The clock gets up to `clock_seconds` to be synchronized.
    """
    paths = shlex.join(files)
    units = (*UNITS, *own_units(files))
    return {
        **QUESTIONS,
        "clock": CLOCK.format(seconds=clock_seconds),
        "units": f"systemctl show -p Id,ActiveState,UnitFileState,ConditionResult {' '.join(units)}",
        "journal": f"journalctl -b -q -p err {' '.join(f'-u {unit}' for unit in units)}",
        "own name": f"getent ahostsv4 {shlex.quote(node.name)}",
        "sums": f"sha256sum {paths}",
        "modes": f"stat -c '%a %U %n' {paths}",
    }


def own_units(files: Iterable[str]) -> tuple[str, ...]:
    """Return the units among the appliance's files, without .service."""
    return tuple(dict.fromkeys(match[1] for path in files if (match := OWN_UNIT.match(path))))


def conditional_units(files: Mapping[str, GuestFile]) -> set[str]:
    """Return the units among the appliance's files that systemd skips if one of their conditions is not met."""
    conditional = {path: file for path, file in files.items() if re.search("^Condition", file.content, re.MULTILINE)}
    return {*own_units(conditional)}


def ask_node(host: Host, commands: Mapping[str, str]) -> dict[str, Answer]:
    """Put all questions to a node at once; raises RuntimeError if SSH fails or the node takes too long."""
    done = host.run(remote.command(f"timeout {SECONDS} sh -c {shlex.quote(script(commands))}"))
    answers = parse_answers(done.stdout, commands)
    missing = [name for name in commands if name not in answers]
    if missing:
        raise RuntimeError(f"no answer to {', '.join(missing)}: code {done.rc}, {done.stderr.strip()}")
    return answers


def script(commands: Mapping[str, str]) -> str:
    """Return a shell program that runs each command in a subshell, and marks its end with its exit code and name."""
    return "\n".join(
        f"( {command} ) 2>&1 </dev/null; printf '\\n{END} %s %s\\n' $? '{name}'" for name, command in commands.items()
    )


def parse_answers(text: str, commands: Mapping[str, str]) -> dict[str, Answer]:
    """Return the answers in the program's output."""
    marked = re.finditer(rf"(.*?)\n{END} (\d+) ([^\n]+)\n", text, re.DOTALL)
    return {match[3]: Answer(commands[match[3]], match[1], int(match[2])) for match in marked}


def stanzas(text: str) -> list[dict[str, str]]:
    """Return the KEY=VALUE lines of text, one dictionary per paragraph, as `systemctl show` writes them."""
    parts = [part for part in text.split("\n\n") if part.strip()]
    return [dict(line.split("=", 1) for line in part.strip().splitlines() if "=" in line) for part in parts]


def port(address: IpAddress, number: int, *, seconds: float = CLIENT_SECONDS) -> Port:
    """Return how a TCP port answers: `refused` by the host's own kernel, `filtered` by a firewall or not at all."""
    try:
        socket.create_connection((str(address), number), timeout=seconds).close()
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "filtered"
    except OSError as error:
        if error.errno in BLOCKED:
            return "filtered"
        raise
    return "open"


def answers_ping(address: IpAddress) -> bool:
    """Return whether one of three echo requests is answered."""
    argv = [need("ping", "iputils-ping"), "-n", "-q", "-c", "3", "-i", "0.2", "-W", "2", str(address)]
    return run(argv, timeout=CLIENT_SECONDS, check=False).code == 0


def status(address: IpAddress, service: Service, path: str) -> int:
    """Return the HTTP status of a GET request to the service at that address."""
    check = service.http_check
    headers = {**check.headers, **({"Host": check.host} if check.host else {})} if check else {}
    connection = http.client.HTTPConnection(str(address), service.port)
    with _connect(address, service) as plain, _tls(plain) if service.mode == "https" else plain as stream:
        connection.sock = stream
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status


def certificate(address: IpAddress, service: Service, host: str | None) -> bytes:
    """Return the certificate, in DER, that the service presents to a client that asks for `host`, or for no host."""
    with _connect(address, service) as plain, _tls(plain, host) as stream:
        return stream.getpeercert(binary_form=True) or b""


def _connect(address: IpAddress, service: Service) -> socket.socket:
    """Connect to the service, up to the point where TLS or the request begins."""
    connection = socket.create_connection((str(address), service.port), timeout=CLIENT_SECONDS)
    if service.proxy_protocol.accept and _is_proxy(connection.getsockname()[0], service):
        connection.sendall(UNKNOWN_CLIENT)
    return connection


def _is_proxy(own_address: str, service: Service) -> bool:
    """Whether the service takes this host for a proxy: it expects the PROXY protocol from no other client."""
    proxies = service.trusted_proxies
    return not proxies or any(ip_address(own_address) in proxy for proxy in proxies)


def _tls(plain: socket.socket, host: str | None = None) -> ssl.SSLSocket:
    """Start TLS without verifying: `vipforge check` judges certificates, the suite only sees which one it gets."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=host)
