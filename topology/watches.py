"""BFD between switches and the gateways that they use: a tunnel port for each, which is alive while the other end is.

Fast-failover groups watch these ports (apps/gateways).  They have the encapsulation that frames between the two take
and a key of their own, which no network has: so they carry BFD alone, and what a tenant sends comes in by the port for
all peers.  RFC 5880; RFC 8971 has BFD in VXLAN tunnels, Open vSwitch sends it in a way of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.model.reader import Reader
from controller.model.rows import Switch
from controller.ovsdb.wanted import WATCHES, ColumnValue, OwnPort, WantedRow

from .links import tunnelled
from .overlay import common

KEY = (1 << 24) - 1  # the last VNI
INTERVAL = 200  # milliseconds between two messages; three that are missing mean that the other end is dead


def switch(switch: Switch, see: Reader) -> Iterator[WantedRow]:
    for switch_id in see.watched():
        other = see.get(Switch, switch_id)
        if other is None or not tunnelled(switch, other):
            continue
        encapsulation = common(switch, other)[0][0]
        options = {"remote_ip": other.encap_ip, "local_ip": switch.encap_ip, "key": str(KEY)}
        if ":" in other.encap_ip and encapsulation != "gre":
            options["csum"] = "true"  # as the port for all peers has it (controller/ovsdb/tunnels.py)
        bfd = {"enable": "true", "min_tx": str(INTERVAL), "min_rx": str(INTERVAL)}
        columns: dict[str, ColumnValue] = {
            "type": encapsulation,
            "options": options,
            "bfd": bfd,
            "external_ids": {WATCHES: other.id},
        }
        yield WantedRow(OwnPort(switch.dpid, f"tenet-b-{other.number:x}"), columns)


DATABASE = {"switch": switch}
