"""In random clouds, every frame reaches exactly whom the model says, once, as it was sent."""

from __future__ import annotations

from hypothesis import given, settings

from controller.model.rows import Network, Port, Switch
from tests.apps.clouds import addresses, clouds, four, here, joined, mac, others, outside, own, own_four
from tests.world import Outcome, World, frame, number

EVERYBODY = "ff:ff:ff:ff:ff:ff"
GROUP = "01:00:5e:00:00:fb"
cloud = settings(max_examples=60)


def ipv4(one: Port, to: str) -> dict[str, int | str]:
    return {"eth_src": own(one), "eth_dst": to, "eth_type": 0x0800, "ipv4_src": own_four(one), "ipv4_dst": four(200),
            "ip_proto": 1}  # fmt: skip


def told(world: World, one: Port, outcome: Outcome, to: list[Port]) -> None:
    """Exactly these got it, each once; on the underlay it went from the sender's switch only, under its segment."""
    assert outcome.ports == sorted(each.id for each in to)
    network = world.model.get(Network, one.network_id)
    at = world.model.placement.bindings[one.id].switch_id
    assert network is not None
    assert all(source == at and segment == network.segment for source, _, segment in outcome.wire)
    assert len(set(outcome.wire)) == len(outcome.wire)
    if network.physical_network:
        tag = 0x1000 | network.vlan if network.vlan else 0
        assert outcome.wire == [] and outcome.outside in ([], [(at, network.physical_network, tag)])
    else:
        assert outcome.outside == []
    if not one.learning:
        assert outcome.shown == []


@cloud
@given(clouds())
def test_group_frames_reach_everybody_in_the_network_once(world: World) -> None:
    for one in here(world):
        for to in (EVERYBODY, GROUP):
            sent = ipv4(one, to)
            outcome = world.send(one.id, **sent)
            told(world, one, outcome, others(world, one))
            assert all(got == frame(**sent) for _, got in outcome.arrived)


@cloud
@given(clouds())
def test_an_address_is_reached_in_its_own_network_only(world: World) -> None:
    for one in here(world):
        for each in here(world):
            for address in addresses(world, each):
                if each.network_id != one.network_id:
                    continue
                sent = ipv4(one, address)
                outcome = world.send(one.id, **sent)
                told(world, one, outcome, [each] if each in others(world, one) else [])
                assert all(got == frame(**sent) for _, got in outcome.arrived)


@cloud
@given(clouds())
def test_what_is_for_nobody_known_reaches_learning_ports_only(world: World) -> None:
    for one in here(world):
        outcome = world.send(one.id, **ipv4(one, "02:00:00:00:99:99"))
        told(world, one, outcome, [each for each in others(world, one) if each.learns])


@cloud
@given(clouds())
def test_a_declared_address_is_asked_for_at_the_edge(world: World) -> None:
    for one in here(world):
        for asked in range(1, 12):
            source = own_four(one)
            if asked == int(source.rpartition(".")[2]) and not one.learning:
                continue
            outcome = world.send(
                one.id, eth_src=own(one), eth_dst=EVERYBODY, eth_type=0x0806, arp_op=1, arp_sha=own(one),
                arp_spa=source, arp_tpa=four(asked),
            )  # fmt: skip
            owner = next((each for each in here(world) if each.network_id == one.network_id
                          and four(asked) in [fixed.ip_address for fixed in each.fixed_ips]), None)  # fmt: skip
            if owner is None:
                told(world, one, outcome, others(world, one))
                continue
            answer = frame(
                eth_src=owner.mac_address, eth_dst=own(one), eth_type=0x0806, arp_op=2, arp_sha=owner.mac_address,
                arp_spa=four(asked), arp_tha=own(one), arp_tpa=source,
            )  # fmt: skip
            assert outcome.arrived == [(one.id, answer)]
            assert outcome.wire == [] and outcome.outside == []


@cloud
@given(clouds())
def test_frames_with_a_vlan_tag(world: World) -> None:
    """A port with declared addresses may not send them; what learning ports send stays in its network, with its tag.

    On a physical network the tag would be another's: there it stays on its switch.
    """
    for one in here(world):
        sent = {**ipv4(one, EVERYBODY), "vlan_vid": 0x1000 | 72}
        outcome = world.send(one.id, **sent)
        reached = [each for each in others(world, one) if not outside(world, one) or same_switch(world, one, each)]
        told(world, one, outcome, reached if one.learns else [])
        assert all(got == frame(**sent) for _, got in outcome.arrived)


def same_switch(world: World, one: Port, other: Port) -> bool:
    bindings = world.model.placement.bindings
    return bindings[one.id].switch_id == bindings[other.id].switch_id


@cloud
@given(clouds())
def test_from_the_underlay_only_what_a_peer_sent(world: World) -> None:
    """By any tunnel port: an unknown source, an unknown key, a network that is not here, or the key of one that is."""
    switches = list(world.model.rows(Switch).values())
    for me in switches:
        for tunnel in me.tunnels:
            for other in switches:
                for segment in (71, 72, 73, 0):
                    _from_underlay(world, me, tunnel.ofport, tunnel.type, other, segment)
            stranger = "tun_ipv6_src" if ":" in me.encap_ip else "tun_src"
            address = "2001:db8:ff::99" if ":" in me.encap_ip else "192.0.2.99"
            assert _inject(world, me, tunnel.ofport, {stranger: number(stranger, address), "tun_id": 71}).ports == []


def _inject(world: World, me: Switch, ofport: int, outer: dict[str, int]) -> Outcome:
    return world.inject(me.id, ofport, {**frame(eth_src=mac(90), eth_dst=EVERYBODY, eth_type=0x88B5), **outer})


def _from_underlay(world: World, me: Switch, ofport: int, kind: str, other: Switch, segment: int) -> None:
    way = "tun_ipv6_src" if ":" in me.encap_ip else "tun_src"
    outcome = _inject(world, me, ofport, {way: number(way, other.encap_ip), "tun_id": segment})
    networks = world.model.placement.networks
    shared = set(networks.of(me.id)) & set(networks.of(other.id))
    known = me != other and shared and kind in {tunnel.type for tunnel in other.tunnels}
    tunnelled = [of.segment for of in world.model.rows(Network).values() if not of.physical_network]
    here_now = [
        one.id for one in here(world)
        if world.model.placement.bindings[one.id].switch_id == me.id
        and getattr(world.model.get(Network, one.network_id), "segment", 0) == segment
    ]  # fmt: skip
    assert outcome.ports == (sorted(here_now) if known and segment in tunnelled else [])
    assert outcome.wire == [] and outcome.outside == [] and outcome.shown == []


@cloud
@given(clouds())
def test_nobody_is_reached_whose_switch_cannot_be(world: World) -> None:
    for one in here(world):
        outcome = world.send(one.id, **ipv4(one, EVERYBODY))
        for _, to, _ in outcome.wire:
            assert any(joined(world, one, each) for each in here(world)
                       if world.model.placement.bindings[each.id].switch_id == to)  # fmt: skip
