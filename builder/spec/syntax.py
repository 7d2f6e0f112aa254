"""The syntax of single values: each function returns the value it was given, or raises Unfit.

The sentence of an Unfit goes after the value's name: "address of node 2 must be …".
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

LONGEST_HOST_NAME = 253
LONGEST_NODE_NAME = 64
HOST_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
MAILBOX = re.compile(r"[A-Za-z0-9._+=-]{1,64}\Z")  # what keepalived.conf can hold: there, ! and # begin comments
SSH_KEY = re.compile(
    r"(ssh-(rsa|ed25519)|ecdsa-sha2-nistp[0-9]+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]{32,}={0,2}( [^\r\n]*)?\Z"
)
SYSTEM_ACCOUNTS = frozenset(
    re.findall(
        r"\S+",
        """
        adm backup bin chrony daemon dbus ftp games halt haproxy irc list lp mail man messagebus news nobody operator
        polkitd proxy rpc shutdown sshd sync sys syslog uucp www-data
        """,
    )
)
"""Of Debian's base-passwd, Red Hat's setup and the appliance's packages; useradd would leave them alone."""
PREFIXED = re.compile(r"[0-9.]+/[0-9]+\Z")


class Unfit(ValueError):
    """A value that its key cannot take: why, and what to do about it."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


def address(value: object) -> object:
    """An IPv4 address that a host on a network can have, in dotted form (numbers are no addresses here)."""
    return _address4(value, "an IPv4 address such as 192.168.56.10")


def _address4(value: object, wanted: str) -> object:
    if isinstance(value, IPv4Address):
        return value
    if not isinstance(value, str):
        raise Unfit(f"must be {wanted}")
    try:
        found = IPv4Address(value)
    except ValueError:
        raise Unfit(f"must be {wanted}", _address_hint(value)) from None
    if found.is_unspecified or found.is_loopback or found.is_multicast or found.is_reserved:
        raise Unfit("must be an address that a host on a network can have", "not 0.0.0.0, nor in 127/8 or 224/3")
    return found


def address6(value: object) -> object:
    """An IPv6 address that a host on a network can have, and that is whole without a zone."""
    if isinstance(value, IPv6Address):
        return value
    if not isinstance(value, str):
        raise Unfit("must be an IPv6 address such as 2001:db8:56::10")
    try:
        found = IPv6Address(value)
    except ValueError:
        raise Unfit("must be an IPv6 address such as 2001:db8:56::10", _address6_hint(value)) from None
    if found.ipv4_mapped or found.is_unspecified or found.is_loopback or found.is_multicast or found.scope_id:
        hint = "not ::, ::1, nor in ff00::/8 or ::ffff:0:0/96, and without a zone"
        raise Unfit("must be an address that a host on a network can have", hint)
    return found


def own_address6(value: object) -> object:
    """The same, but one that means the same host on every link."""
    found = address6(value)
    if isinstance(found, IPv6Address) and found.is_link_local:
        raise Unfit("must not be link-local", "fe80::/10 means another host on every link; give a global or a ULA one")
    return found


def any_address(value: object) -> object:
    """An address of either family."""
    if isinstance(value, IPv6Address) or (isinstance(value, str) and ":" in value):
        return own_address6(value)
    return _address4(value, "an IPv4 or IPv6 address such as 192.168.56.10")


def _address_hint(text: str) -> str:
    if PREFIXED.match(text):
        return "leave out the prefix length here; network.prefix gives it for all"
    if ":" in text:
        return "this one is IPv6; VIPs and servers may be, and a node has address6 beside its address"
    if re.search(r"(^|\.)0[0-9]", text):
        return "write its numbers without leading zeros"
    return ""


def _address6_hint(text: str) -> str:
    return "leave out the prefix length here; network.prefix6 gives it for all" if "/" in text else ""


def host_name(text: str) -> str:
    """A host name by RFC 1123, section 2.1: labels of letters, digits and hyphens, 253 characters at most."""
    if len(text) > LONGEST_HOST_NAME or not all(HOST_LABEL.match(part) for part in text.split(".")):
        raise Unfit("must be a host name: letters, digits and hyphens, in parts separated by dots")
    return text


def full_host_name(text: str) -> str:
    """A host name with a domain, in lower case. Linux takes 64 characters at most (sethostname(2))."""
    host_name(text)
    short, _, domain = text.partition(".")
    if not domain or len(text) > LONGEST_NODE_NAME or text != text.lower() or domain.rpartition(".")[2].isdigit():
        raise Unfit("must be a full host name in lower case, with a domain, such as lb1.example.com")
    if short == "localhost":
        raise Unfit("must not be localhost, which every host calls itself")
    return text


def email(text: str) -> str:
    """A mailbox by RFC 5321, section 4.1.2, without quoted local parts and address literals."""
    local, at, domain = text.rpartition("@")
    dotted = ".." in local or local.startswith(".") or local.endswith(".")
    if not at or not MAILBOX.match(local) or dotted:
        raise Unfit("must be an e-mail address such as lb1@example.com")
    try:
        host_name(domain)
    except Unfit:
        raise Unfit(f"must be an e-mail address; after the @ stands {domain!r}, which is no host name") from None
    return text


def label(text: str) -> str:
    """A short name that is safe in file names and configuration files."""
    return _match(
        r"[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?",
        text,
        "1 to 40 lower-case letters, digits, hyphens or underscores, with a letter or digit at both ends",
    )


def interface_name(text: str) -> str:
    """A Linux interface name (IFNAMSIZ: 15 characters), or `auto`."""
    return _match(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", text, "an interface name of 15 characters at most, or auto")


def user_name(text: str) -> str:
    """A login name that useradd takes; root and the accounts of packages are left to the system."""
    if text == "root":
        raise Unfit("must not be root, which has no SSH access", "choose another login name; it may use sudo")
    if text in SYSTEM_ACCOUNTS:
        raise Unfit("must not be an account that the guest's system has", "choose another login name")
    return _match(r"[a-z_][a-z0-9_-]{0,31}", text, "a login name: lower-case letters, digits, - or _, 32 at most")


def version(text: str) -> str:
    """A release number such as 2.3.3."""
    return _match(r"[0-9]{1,4}(\.[0-9]{1,4}){2}", text, "a release number of three parts, such as 2.3.3")


def http_path(text: str) -> str:
    """The path of an HTTP request, without spaces."""
    return _match(r"/[!-~]{0,200}", text, "a path that starts with / and has no spaces")


def plain_text(text: str) -> str:
    """One line of text for people, which ends up in a page."""
    return _match(r"[^\x00-\x1f\x7f]{1,300}", text, "1 to 300 characters on one line")


def cookie_name(text: str) -> str:
    """The name of a cookie: a part of what RFC 6265, section 4.1.1 allows."""
    return _match(r"[A-Za-z0-9_-]{1,40}", text, "1 to 40 letters, digits, hyphens or underscores")


def header_text(text: str) -> str:
    """Text that a server's answer is searched for; HAProxy's file can hold it in quotes."""
    return _match(
        r"[ !#-&(-\[\]-~]{1,100}", text, "1 to 100 printable ASCII characters without quotes and backslashes"
    )


def file_path(value: object) -> str:
    """The path of a file, relative to the spec or absolute."""
    if not isinstance(value, str):
        raise Unfit("must be the path of a file", "relative paths start from the spec's folder")
    if "PRIVATE KEY" in value or "BEGIN CERTIFICATE" in value:
        raise Unfit("must be the path of a file, not its content", "keep secrets out of the spec")
    return _match(r"[^\x00-\x1f\x7f]{1,1000}", value, "the path of a file")


def url(text: str) -> str:
    """A place that files come from: http, https or file. It is written into the image, so it holds no password."""
    if re.match(r"[a-z]+://[^/]*@", text):
        raise Unfit("must be an address without user and password: the image and messages would show them")
    return _match(r"(https?|file)://[!-~]+", text, "an http, https or file address").rstrip("/")


def ssh_key(text: str) -> str:
    """One public key in the form of authorized_keys."""
    if "PRIVATE KEY" in text:
        raise Unfit("must be a public key; this is a private one", "give the file that ends in .pub")
    text = text.strip()
    if not SSH_KEY.match(text):
        raise Unfit("must be an SSH public key on one line, such as: ssh-ed25519 AAAA… name")
    return text


def _match(pattern: str, text: str, wanted: str) -> str:
    if not re.fullmatch(pattern, text):
        raise Unfit(f"must be {wanted}")
    return text
