"""The page that clients see when no server of a service is well: a whole HTTP answer (errorfile)."""

from __future__ import annotations

from html import escape

from builder.spec.model import Cluster
from builder.spec.service import Service

FOLDER = "/etc/haproxy/maintenance"
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Maintenance</title></head>
<body style="font-family: sans-serif; margin: 15vh auto; max-width: 40em; padding: 0 1em"><p>{}</p></body>
</html>
"""


def path(service: Service) -> str:
    """Where the guest has a service's page."""
    return f"{FOLDER}/{service.name}.http"


def pages(cluster: Cluster) -> dict[str, str]:
    """The pages of all services that have one, by their paths in the guest."""
    return {path(service): _answer(service.maintenance) for service in cluster.services if service.maintenance}


def _answer(text: str) -> str:
    page = PAGE.format(escape(text))
    lines = (
        "HTTP/1.1 503 Service Unavailable",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(page.encode())}",
        "Cache-Control: no-cache",
        "Retry-After: 60",
    )
    return "\r\n".join((*lines, "", page))
