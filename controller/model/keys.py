"""Logical port keys: the numbers by which flows know ports, whatever OpenFlow port is below them.

A key has 16 bits, is a switch's own, and serves as the port's conntrack zone, too.  Open vSwitch numbers ports 1 to
65,279, in order, and begins again from 1.  Where that number is at most PLAIN, it is the key.  Any other logical port
is allotted one of ALLOTTED, as a reservation `key/<switch>/<key>`, so that every member reads the same.  The numbers
above are for conntrack zones of what is no port (routers, load balancers); 0 is no port.
"""

from __future__ import annotations

PLAIN = 32_767
ALLOTTED = range(PLAIN + 1, 49_152)
NO_PORTS = range(ALLOTTED.stop, 65_535)


def reservation(switch_id: str, key: int) -> str:
    return f"key/{switch_id}/{key}"
