"""A client of Exchange's services, run where the clients are: `python exchange_client.py VIP`.

Each line of stdin is a JSON list, a kind and its arguments; each line of stdout is the answer as JSON. `https PATH`
returns status, server and location; `kept PATH REQUESTS` servers and logins; `tls VERSION` the version used; `imaps`,
`pop3s` and `smtp PORT` the server that greets; `silence PORT` how long an idle connection stays open; `load PATH
SECONDS` counts answers.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import http.client
import imaplib
import json
import poplib
import smtplib
import socket
import ssl
import sys
import time

TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
SECONDS = 10


def https(vip: str, path: str) -> list[object]:
    connection = http.client.HTTPSConnection(vip, 443, timeout=SECONDS, context=TLS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        return [answer.status, answer.headers.get("X-Server"), answer.headers.get("Location"), body]
    finally:
        connection.close()


def kept(vip: str, path: str, requests: list[list[str]]) -> list[list[str]]:
    """Send requests [client, login], one connection per client; returns each one's server, and the login it knows."""
    answers = []
    with contextlib.ExitStack() as stack:
        clients: dict[str, http.client.HTTPSConnection] = {}
        for name, login in requests:
            if name not in clients:
                clients[name] = http.client.HTTPSConnection(vip, 443, timeout=SECONDS, context=TLS)
                stack.callback(clients[name].close)
            clients[name].request("GET", path, headers={"Authorization": login} if login else {})
            answer = clients[name].getresponse()
            answer.read()
            answers.append([answer.headers["X-Server"], answer.headers["X-Login"]])
    return answers


def tls(vip: str, version: str) -> str | None:
    """Return the TLS version of a connection whose client offers only that version, with any cipher."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with socket.create_connection((vip, 443), SECONDS) as plain, context.wrap_socket(plain) as secured:
        return secured.version()


def plain(vip: str, path: str) -> list[object]:
    connection = http.client.HTTPConnection(vip, 80, timeout=SECONDS)
    connection.request("GET", path, headers={"Host": "mail.example.com"})
    answer = connection.getresponse()
    return [answer.status, answer.headers.get("Location")]


def imaps(vip: str) -> str:
    with imaplib.IMAP4_SSL(vip, ssl_context=TLS, timeout=SECONDS) as client:
        client.login("user", "password")
        return client.welcome.decode()


def pop3s(vip: str) -> str:
    client = poplib.POP3_SSL(vip, context=TLS, timeout=SECONDS)
    welcome = client.getwelcome().decode()
    client.quit()
    return welcome


def smtp(vip: str, port: int) -> str:
    with smtplib.SMTP(vip, port, timeout=SECONDS) as client:
        client.sendmail("a@example.com", ["b@example.com"], "Subject: hello\r\n\r\nHello.\r\n")
        return client.ehlo_resp.decode() if client.ehlo_resp else ""


def statistics(_: str, host: str, password: str) -> int:
    connection = http.client.HTTPConnection(host, 8404, timeout=SECONDS)
    login = base64.b64encode(f"stats:{password}".encode()).decode()
    connection.request("GET", "/", headers={"Authorization": f"Basic {login}"})
    return connection.getresponse().status


def silence(vip: str, port: int) -> float:
    """Return the seconds until an idle connection is closed, after data has passed in both directions."""
    with socket.create_connection((vip, port), SECONDS) as connection:
        connection.sendall(b"hello\n")
        connection.recv(100)
        began = time.monotonic()
        while connection.recv(100):
            pass
        return time.monotonic() - began


def load(vip: str, path: str, seconds: float) -> dict[str, int]:
    """Send requests for some seconds, each over a new connection; counts the results."""
    results: collections.Counter[str] = collections.Counter()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            results[str(https(vip, path)[0])] += 1
        except (OSError, http.client.HTTPException) as failure:
            results[repr(failure)] += 1
    return dict(results)


if __name__ == "__main__":
    KINDS = {each.__name__: each for each in (https, kept, tls, plain, imaps, pop3s, smtp, statistics, silence, load)}
    for line in sys.stdin:
        kind, *arguments = json.loads(line)
        try:
            result: object = KINDS[kind](sys.argv[1], *arguments)
        except (OSError, http.client.HTTPException, imaplib.IMAP4.error, poplib.error_proto) as failure:
            result = f"failed: {failure!r}"
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
