"""Pages for one machine, run as a reader would: every command, in its order, in one shell."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab.processes import Process
from tests.mininet.bed import until
from tests.ovs import PrivateOvs

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
CONTROLLER = ".venv/bin/tenet run "
FAILED = "FAILED: "  # before a command that ended with another status than 0
LOST = "100% packet loss"
TIMEOUT = 120.0  # seconds for one block of commands


class Shell:
    """A reader's terminal: one bash, in which variables and functions stay from block to block."""

    def __init__(self, directory: Path) -> None:
        self._script = directory / "block.sh"
        self._process = subprocess.Popen(
            ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory,
            start_new_session=True,
        )  # fmt: skip
        self.run(f"set -E -o pipefail; trap 'echo \"{FAILED}$BASH_COMMAND\"' ERR")

    def run(self, commands: str) -> str:
        """What the commands write, and which of them failed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._script.write_text(f"{commands}\n:\n")
        watch = threading.Timer(TIMEOUT, self._process.kill)
        watch.start()
        try:
            self._process.stdin.write(f". {self._script} < /dev/null; echo; echo '--- end ---'\n")
            self._process.stdin.flush()
            said: list[str] = []
            while (line := self._process.stdout.readline()) != "--- end ---\n":
                assert line, f"the shell has ended:\n{''.join(said)}"
                said.append(line)
        finally:
            watch.cancel()
        return "".join(said)

    def close(self) -> None:
        """End it, and what still runs in its background."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


class Block(NamedTuple):
    """Commands, and the lines that the page shows of what they say."""

    commands: str
    shown: str


def sections(page: str) -> dict[str, list[Block]]:
    """The blocks of a page below each of its headings."""
    text = (DOCS / page).read_text()
    return {
        part.partition("\n")[0]: [Block(*found) for found in BLOCK.findall(part)] for part in text.split("\n## ")[1:]
    }


class Reader:
    """Somebody with a directory in which Tenet is as `make install` leaves it, beside an Open vSwitch that runs.

    `log`: what the controller has written, in a terminal of its own.
    """

    def __init__(self, directory: Path, ovs: PrivateOvs) -> None:
        self.directory, self.ovs, self.log = directory, ovs, directory / "log"
        self._shell = Shell(directory)
        self._controller: Process | None = None
        self._started = ""

    def do(self, blocks: list[Block]) -> None:
        """Run each block and check that it says what the page shows; the controller's own starts it."""
        for commands, shown in blocks:
            if CONTROLLER in commands:
                self.start(commands)
            else:
                check(commands, shown, self.ask(commands))

    def ask(self, commands: str) -> str:
        return self._shell.run(commands)

    def start(self, commands: str = "") -> None:
        """Start the controller, as before where nothing is said."""
        self._started = commands or self._started
        before = self.log.read_text().count("ready: REST") if self.log.exists() else 0
        self._controller = Process(["bash", "-c", f"cd {self.directory}; exec {self._started}"], self.log)
        until(lambda: self.log.read_text().count("ready: REST") > before, "a controller", self._controller.text)

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.kill()

    def close(self) -> None:
        self._shell.close()
        self.stop()


@contextmanager
def reader(directory: Path) -> Iterator[Reader]:
    (directory / ".venv").symlink_to(sys.prefix)
    with PrivateOvs(dummy=False) as ovs, pytest.MonkeyPatch.context() as patch:
        ovs.vsctl("set", "Open_vSwitch", ".", "external_ids:system-id=host")  # as Debian's package does
        patch.setenv("OVS_RUNDIR", str(ovs.directory))
        made = Reader(directory, ovs)
        try:
            yield made
        except AssertionError:
            print(made.log.read_text()[-6000:] if made.log.exists() else "no controller")
            raise
        finally:
            made.close()


def check(commands: str, expected: str, said: str) -> None:
    """Each line that the page shows was said, in that order; no command failed but pings that are shown as lost."""
    where = f"\n{commands}\nsaid:\n{said}"
    lines = iter([" ".join(line.split()) for line in said.splitlines()])
    for line in expected.splitlines():
        shown = re.compile(re.escape(" ".join(line.split())).replace(r"\.\.\.", ".*"))
        assert any(shown.fullmatch(each) for each in lines), f"not shown: {line}{where}"
    failed = [line for line in said.splitlines() if line.startswith(FAILED)]
    assert all("ping" in each for each in failed) and len(failed) == expected.count(LOST), where
