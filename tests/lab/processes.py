"""Processes that the lab starts: they end with it, also when it is killed."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Process:
    """A running program whose output goes to a file.

    The kernel kills it when the thread that started it ends (setpriv's --pdeathsig): start it from a thread that stays.
    """

    def __init__(self, argv: Sequence[str], output: Path, environment: Mapping[str, str] | None = None) -> None:
        self.argv = list(argv)
        self.output = output
        with output.open("ab") as stream:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *argv],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def running(self) -> bool:
        return self._process.poll() is None

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def signal(self, number: int) -> None:
        """Send a signal; nothing when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def wait(self, timeout: float = 60.0) -> int:
        """Its exit status; raises subprocess.TimeoutExpired when it does not end in time."""
        return self._process.wait(timeout)

    def kill(self) -> None:
        """Kill it (-9) and reap it; nothing when it has ended."""
        self.signal(signal.SIGKILL)
        self._process.wait()
