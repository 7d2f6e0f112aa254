"""The syntax of single values: each function returns the value that it is given, or raises InvalidValue.

The message of an InvalidValue continues the name of the value: "address of node 2 must be …".
"""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

LONGEST_HOST_NAME = 253
HIGHEST_PORT = 65535
LONGEST_LABEL = 40
LONGEST_NODE_NAME = 64
LONGEST_SEARCH_LIST = 256
HOST_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
MAILBOX = re.compile(r"[A-Za-z0-9._+=-]{1,64}\Z")  # no ! and #, which begin comments in keepalived.conf
SYSTEM_ACCOUNTS = frozenset(
    re.findall(
        r"\S+",
        """
        adm backup bin chrony daemon dbus ftp games halt haproxy irc list lp mail man messagebus news nobody operator
        polkitd proxy rpc shutdown sshd sync sys syslog uucp www-data
        """,
    )
)
"""From Debian's base-passwd, Red Hat's setup and the appliance's packages; useradd would not create them."""
URL = re.compile(
    r"(https?://([A-Za-z0-9.-]*[A-Za-z0-9]|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?(?=/|\Z)|file:///)"
    r"([A-Za-z0-9._~/:+=@-]|%[0-9A-Fa-f]{2})*\Z"
)
"""An address without characters that mean something to yum, apt or sh, and without a query: a path follows it."""
SCHEME = re.compile(r"(https?|file)://", re.IGNORECASE)
PREFIXED = re.compile(r"[0-9.]+/[0-9]+\Z")
LIKE_IPV6 = re.compile(r"(?=.*:.*:)[0-9A-Fa-f:./]+(%.*)?\Z")
AROUND_A_HOST = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)?\[?(?P<host>[^]\[/@]+?)\]?(:[0-9]+)?(/[^@]*)?\Z")
PINNED = {"keepalived": ("1.2.13", "2.2.7", "2.3.3", "2.3.4"), "haproxy": ("2.6.12", "3.0.11")}
"""The releases that messages name; a test compares them with builder/sources/pins.yml."""


class InvalidValue(ValueError):
    """A value that its key does not accept; the message says why, `hint` what to do."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


def address(value: object) -> object:
    """An IPv4 address that a host on a network can have, in dotted form (a plain number is not an address)."""
    return _address4(value, "an IPv4 address such as 192.168.56.10")


def _address4(value: object, expected: str) -> object:
    if isinstance(value, IPv4Address):
        return value
    if not isinstance(value, str):
        raise InvalidValue(f"must be {expected}")
    try:
        parsed = IPv4Address(value)
    except ValueError:
        raise InvalidValue(f"must be {expected}", _address_hint(value)) from None
    if parsed.is_unspecified or parsed.is_loopback or parsed.is_multicast or parsed.is_reserved:
        raise InvalidValue(
            "must be an address that a host on a network can have", "not 0.0.0.0, nor in 127/8 or 224/3"
        )
    return parsed


def address6(value: object) -> object:
    """An IPv6 address that a host on a network can have, without a zone."""
    if isinstance(value, IPv6Address):
        return value
    if not isinstance(value, str):
        raise InvalidValue("must be an IPv6 address such as 2001:db8:56::10")
    try:
        parsed = IPv6Address(value)
    except ValueError:
        raise InvalidValue("must be an IPv6 address such as 2001:db8:56::10", _address6_hint(value)) from None
    if parsed.ipv4_mapped or parsed.is_unspecified or parsed.is_loopback or parsed.is_multicast or parsed.scope_id:
        hint = "not ::, ::1, nor in ff00::/8 or ::ffff:0:0/96, and without a zone"
        raise InvalidValue("must be an address that a host on a network can have", hint)
    return parsed


def own_address6(value: object) -> object:
    """An IPv6 address as for `address6`, but not a link-local one, which is valid on one link only."""
    parsed = address6(value)
    if isinstance(parsed, IPv6Address) and parsed.is_link_local:
        raise InvalidValue(
            "must not be link-local",
            "an fe80::/10 address is valid on one link only; use a global or a unique local address",
        )
    return parsed


def any_address(value: object) -> object:
    """An IPv4 or IPv6 address that is valid beyond one link."""
    if isinstance(value, IPv6Address) or (isinstance(value, str) and LIKE_IPV6.match(value)):
        return own_address6(value)
    return _address4(value, "an IPv4 or IPv6 address such as 192.168.56.10")


def network(value: object) -> object:
    """A network such as 192.0.2.0/24, or a single address, which stands for itself alone."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        parsed = ip_network(value if isinstance(value, str) else "", strict=False)
    except ValueError:
        raise InvalidValue("must be a network such as 192.0.2.0/24, or a single address") from None
    if "/" in str(value) and str(value).partition("/")[0] != str(parsed.network_address):
        raise InvalidValue("must be a network, but it has bits after the prefix", f"write {parsed}, or one address")
    if not parsed.prefixlen:
        raise InvalidValue("must not contain every address", "list the addresses of the proxies")
    return parsed


