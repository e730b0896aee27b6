"""The flows of routers do with every packet what the reference does: who gets it, with which TTL, from which MAC."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from controller.flow.interpret import Frame
from controller.model.rows import Network, Switch
from tests.routing import scene as scenes
from tests.routing.reference import ANSWERED, ARRIVED, Fate, answers, fates
from tests.routing.scene import Packet, Scene
from tests.world import Outcome, frame

HOST_MAC = 0x0A544E000000  # with the switch's number: of what routers send into physical networks
TOO_MANY = 6  # routers in a row, after which Open vSwitch may give a packet up
SCENES, PACKETS, WAYS = 40, 40, 4


@pytest.mark.parametrize("fabric", scenes.FABRICS)
@pytest.mark.parametrize("seed", range(SCENES))
def test_a_packet_goes_the_way_of_plain_linux(seed: int, fabric: str) -> None:
    """Seeded, not drawn by hypothesis, which would look for the smallest scene for minutes."""
    chance = random.Random(seed)
    at = scenes.scene(chance, fabric)
    for _ in range(PACKETS):
        packet = scenes.packet(chance, at.plans)
        if packet is None:
            return
        expected = fates(packet.plan, packet.router, packet.target, packet.ttl)
        for way in range(WAYS):
            assert (said := _fault(at, packet, expected, way)) == "", (said, packet, expected)


def _fault(at: Scene, packet: Packet, expected: set[Fate], way: int) -> str:
    """What is wrong with the packet's way; `way` is the choice among routes of equal cost."""
    for switch_id in at.world.model.rows(Switch):
        at.world.pipeline(switch_id).chance = way
    try:
        outcome = at.world.send(packet.sender.name, **packet.said)
    except AssertionError as problem:
        return "" if max(one.hops for one in expected) > TOO_MANY else str(problem)
    possible = {end for fate in expected for end in _ends(packet, fate)}
    if len(outcome.arrived) > 1:
        return f"several copies: {outcome.ports}"
    if not outcome.arrived:
        return "" if None in possible and not outcome.wire else f"lost, {len(outcome.wire)} on the wire"
    faults = [_differs(at, packet, outcome, *end) for end in possible if end is not None]
    return "" if "" in faults else "; ".join(faults) or "it should not arrive"


def _ends(packet: Packet, fate: Fate) -> Iterator[tuple[Fate, bool] | None]:
    """Where a packet ends, and whether it is an answer; None: it is lost."""
    if fate.what == ANSWERED and packet.echo:
        for answer in answers(packet.plan, packet.sender, packet.family, fate):
            yield (answer, True) if answer.what == ARRIVED else None
    else:
        yield (fate, False) if fate.what == ARRIVED else None


def _differs(at: Scene, packet: Packet, outcome: Outcome, fate: Fate, answer: bool) -> str:
    (port, got), sent = outcome.arrived[0], frame(**packet.said)
    if port != fate.at:
        return f"it came to {port}, not {fate}"
    wanted = {**(_answered(sent, packet.family) if answer else sent), "ip_ttl": fate.ttl}
    host = packet.plan.hosts[fate.at]
    network = packet.plan.networks[host.network]
    if fate.by:
        wanted |= frame(eth_dst=network.mac(host.nth), eth_src=packet.plan.routers[fate.by].mac(network, packet.family))
    bindings = at.world.model.placement.bindings
    here, there = bindings[packet.sender.name].switch_id, bindings[port].switch_id
    row = at.world.model.rows(Network)[network.name]
    if row.physical_network and here != there:
        wanted["eth_src"] = HOST_MAC | int(here[1:])
    elif here != there and {segment for _, _, segment in outcome.wire} - {row.segment}:
        return f"in another network's segment: {outcome.wire}"
    wrong = {name for name in {*wanted, *got} if got.get(name, 0) != wanted.get(name, 0)}
    return f"{wrong} of {got}" if wrong else ""


def _answered(sent: Frame, family: int) -> Frame:
    """The echo reply."""
    version = f"ipv{family}"
    turned = {f"{version}_src": sent[f"{version}_dst"], f"{version}_dst": sent[f"{version}_src"]}
    kind = {"icmpv4_type": 0} if family == 4 else {"icmpv6_type": 129}
    return {**sent, **turned, **kind, "eth_src": sent["eth_dst"], "eth_dst": sent["eth_src"]}
