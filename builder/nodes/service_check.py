"""Ask every service on every VIP once. The lab runs this file in its client: `python -I service_check.py`.

It needs nothing but the standard library.
stdin: a JSON list of targets, {address, port, mode, path, host}; mode is http, https, tcp, or tls (bytes inside TLS).
stdout: a JSON list in the same order, {address, port, ok, answer}.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

SECONDS = 3
SERVER_ERROR = 500


def check_service(target: dict[str, Any]) -> dict[str, Any]:
    """Ask one service once; an error is its answer, too."""
    ask = _http if target["mode"].startswith("http") else _greeting
    try:
        ok, answer = ask(target)
    except (OSError, http.client.HTTPException) as failure:
        ok, answer = False, str(failure) or type(failure).__name__
    return {"address": target["address"], "port": target["port"], "ok": ok, "answer": answer}


def _http(target: dict[str, Any]) -> tuple[bool, str]:
    connection = _connection(target)
    try:
        connection.request("GET", target["path"], headers={"Host": target["host"]} if target["host"] else {})
        response = connection.getresponse()
        server = response.headers.get("X-Server", "")
        return response.status < SERVER_ERROR, f"HTTP {response.status}{f' from {server}' if server else ''}"
    finally:
        connection.close()


def _connection(target: dict[str, Any]) -> http.client.HTTPConnection:
    if target["mode"] == "http":
        return http.client.HTTPConnection(target["address"], target["port"], timeout=SECONDS)
    return http.client.HTTPSConnection(
        target["address"], target["port"], timeout=SECONDS, context=unverified_context()
    )


def unverified_context() -> ssl.SSLContext:
    """Return a context that verifies no certificate: the check is whether the server serves, not who it is."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _greeting(target: dict[str, Any]) -> tuple[bool, str]:
    """Wait for the server's greeting, or for silence: HAProxy without a server closes the connection at once.

    The stub servers of `tcp` services speak first; servers of protocols in which the client does keep silent.
    """
    plain = socket.create_connection((target["address"], target["port"]), timeout=SECONDS)
    with unverified_context().wrap_socket(plain) if target["mode"] == "tls" else plain as connection:
        try:
            greeting = connection.recv(200).decode(errors="replace").strip()
        except TimeoutError:
            return True, "open, and waits for the client to speak"
    return bool(greeting), greeting or "closed without a greeting"


if __name__ == "__main__":
    with ThreadPoolExecutor(max_workers=8) as pool:
        print(json.dumps(list(pool.map(check_service, json.load(sys.stdin)))))  # noqa: T201 - this is the result
