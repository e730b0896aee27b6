"""What docs/tutorial-routers.md tells a reader to run does what it says."""

from __future__ import annotations

import json
from pathlib import Path

from tests.mininet.pages import CONTROLLER, reader, sections


def test_every_command_of_the_tutorial(tmp_path: Path) -> None:
    install, *parts = sections("tutorial-routers.md").values()
    assert install[0].commands.endswith("make install\n")  # what every suite does
    assert sum(CONTROLLER in block.commands for blocks in parts for block in blocks) == 1
    with reader(tmp_path) as made:
        for blocks in parts:
            made.do(blocks)
        rows = json.loads(
            made.ask("for kind in ports networks routers floatingips; do ask GET $kind; done | jq -s add")
        )
        assert rows == {"ports": [], "networks": [], "routers": [], "floatingips": []}
        left = {path.name for path in Path("/run/netns").iterdir()} & {"outside", "vm1", "vm2"}
        assert not left and not made.ovs.vsctl("list-br")
        assert made.ovs.vsctl("get", "Open_vSwitch", ".", "external_ids").strip() == "{system-id=host}"
