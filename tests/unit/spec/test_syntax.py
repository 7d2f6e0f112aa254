"""The syntax of single values, good and bad."""

from __future__ import annotations

import base64

import pytest

from builder.spec import syntax, values
from builder.spec.ssh_keys import ssh_key


def public_key(kind: str, *fields: bytes, extra: bytes = b"") -> str:
    """A line of authorized_keys with these fields after the key's own name."""
    data = b"".join(len(field).to_bytes(4, "big") + field for field in (kind.encode(), *fields))
    return f"{kind} {base64.b64encode(data + extra).decode()}"


KEY = public_key("ssh-ed25519", bytes(32))

GOOD = [
    (syntax.address, "10.1.2.3"),
    (syntax.address, "169.254.1.1"),
    (syntax.own_address6, "2001:db8::1"),
    (syntax.own_address6, "fd00::1"),
    (syntax.address6, "fe80::1"),
    (syntax.any_address, "10.1.2.3"),
    (syntax.any_address, "2001:db8::1"),
    (syntax.host_name, "a.b-c.example.com"),
    (syntax.full_host_name, "lb1.example.com"),
    (syntax.full_host_name, "1lb.example.com"),
    (syntax.email, "first.last+tag@mail.example.com"),
    (syntax.email, "root@localhost"),
    (syntax.label, "a"),
    (syntax.label, "web_1-b"),
    (syntax.interface_name, "auto"),
    (syntax.interface_name, "eth0.100"),
    (syntax.user_name, "ops"),
    (syntax.version, "1.2.13"),
    (values.http_path, "/owa/healthcheck.htm?x=1"),
    (syntax.url, "http://mirror.example.com/debian"),
    (ssh_key, KEY),
    (ssh_key, f"{KEY} Jörg at section_of"),
    (ssh_key, public_key("ecdsa-sha2-nistp256", b"nistp256", bytes(65)) + " me"),
    (ssh_key, public_key("sk-ssh-ed25519@openssh.com", bytes(32), b"ssh:")),
    (ssh_key, public_key("ssh-rsa", b"\1\0\1", bytes(256))),
]

LINE_ENDS = ("\n", "\r", "\x0b", "\x0c", "\x1b", "\x85", "\u2028", "\u2029", "\ud800")
"""What ends a line for Python's and thus for cloud-init's splitlines(), and what no file can have."""

