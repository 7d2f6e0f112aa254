"""The entry point of `vipforge` and of `python -m builder`: the encoding of all files, and what ends a command.

Every file is read and written as UTF-8, whatever the locale. SIGTERM and SIGHUP end a command as Ctrl-C does: with its
cleanup. A command that Ctrl-C does not reach within a second, because a library waits for a network, ends without.
"""

from __future__ import annotations

import codecs
import locale
import os
import signal
import socket
import sys
import threading
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
"""Same as builder.core.errors.Exit.INTERRUPTED; importing that could itself be interrupted."""
REACTION_SECONDS = 0.8
ENCODING = "VIPFORGE_TERMINAL"
"""The environment variable that passes the terminal's encoding on to the process in UTF-8 mode."""


def main() -> NoReturn:
    """Run the command; an interrupt while its modules load exits like any later one, without a traceback."""
    try:
        use_utf8()
        end_on_signals()
        from builder.cli import main as run  # noqa: PLC0415 - an interrupt may arrive during this import

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except SystemError as error:  # what an interrupt becomes if a C library, such as libvirt, is calling Python
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        sys.exit(INTERRUPTED)


def use_utf8() -> None:
    """Start again in Python's UTF-8 mode (PEP 540) if the locale has another encoding, which only a terminal keeps."""
    terminal = os.environ.pop(ENCODING, "")
    if not sys.flags.utf8_mode and locale.getencoding().lower() != "utf-8":
        variables = {**os.environ, ENCODING: locale.getencoding()}
        os.execve(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]], variables)  # noqa: S606
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and terminal and stream.isatty():
            stream.reconfigure(encoding=terminal, errors="replace")
        elif isinstance(stream, TextIOWrapper):
            is_utf8 = codecs.lookup(stream.encoding).name == "utf-8"  # PYTHONIOENCODING may name any other
            stream.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")  # file names: PEP 383


def end_on_signals() -> None:
    """Make SIGTERM and SIGHUP interrupt the command, and end a command that does not react to any of them."""
    reacted = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        reacted.set()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP, a shell's & SIGINT
            signal.signal(number, interrupt)
    arrivals, wakeup = socket.socketpair()
    wakeup.setblocking(False)
    signal.set_wakeup_fd(wakeup.fileno())
    threading.Thread(target=_watch, args=(arrivals, wakeup, reacted), daemon=True).start()


def _watch(arrivals: socket.socket, _wakeup: socket.socket, reacted: threading.Event) -> None:
    """Python runs a handler of signals only when the main thread is back from C code, but writes to a file at once."""
    while arrivals.recv(1):
        if not reacted.wait(REACTION_SECONDS):
            os._exit(INTERRUPTED)
        reacted.clear()


if __name__ == "__main__":
    main()
