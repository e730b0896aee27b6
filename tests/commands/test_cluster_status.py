"""What `tenet cluster status` shows to somebody who is called at night."""

from __future__ import annotations

from typing import Any

import pytest

from controller.commands import cluster as command
from controller.commands.cluster import faults, table


def member(name: str, present: bool = True, **more: object) -> dict[str, Any]:
    return {"id": name, "present": present, "draining": False, "age": 300.0 if present else None, "openflow": "",
            "lease": 3.0 if present else None, "rest": f"{name}:9696", "switches_connected": 2, "switches_share": 1,
            "switches_held": 1, "switches_behind": 0, **more}  # fmt: skip


def switch(name: str, master: str | None, held_by: str | None) -> dict[str, Any]:
    return {"id": name, "master": master, "held_by": held_by, "why": f"why {name}"}


def cluster(*switches: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"member": "m1", "revision": 7, "writing": True, "frozen": "", "members": [member("m1"), member("m2")],
            "switches": list(switches), **more}  # fmt: skip


def lines(found: dict[str, Any], everything: bool = False) -> list[str]:
    return [" ".join(line.split()) for line in table(found, everything).splitlines()]


def test_all_is_well() -> None:
    found = cluster(switch("s1", "m1", "m1"), switch("s2", "m2", "m2"))
    assert faults(found) == []
    assert lines(found) == [
        "m1 at revision 7: 2 of 2 members present, 2 switches",
        "",
        "MEMBER STATE FOR LEASE CONNECTED SHARE MASTER BEHIND REST",
        "m1 present 5 min 3 s 2 1 1 0 m1:9696",
        "m2 present 5 min 3 s 2 1 1 0 m2:9696",
        "",
        "SWITCH MASTER HELD BY WHY",
        "s1 m1 m1 why s1",
        "s2 m2 m2 why s2",
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"frozen": "the store was emptied"}, "m1 writes to no switch: the store was emptied"),
        ({"writing": False}, "m1 writes to no switch, and what it tells may be old: its lease is not held"),
        ({"members": [member("m1"), member("m2", present=False)]}, "m2 is absent"),
        ({"members": [member("m1", switches_behind=4)]}, "4 switches of m1 have not confirmed everything"),
        ({"switches": [switch("s1", None, None)]}, "1 switches have no master"),
        ({"switches": [switch("s1", "m1", "m2")]}, "1 switches are not held by their master"),
    ],
)
def test_what_is_wrong_is_said_first(more: dict[str, Any], said: str) -> None:
    found = cluster(**more)
    assert faults(found) == [said]
    assert lines(found)[1] == f"!! {said}"


def test_of_many_switches_only_those_that_are_wrong_are_shown() -> None:
    fine = [switch(f"s{number}", "m1", "m1") for number in range(command.FEW)]
    assert len(lines(cluster(*fine))) == 7 + command.FEW
    found = cluster(*fine, switch("z", "m1", None))
    shown = lines(found)
    assert shown[-3:] == ["z m1 - why z", "", f"{command.FEW} switches are held by their masters (--all shows them)"]
    assert lines(found, everything=True)[8] == "z m1 - why z"  # before the others
    assert len(lines(found, everything=True)) == 9 + command.FEW


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "-"), (0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (400_000, "5 d")]
)
def test_ages(seconds: float | None, said: str) -> None:
    assert command._age(seconds) == said