BAD = [
    *((syntax.address, text) for text in ("", "10.1.2", "10.1.2.256", "10.1.2.3/24", "fe80::1", "010.1.2.3", "host")),
    *(
        (syntax.address6, text)
        for text in ("", "10.1.2.3", "::", "::1", "ff02::12", "::ffff:10.1.2.3", "fe80::1%eth0")
    ),
    *((syntax.any_address, text) for text in ("", "fe80::1", "10.1.2.256", "1:2", "2001:db8::/64", "127.0.0.1")),
    *((syntax.address, text) for text in ("0.0.0.0", "127.0.0.1", "224.0.0.18", "255.255.255.255")),
    *(
        (syntax.host_name, text)
        for text in ("", "-a", "a-", "a..b", "a_b", "a b", "x" * 64, "a." * 127 + "a", "é.com")
    ),
    *((syntax.full_host_name, text) for text in ("lb1", "LB1.example.com", "10.1.2.3", "a." * 32 + "com")),
    *((syntax.full_host_name, text) for text in ("localhost.localdomain", "lb1.example.com.", "lb1.example.com\n")),
    *((syntax.email, text) for text in ("", "a", "@b.c", "a@", "a@b@c.d", "a b@c.d", ".a@b.c", "a..b@c.d", "a@b_c.d")),
    *((syntax.email, text) for text in ("a!b@c.d", "a#b@c.d", "a@c.d\n", "<a@b.c>")),
    *((syntax.label, text) for text in ("", "A", "a b", "-a", "a-", "x" * 41, "a/b", "..", "a\n")),
    *((syntax.interface_name, text) for text in ("", "x" * 16, "eth 0", "-eth0", "eth0\n", "../x")),
    *((syntax.user_name, text) for text in ("", "root", "haproxy", "www-data", "Ops", "1ops", "x" * 33, "ops:x")),
    *((syntax.version, text) for text in ("", "2.3", "2.3.3.1", "v2.3.3", "2.3.3-1", "\uff12.3.3", "9" * 5 + ".1.1")),
    *((values.http_path, text) for text in ("", "health", "/a b", "/" + "x" * 201, "/a\n")),
    *(
        (syntax.url, text)
        for text in ("", "mirror.example.com", "ftp://x", "http://", "http://a b", "https://u:p@a/debian")
    ),
    *((syntax.url, f"http://m/{text}") for text in ("$releasever", "a,b", "a;b", "#a", "?a", "'a", '"a', "%", "%zz")),
    *((syntax.url, text) for text in ("http:///a", "http://a:99999/", "http://a:/", "http://[::1", "file://a/b")),
    *((syntax.url, text) for text in ("http://x:y/debian", "http://[::1/d", "http://x?/d", "FTP://x")),
    *((check, f"{KEY} a{end}b") for check in (ssh_key,) for end in LINE_ENDS),
    *((check, f"a{end}b") for check in (syntax.plain_text, syntax.file_path) for end in LINE_ENDS),
    *((ssh_key, text) for text in ("", "AAAA", "ssh-dss " + "A" * 68, "ssh-ed25519 AAAA", f"{KEY}\n{KEY}")),
    (ssh_key, "ssh-rsa " + "A" * 68),
    (ssh_key, KEY.replace("ssh-ed25519", "ssh-rsa")),
    (ssh_key, KEY[:-8]),
    (ssh_key, public_key("ssh-ed25519", bytes(32), extra=b"\0")),
    (ssh_key, "-----BEGIN OPENSSH PRIVATE KEY-----"),
]


@pytest.mark.parametrize(("check", "text"), GOOD)
def test_valid_values_are_returned_unchanged(check, text: str) -> None:
    assert str(check(text)) == text


@pytest.mark.parametrize(("check", "text"), BAD)
def test_invalid_values_raise_a_message_that_continues_their_name(check, text: str) -> None:
    with pytest.raises(syntax.InvalidValue, match=r"^must (not )?be "):
        check(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10.1.2.3/24", "leave out the prefix length"),
        ("fe80::1", "this is an IPv6 address"),
        ("10.1.02.3", "without leading zeros"),
    ],
)
def test_common_mistakes_in_addresses_have_a_hint(text: str, hint: str) -> None:
    with pytest.raises(syntax.InvalidValue) as caught:
        syntax.address(text)
    assert hint in caught.value.hint


def test_the_line_end_of_an_ssh_key_is_removed() -> None:
    assert ssh_key(f"{KEY}\n") == KEY


@pytest.mark.parametrize(
    "text",
    [
        "http://user:p@ss@mirror/debian",
        "HTTP://user:pass@mirror/debian",
        "https://user%3Apass@mirror/debian",
        "file://user:pass@mirror/debian",
        "ftp://user:pass@mirror/debian",
        "http://user@mirror/debian",
    ],
)
def test_an_address_names_no_user(text: str) -> None:
    with pytest.raises(syntax.InvalidValue, match="without user and password"):
        syntax.url(text)


def test_the_last_slash_of_a_url_is_removed() -> None:
    assert syntax.url("http://mirror.example.com/debian/") == "http://mirror.example.com/debian"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("http://[2001:db8::1]:80/x", "2001:db8::1"),
        ("10.1.2.3:80", "10.1.2.3"),
        *(
            (text, text)
            for text in ("foo bar:80", "https://", "u:p@x.example.com:80", "2001:db8::1", f"{'x' * 80}:80")
        ),
    ],
)
def test_a_hint_writes_only_what_can_be_a_host(text: str, host: str) -> None:
    assert syntax.bare_host(text) == host
