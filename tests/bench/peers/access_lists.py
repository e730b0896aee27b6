"""Security groups on OVN: a port group and its ACLs, as OpenStack's driver for OVN makes them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tests.bench.peers.northbound import Operation
from tests.bench.peers.ovn import Ovn

DROP, ALLOW = 1001, 1002  # priorities


class AccessLists:
    """`tests.bench.peers.filters.Filters` of an `Ovn`.  Groups are named by their names."""

    def __init__(self, ovn: Ovn) -> None:
        self._ovn = ovn
        self._names = itertools.count()

    def group(self, ports: Sequence[str]) -> str:
        name = f"pg{next(self._names)}"
        members = ["set", [["uuid", port] for port in ports]]
        self._ovn.northbound.transact(
            {"op": "insert", "table": "Port_Group", "row": {"name": name, "ports": members}},
            *_rule(name, "from-lport", "ip", "drop", "out"),
            *_rule(name, "to-lport", "ip", "drop", "in"),
            *_rule(name, "from-lport", "ip4", "allow-related", "everybody"),
            *_rule(name, "to-lport", f"ip4 && ip4.src == ${name}_ip4", "allow-related", "itself"),
        )
        self._ovn.northbound.sync()
        return name

    def rule(self, group: str, *numbers: int, remote: bool = False) -> None:
        source = f"ip4.src == ${group}_ip4 && " if remote else ""
        matches = {f"r{number}": f"ip4 && {source}tcp.dst == {number}" for number in numbers}
        rules = [_rule(group, "to-lport", match, "allow-related", name) for name, match in matches.items()]
        self._ovn.northbound.transact(*itertools.chain.from_iterable(rules))
        self._ovn.northbound.sync()

    def remove(self, group: str) -> None:
        self._ovn.northbound.transact({"op": "delete", "table": "Port_Group", "where": [["name", "==", group]]})
        self._ovn.northbound.sync()


def _rule(group: str, direction: str, match: str, action: str, name: str) -> list[Operation]:
    port = "inport" if direction == "from-lport" else "outport"
    row = {
        "direction": direction, "priority": DROP if action == "drop" else ALLOW, "action": action,
        "match": f"{port} == @{group} && {match}",
    }  # fmt: skip
    return [
        {"op": "insert", "table": "ACL", "row": row, "uuid-name": f"acl_{name}"},
        {"op": "mutate", "table": "Port_Group", "where": [["name", "==", group]],
         "mutations": [["acls", "insert", ["named-uuid", f"acl_{name}"]]]},
    ]  # fmt: skip
