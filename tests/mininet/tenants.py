"""What every experiment asks: does each frame get where it belongs, once, and nowhere else?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tests.mininet.bed import Bed
from tests.mininet.census import Census, Got, Host, Sent, every_pair, expected, told
from topology.mininet import attach

Tenants = Mapping[str, list[Host]]


def joined(bed: Bed, tenants: Tenants) -> None:
    assert bed.net is not None
    attach(bed.net, {tenant: [host.name for host in hosts] for tenant, hosts in tenants.items()})


def all_arrives(bed: Bed, census: Census, tenants: Tenants) -> None:
    """Every pair of a network, no other, and each frame once."""
    frames = every_pair(tenants, bed.topology()["networks"][0]["mtu"])
    census.send(frames)
    wanted = expected(frames)
    got = census.got(wanted)
    assert not told(wanted - got), "lost"
    assert not told(got - wanted), "too many"


def never_twice(census: Census, sent: list[Sent]) -> Counter[Got]:
    """What was lost, where that is all that happened."""
    wanted = expected(sent)
    got = census.got(Counter())
    assert sum(got.values()) > len(sent) / 4, "traffic there was"
    assert not told(got - wanted), "twice, or where it does not belong"
    return wanted - got
