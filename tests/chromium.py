"""A headless Chromium that tests control with the DevTools protocol over two pipes (--remote-debugging-pipe)."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SECONDS = 60
ARGV = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--no-first-run",
    "--remote-debugging-pipe",
)


class Page:
    """One tab, with the network off."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._rest = b""
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []

    def open(self, path: Path) -> None:
        """Load a file and wait for it."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        self.ask("Page.navigate", url=path.as_uri())
        self._wait(lambda message: message.get("method") == "Page.loadEventFired")

    def size(self, width: int, height: int = 900) -> None:
        """Set the window's size in CSS pixels."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def dark(self, *, on: bool) -> None:
        """Prefer a dark colour scheme, or a light one."""
        tone = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.ask("Emulation.setEmulatedMedia", media="screen", features=[tone])

    def value(self, script: str) -> Any:
        """Evaluate a piece of JavaScript, and return its value."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self) -> bytes:
        """Return the whole page as PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def pdf(self) -> bytes:
        """Return the page as it is printed."""
        return base64.b64decode(self.ask("Page.printToPDF", preferCSSPageSize=True)["data"])

    def complaints(self) -> list[dict[str, Any]]:
        """Return the events of the browser's console: calls, exceptions and log entries."""
        methods = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [event for event in self.events if event["method"] in methods]

    def requests(self) -> list[str]:
        """Return the addresses that the page requested."""
        sent = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        session = {"sessionId": self._session} if self._session else {}
        os.write(self._commands, json.dumps({**message, **session}).encode() + b"\0")
        answer = self._wait(lambda each: each.get("id") == number)
        assert "error" not in answer, (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    def _wait(self, matches: Any) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while True:
            message = self._read(deadline)
            if "method" in message:
                self.events.append(message)
            if matches(message):
                return message

    def _read(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"Chromium did not answer within {SECONDS} s"
            new = os.read(self._answers, 1 << 20)
            assert new, "Chromium ended"
            self._rest += new
        line, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        return message


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """Run a browser with its own profile; it ends with the context."""
    orders, commands = os.pipe()
    answers, words = os.pipe()

    # Chromium reads commands from descriptor 3 and answers on 4.
    move = f"import os, sys; os.dup2({orders}, 3); os.dup2({words}, 4); os.execvp(sys.argv[1], sys.argv[1:])"
    argv = [sys.executable, "-I", "-c", move, *ARGV, f"--user-data-dir={profile}"]
    with profile.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(argv, pass_fds=(orders, words), stdout=log, stderr=log)
    os.close(orders)
    os.close(words)
    try:
        yield Page(commands, answers)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        os.close(commands)
        os.close(answers)
