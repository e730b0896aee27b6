"""What docs/tutorial-services.md tells a reader to run does what it says, also while its controller is stopped."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.mininet.pages import CONTROLLER, reader, sections


def test_every_command_of_the_tutorial(tmp_path: Path) -> None:
    install, *parts = sections("tutorial-services.md").items()
    assert install[1][0].commands.endswith("make install\n")  # what every suite does
    assert sum(CONTROLLER in block.commands for _, blocks in parts for block in blocks) == 1
    own_etc_netns()
    with reader(tmp_path) as made:
        for heading, blocks in parts:
            if stopped := "Without a controller" in heading:
                made.stop()
            made.do(blocks)
            if stopped:
                made.start()
        rows = json.loads(made.ask("for kind in ports networks; do ask GET $kind; done | jq -s add"))
        assert rows == {"ports": [], "networks": []}
        assert not {path.name for path in Path("/run/netns").iterdir()} & {"web", "db"}
        assert not made.ovs.vsctl("list-br") and not os.listdir("/etc/netns")
        assert made.ovs.vsctl("get", "Open_vSwitch", ".", "external_ids").strip() == "{system-id=host}"


def own_etc_netns() -> None:
    """In these namespaces alone, as all that `tools/alone.sh` runs."""
    os.makedirs("/etc/netns", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/etc/netns"], check=True)
