"""`tenet gateways status` and what `tenet doctor` says of gateways."""

from __future__ import annotations

from typing import Any

from controller.commands.findings import faulty
from controller.commands.gateways import faults, table


def one(switch: str, **said: Any) -> dict[str, Any]:
    usual = {
        "switch": switch, "host": switch, "physical_networks": ["p1"], "designated": False, "draining": False,
        "alive": True, "not_heard_by": [], "no_link": [], "routers_active": 3, "routers_standby": 1,
        "routers_leaving": 0,
    }  # fmt: skip
    return {**usual, **said}


def test_faults() -> None:
    said = {
        "gateways": [
            one("h1"), one("h2", alive=False), one("h3", not_heard_by=["h4"]), one("h5", draining=True, no_link=["p1"]),
            one("h6", alive=False, routers_active=0, routers_standby=0),
        ],
        "routers_without": [{"router": "r9", "why": "no host has a bridge of physical network p1"}],
    }  # fmt: skip
    assert faults(said) == [
        "router r9 has no gateway: no host has a bridge of physical network p1",
        "gateway h2 is dead; 3 routers have no other one alive",
        "gateway h3 is not heard by h4 (BFD)",
        "gateway h5 has no link to physical network p1",
    ]
    assert faulty(faults(said)).faults == 4
    lines = table(said).splitlines()
    assert lines[0] == "Gateways: 5" and lines[1].startswith("  !! router r9")
    assert [line.split()[1] for line in lines if line.startswith("h")] == ["alive", "dead", "alive", "draining", "dead"]


def test_no_fault() -> None:
    said = {"gateways": [one("h1", draining=True)], "routers_without": []}
    assert faults(said) == [] and "!!" not in table(said)
