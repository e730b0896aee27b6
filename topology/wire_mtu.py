"""The MTU of the ends of wires: raised where it is less than labelled frames need.

Only ever raised: a wire may carry other frames as well.  A device that cannot keeps its MTU, which is then told
(`controller/ovsdb/wires.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.model.reader import Reader
from controller.model.rows import Switch
from controller.ovsdb.wanted import AtLeast, InterfaceAt, WantedRow


def switch(switch: Switch, see: Reader, wire_mtu: int) -> Iterator[WantedRow]:
    """`wire_mtu`: what a wire is to carry, in bytes."""
    for ofport in see.link_ports():
        yield WantedRow(InterfaceAt(switch.dpid, ofport), {"mtu_request": AtLeast(wire_mtu, "mtu")})


DATABASE = {"switch": switch}
