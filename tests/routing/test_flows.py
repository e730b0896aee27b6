"""The flows of routers do with every packet what the reference does: who gets it, with which TTL, from which MAC."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.flow.interpret import Frame
from controller.model.rows import Network
from tests.routing import scene as scenes
from tests.routing.plan import FAMILIES
from tests.routing.reference import ANSWERED, ARRIVED, Fate, fates
from tests.routing.scene import Packet, Scene
from tests.world import Outcome, frame

quiet = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
chances = st.randoms(use_true_random=False)
HOST_MAC = 0x0A544E000000  # with the switch's number: of what routers send into physical networks
TOO_MANY = 6  # routers in a row, after which Open vSwitch may give a packet up
PACKETS, WAYS = 25, 4


@quiet
@given(chances, st.sampled_from(scenes.FABRICS))
def test_a_packet_goes_the_way_of_plain_linux(chance: random.Random, fabric: str) -> None:
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
    for switch_id in at.world.model.placement.bindings.values():
        at.world.pipeline(switch_id.switch_id).chance = way
    try:
        outcome = at.world.send(packet.sender.name, **packet.said)
    except AssertionError as problem:
        return "" if max(one.hops for one in expected) > TOO_MANY else str(problem)
    if len(outcome.arrived) > 1:
        return f"several copies: {outcome.ports}"
    if not outcome.arrived:
        lost = [one for one in expected if one.what != ARRIVED and (one.what != ANSWERED or not packet.echo)]
        return "" if lost and not outcome.wire else f"lost, {len(outcome.wire)} on the wire"
    faults = [_differs(at, packet, outcome, one) for one in sorted(expected)]
    return "" if "" in faults else "; ".join(faults)


def _differs(at: Scene, packet: Packet, outcome: Outcome, fate: Fate) -> str:
    (port, got), sent = outcome.arrived[0], frame(**packet.said)
    if fate.what == ANSWERED and packet.echo:
        return "" if port == packet.sender.name and _answers(got, sent, packet) else f"no answer of {fate.at}: {got}"
    if fate.what != ARRIVED or port != fate.at:
        return f"it came to {port}, not {fate}"
    network, host = packet.plan.networks[fate.network], packet.plan.hosts[fate.at]
    changed = frame(ip_ttl=fate.ttl, eth_dst=network.mac(host.nth))
    source = frame(eth_src=packet.plan.routers[fate.by].mac(network, packet.family))["eth_src"]
    bindings = at.world.model.placement.bindings
    here, there = bindings[packet.sender.name].switch_id, bindings[port].switch_id
    row = at.world.model.rows(Network)[network.name]
    if row.physical_network and here != there:
        source = HOST_MAC | int(here[1:])
    elif here != there and {segment for _, _, segment in outcome.wire} - {row.segment}:
        return f"in another network's segment: {outcome.wire}"
    wanted = {**sent, **changed, "eth_src": source}
    wrong = {name for name in {*wanted, *got} if got.get(name, 0) != wanted.get(name, 0)}
    return f"{wrong} of {got}" if wrong else ""


def _answers(got: Frame, sent: Frame, packet: Packet) -> bool:
    """Whether it is the echo reply to the sender, from the address and the router that it asked."""
    version = f"ipv{packet.family}"
    turned = [(got[f"{version}_src"], sent[f"{version}_dst"]), (got[f"{version}_dst"], sent[f"{version}_src"]),
              (got["eth_src"], sent["eth_dst"]), (got["eth_dst"], sent["eth_src"])]  # fmt: skip
    kind = got.get("icmpv4_type", 0) if packet.family == 4 else got["icmpv6_type"]
    return all(one == other for one, other in turned) and kind == (0 if packet.family == 4 else 129)


def test_plans_are_of_every_kind() -> None:
    """What the test above is about happens in it."""
    seen = set()
    for seed in range(400):
        at = random.Random(seed)
        plan = scenes.random_plans.plan(at)
        for _ in range(10):
            packet = scenes.packet(at, (plan,))
            if packet is not None:
                found = fates(plan, packet.router, packet.target, packet.ttl)
                seen |= {(one.what, min(one.hops, 3)) for one in found}
                seen |= {("equal cost", len(found) > 1), ("family", packet.family)}
    assert seen >= {(what, hops) for what in ("arrived", "a router's own", "no host") for hops in (1, 2)}
    assert seen >= {("expired", 0), ("expired", 3), ("no route", 0), ("no route", 1), ("equal cost", True)}
    assert seen >= {("family", family) for family in FAMILIES}
