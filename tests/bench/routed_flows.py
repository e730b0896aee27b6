"""Flows that a router costs: a port in a network of a router beside the same port in one without, on 4 hypervisors."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.figure import Figure
from tests.bench.routed import NETWORKS, OPEN, Joined
from tests.bench.site import HYPERVISORS, PORTS, Site, port, site

FEW, MORE = 40, 200  # ports of all networks together, before and after
MOST = 2.0  # flows a hypervisor a port


def measure() -> Iterator[Figure]:
    with site() as made:
        quota = {"port": -1, "network": -1, "subnet": -1, "router": -1}
        made.client.json("PUT", "/v2.0/quotas/bench", {"quota": quota})
        joined, apart = Joined(made, NETWORKS, 100), Joined(made, NETWORKS, 150)
        joined.attach_all()
        plain, routed = (_each(made, networks) for networks in (apart.networks, joined.networks))
    yield Figure(
        name="routed-port-flows-beyond", value=routed - plain, unit="flows", peer=plain, ratio=(routed - plain) / plain,
        peer_is="of the same port in a network without a router", at_least=f"{MOST:g} a hypervisor a port",
        holds=routed - plain <= MOST,
        details={"routed": routed, "ports": MORE - FEW, "networks_on_the_router": NETWORKS,
                 "of": "unfiltered ports, a quarter of them here, IPv4 only; mean of 4 hypervisors"},
    )  # fmt: skip


def _each(made: Site, networks: list[str]) -> float:
    """Flows of a hypervisor for one port more, in networks that have ports on every hypervisor already."""
    held = []
    for count in (FEW, MORE - FEW):
        vifs = made.plug(count)
        wanted = [{**port(networks[n // HYPERVISORS % NETWORKS], vif), **OPEN} for n, vif in enumerate(vifs)]
        made.client.json("POST", PORTS, {"ports": wanted}, Prefer="wait=60")
        made.settled()
        held.append(sum(len(hypervisor.flows()) for hypervisor in made.lab) / HYPERVISORS)
    return (held[1] - held[0]) / (MORE - FEW)
