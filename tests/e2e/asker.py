"""Ask a web service again and again until stdin ends, each time over a new connection; then print the answers.

`python asker.py ADDRESS PORT`, run where the clients are. stdout: a JSON object with `answers`, the count of each
answer, and `silence`, the longest time without a good answer, in seconds.
"""

from __future__ import annotations

import collections
import http.client
import json
import sys
import threading
import time

SECONDS = 30
PAUSE_SECONDS = 0.02
GOOD = "200"


def ask(address: str, port: int) -> str:
    """Return the status of one answer, or the error."""
    connection = http.client.HTTPConnection(address, port, timeout=SECONDS)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as failure:
        return repr(failure)
    finally:
        connection.close()
    return str(answer.status)


def main(address: str, port: str) -> None:
    """Ask until stdin ends."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    answers: collections.Counter[str] = collections.Counter()
    silence, last = 0.0, time.monotonic()
    while not ended.wait(PAUSE_SECONDS):
        answer = ask(address, int(port))
        answers[answer] += 1
        silence = max(silence, time.monotonic() - last)
        if answer == GOOD:
            last = time.monotonic()
    sys.stdout.write(json.dumps({"answers": answers, "silence": silence}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
