"""Machines on the underlay that are no hypervisors: a namespace each, at IPv4 and IPv6 addresses of its own.

What one sends to others can be dropped, by routes that lead nowhere.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.lab import Lab
from tests.lab.netns import inside, ip, run


class Machine(NamedTuple):
    namespace: str
    address: str
    address6: str

    def cut(self, *addresses: str) -> None:
        """From now on nothing goes from here to these addresses."""
        ip([f"route add blackhole {host(each)}" for each in addresses], self.namespace)

    def heal(self, *addresses: str) -> None:
        ip([f"route del blackhole {host(each)}" for each in addresses], self.namespace)


def host(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"


def machine(lab: Lab, name: str, number: int) -> Machine:
    """A new one, at 192.0.2.NUMBER and 2001:db8::NUMBER; it goes with the lab."""
    made = Machine(f"{lab.prefix}-{name}", f"192.0.2.{number}", f"2001:db8::{number}")
    lab._namespaces.append(made.namespace)
    ip([f"netns add {made.namespace}"])
    ip([f"link add name {name} netns {lab.namespace} type veth peer name eth0 netns {made.namespace}"])
    ip([f"link set {name} master underlay up"], lab.namespace)
    addresses = [f"addr add {made.address}/24 dev eth0", f"addr add {made.address6}/64 dev eth0 nodad"]
    ip([*addresses, "link set lo up", "link set eth0 up"], made.namespace)
    run(inside(made.namespace, ["ethtool", "-K", "eth0", "tx", "off"]))
    return made
