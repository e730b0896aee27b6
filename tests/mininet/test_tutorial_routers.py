"""What docs/tutorial-routers.md tells a reader to run does what it says: every command, in its order, in one shell."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.processes import Process
from tests.mininet.bed import until
from tests.ovs import PrivateOvs

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial-routers.md"
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
            ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory
        )
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
            said = list(iter(self._process.stdout.readline, "--- end ---\n"))
        finally:
            watch.cancel()
        return "".join(said)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[tuple[Path, PrivateOvs]]:
    """A directory with Tenet in it as `make install` leaves it, beside an Open vSwitch that is running."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    with PrivateOvs(dummy=False) as ovs, pytest.MonkeyPatch.context() as patch:
        ovs.vsctl("set", "Open_vSwitch", ".", "external_ids:system-id=host")  # as Debian's package does
        patch.setenv("OVS_RUNDIR", str(ovs.directory))
        yield tmp_path, ovs


def test_every_command_of_the_tutorial(host: tuple[Path, PrivateOvs]) -> None:
    directory, ovs = host
    (install, _), *blocks = BLOCK.findall(TUTORIAL.read_text())
    assert install.endswith("make install\n")  # what every suite does
    assert [commands for commands, _ in blocks if CONTROLLER in commands] == [blocks[1][0]]
    shell, controller = Shell(directory), None
    try:
        shell.run(blocks[0][0])
        controller = Process(["bash", "-c", f"cd {directory}; exec {blocks[1][0]}"], directory / "log")
        until(lambda: "ready: REST" in (directory / "log").read_text(), "a controller", controller.text)
        for commands, expected in blocks[2:]:
            check(commands, expected, shell.run(commands))
        rows = json.loads(
            shell.run("for kind in ports networks routers floatingips; do ask GET $kind; done | jq -s add")
        )
        assert rows == {"ports": [], "networks": [], "routers": [], "floatingips": []}
        left = {path.name for path in Path("/run/netns").iterdir()} & {"outside", "vm1", "vm2"}
        assert not left and not ovs.vsctl("list-br")
        assert ovs.vsctl("get", "Open_vSwitch", ".", "external_ids").strip() == "{system-id=host}"
    except AssertionError:
        print((directory / "log").read_text()[-6000:])
        raise
    finally:
        shell.close()
        if controller is not None:
            controller.kill()


def check(commands: str, expected: str, said: str) -> None:
    """Each line that the page shows was said, in that order; no command failed but pings that are shown as lost."""
    where = f"\n{commands}\nsaid:\n{said}"
    lines = iter([" ".join(line.split()) for line in said.splitlines()])
    for line in expected.splitlines():
        shown = re.compile(re.escape(" ".join(line.split())).replace(r"\.\.\.", ".*"))
        assert any(shown.fullmatch(each) for each in lines), f"not shown: {line}{where}"
    failed = [line for line in said.splitlines() if line.startswith(FAILED)]
    assert all("ping" in each for each in failed) and len(failed) == expected.count(LOST), where