def _address_hint(text: str) -> str:
    if PREFIXED.match(text):
        return "leave out the prefix length here; network.prefix sets it for all"
    if LIKE_IPV6.match(text):
        return "this is an IPv6 address: VIPs and servers may have one, and a node's goes into address6"
    if re.search(r"(^|\.)0[0-9]", text):
        return "write its numbers without leading zeros"
    host = bare_host(text)
    if re.search("[A-Za-z]", host) and is_host_name(host):
        return "give an address: names are not resolved"
    return f"write {host} alone" if host != text else ""


def bare_host(text: str) -> str:
    """The host of a text with a scheme, a port or a path around it; the text itself if there is none."""
    found = None if LIKE_IPV6.match(text) or PREFIXED.match(text) else AROUND_A_HOST.match(text)
    return found["host"] if found and (is_host_name(found["host"]) or LIKE_IPV6.match(found["host"])) else text


def _address6_hint(text: str) -> str:
    return "leave out the prefix length here; network.prefix6 sets it for all" if "/" in text else ""


def host_name(text: str) -> str:
    """A host name by RFC 1123, section 2.1: labels of letters, digits and hyphens, 253 characters at most."""
    if not is_host_name(text):
        raise InvalidValue("must be a host name: letters, digits and hyphens, in parts separated by dots")
    return text


def is_host_name(text: str) -> bool:
    """Whether a text has the form of a host name, which an IPv4 address has as well."""
    return len(text) <= LONGEST_HOST_NAME and all(HOST_LABEL.match(part) for part in text.split("."))


def search_list(domains: tuple[str, ...]) -> tuple[str, ...]:
    """Domains that fit into the search list of a resolver: 256 characters in glibc 2.25 and earlier."""
    length = len(" ".join(domains))
    if length > LONGEST_SEARCH_LIST:
        raise InvalidValue(
            f"must have at most {LONGEST_SEARCH_LIST} characters with a space between two domains, not {length}",
            "list only the domains in which the nodes look up short names",
        )
    return domains


def full_host_name(text: str) -> str:
    """A host name with a domain, in lower case. Linux allows 64 characters at most (sethostname(2))."""
    host_name(text)
    short, _, domain = text.partition(".")
    if not domain or len(text) > LONGEST_NODE_NAME or text != text.lower() or domain.rpartition(".")[2].isdigit():
        raise InvalidValue("must be a full host name in lower case, with a domain, such as lb1.example.com")
    if short == "localhost":
        raise InvalidValue("must not be localhost, which is a name of every host")
    return text


def email(text: str) -> str:
    """A mailbox by RFC 5321, section 4.1.2, without quoted local parts and address literals."""
    local, at, domain = text.rpartition("@")
    dotted = ".." in local or local.startswith(".") or local.endswith(".")
    if not at or not MAILBOX.match(local) or dotted:
        raise InvalidValue("must be an e-mail address such as lb1@example.com")
    try:
        host_name(domain)
    except InvalidValue:
        raise InvalidValue(f"must be an e-mail address; {domain!r}, after the @, is not a host name") from None
    return text


def label(text: str) -> str:
    """A short name that is safe in file names and configuration files."""
    return _match(
        rf"[a-z0-9]([a-z0-9_-]{{0,{LONGEST_LABEL - 2}}}[a-z0-9])?",
        text,
        f"1 to {LONGEST_LABEL} lower-case letters, digits, hyphens or underscores, "
        "with a letter or digit at both ends",
    )


