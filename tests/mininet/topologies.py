"""Topologies that Mininet has not."""

from __future__ import annotations

from mininet.topo import Topo


class FatTree(Topo):  # type: ignore[misc]
    """A k-ary fat-tree (Al-Fares et al., 2008): k^2/4 core switches, k pods of k/2 upper and k/2 lower ones, k/2 hosts
    each.  Datapath ids are given, since Mininet would take them from the names.
    """

    def build(self, k: int = 4, **_: object) -> None:
        half = k // 2
        numbers = iter(range(1, 10_000))

        def switch(name: str) -> str:
            return str(self.addSwitch(name, dpid=f"{next(numbers):016x}"))

        core = [switch(f"c{n}") for n in range(half * half)]
        hosts = iter(range(1, 10_000))
        for pod in range(k):
            upper = [switch(f"u{pod}{n}") for n in range(half)]
            lower = [switch(f"l{pod}{n}") for n in range(half)]
            for n, one in enumerate(upper):
                for other in lower:
                    self.addLink(one, other)
                for place in range(half):
                    self.addLink(one, core[n * half + place])
            for one in lower:
                for _host in range(half):
                    self.addLink(self.addHost(f"h{next(hosts)}"), one)