def interface_name(text: str) -> str:
    """A Linux interface name (IFNAMSIZ: 15 characters), or `auto`."""
    return _match(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", text, "an interface name of 15 characters at most, or auto")


def user_name(text: str) -> str:
    """A login name that useradd accepts; not root and no system account."""
    if text == "root":
        raise InvalidValue("must not be root, which has no SSH access", "choose another login name; it may use sudo")
    if text in SYSTEM_ACCOUNTS:
        raise InvalidValue("must not be a system account of the guest", "choose another login name")
    return _match(r"[a-z_][a-z0-9_-]{0,31}", text, "a login name: lower-case letters, digits, - or _, 32 at most")


def version(text: str, product: str = "keepalived") -> str:
    """A release number of a product, such as 2.3.3."""
    pinned = PINNED[product]
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4}){2}", text):
        reason = f"must be a release number of three parts, such as {pinned[-1]}"
        raise InvalidValue(reason, f"the pinned releases are {', '.join(pinned)}")
    return text


def path(text: str) -> str:
    """What every path of the web has in common."""
    return _match(r"/[!-~]{0,200}", text, "a path that starts with / and has no spaces")


def plain_text(text: str) -> str:
    """One line of text, which ends up on a page."""
    expected = "1 to 300 characters on one line"
    _match(r"(?s).{1,300}", text, expected)
    if not all(map(is_on_a_line, text)):
        raise InvalidValue(f"must be {expected}")
    return text


def is_on_a_line(character: str) -> bool:
    """Whether it is no control character, ends no line, and can be in a file, unlike half of a surrogate pair."""
    return unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}


def cookie_name(text: str) -> str:
    """The name of a cookie: a subset of what RFC 6265, section 4.1.1 allows."""
    return _match(r"[A-Za-z0-9_-]{1,40}", text, "1 to 40 letters, digits, hyphens or underscores")


def header_text(text: str) -> str:
    """Text to search a server's response for, which haproxy.cfg can contain in quotes."""
    return _match(
        r"[ !#-&(-\[\]-~]{1,100}", text, "1 to 100 printable ASCII characters without quotes and backslashes"
    )


def file_path(value: object) -> str:
    """The path of a file, relative to the spec or absolute."""
    if not isinstance(value, str):
        raise InvalidValue("must be the path of a file", "relative paths start from the spec's folder")
    if "PRIVATE KEY" in value or "BEGIN CERTIFICATE" in value:
        raise InvalidValue("must be the path of a file, not its content", "keep secrets out of the spec")
    if not all(map(is_on_a_line, value)):
        raise InvalidValue("must be the path of a file, without line breaks and control characters")
    return _match(r".{1,1000}", value, "the path of a file")


def url(text: str) -> str:
    """An http, https or file URL to get files from. It ends up in the image, so it must not contain a password."""
    if has_credentials(text):
        reason = "must be an address without user and password: the image and messages would show them"
        raise InvalidValue(reason, "use a mirror that asks for neither, or a folder such as file:///srv/mirror")
    match = URL.match(text)
    if not match or int(match["port"] or 1) not in range(1, HIGHEST_PORT + 1):
        reason = "must be an http, https or file address, such as http://mirror.example.com/debian"
        raise InvalidValue(reason, _url_hint(text, match))
    return text.rstrip("/")


def _url_hint(text: str, match: re.Match[str] | None) -> str:
    scheme = SCHEME.match(text)
    if match:
        return f"a port is a number from 1 to {HIGHEST_PORT}"
    if not scheme or (scheme[1] == "file" and not text.startswith("file:///")):
        return "begin it with http:// or https://, or with file:/// for a folder"
    if not scheme[1].islower():
        return f"write {scheme[0].lower()} in lower case"
    return "write a character other than letters, digits and -._~/:+=@ by its code, such as %20 for a space"


def has_credentials(address: str) -> bool:
    """Whether an address names a user, with or without a password (RFC 3986, section 3.2.1)."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*@", address) is not None


def _match(pattern: str, text: str, expected: str) -> str:
    if not re.fullmatch(pattern, text):
        raise InvalidValue(f"must be {expected}")
    return text
