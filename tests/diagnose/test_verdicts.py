"""What is said of a packet is what the flows do with it, and the nearest rule differs least."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from controller.diagnose.headers import read
from controller.diagnose.verdicts import judge, rule_text, told
from controller.model.rows import Port
from tests.apps.clouds import addresses_of, four, group, mac, network, plugged, port, rule, six, some_groups, switch
from tests.openflow.packets import packed
from tests.world import Said, World, frame

GROUPS = st.sampled_from([(), ("web",), ("all",), ("web", "all"), ("plain",), ("web", "gone"), ("web", "plain")])


def world_of(*groups: tuple[str, ...]) -> World:
    ports = [replace(port(f"p{n}", "red", n), security_groups=named) for n, named in enumerate(groups, 1)]
    plugs = [plugged(f"p{n}", 1, n) for n in range(1, len(groups) + 1)]
    return World(switch(1), network("red"), *some_groups(), *ports, *plugs)


@st.composite
def packets(draw: st.DrawFn) -> Said:
    """From the first port to the second."""
    six_ = draw(st.booleans())
    name, address = ("ipv6", six) if six_ else ("ipv4", four)
    said: Said = {
        "eth_src": mac(1), "eth_dst": mac(2), "eth_type": 0x86DD if six_ else 0x0800,
        f"{name}_src": address(1), f"{name}_dst": address(2),
    }  # fmt: skip
    what = draw(st.sampled_from(["tcp", "udp", "icmp", "47"]))
    if what == "47":
        return {**said, "ip_proto": 47}
    if what == "icmp":
        kind = 128 if six_ else 8  # an answer can begin no connection
        return {**said, "ip_proto": 58 if six_ else 1, f"icmpv{6 if six_ else 4}_type": kind}
    number = draw(st.sampled_from([22, 53, 79, 80, 90, 91]))
    return {**said, "ip_proto": 6 if what == "tcp" else 17, f"{what}_src": 5000, f"{what}_dst": number}


@settings(max_examples=150, deadline=None)
@given(GROUPS, GROUPS, packets())
def test_the_verdict_is_what_the_flows_do(sender: tuple[str, ...], receiver: tuple[str, ...], said: Said) -> None:
    world = world_of(sender, receiver)
    headers = read(packed(frame(**said)))
    assert headers is not None
    one, other = (world.model.rows(Port)[name] for name in ("p1", "p2"))
    sent, got = judge(world.model, one, "egress", headers), judge(world.model, other, "ingress", headers)
    outcome = world.send("p1", **said)
    assert outcome.ports == (["p2"] if sent.rule and got.rule else [])
    assert bool(outcome.shown) == (not outcome.arrived)  # what is dropped is told
    for judged in (sent, got):
        assert bool(judged.rule) != bool(judged.reason)


def test_the_reason_and_the_nearest_rule() -> None:
    rows = [
        group("g", 7), addresses_of("a", 9, "192.0.2.0/24"),
        rule("r1", "g", "ingress", "tcp 443"), rule("r2", "g", "ingress", "udp 22"),
        rule("r3", "g", "ingress", "tcp 22", remote_address_group_id="a"), rule("r4", "g", "egress"),
        rule("r5", "g", "ingress", "tcp 22", family=6),
    ]  # fmt: skip
    filtered = replace(port("p", "red", 2), security_groups=("g",))
    model = World(switch(1), network("red"), *rows, filtered, plugged("p", 1, 1)).model
    headers = read(packed(frame(
        eth_src=mac(9), eth_dst=mac(2), eth_type=0x0800, ipv4_src="10.0.0.9", ipv4_dst=four(2), ip_proto=6,
        tcp_src=5000, tcp_dst=22,
    )))  # fmt: skip
    assert headers is not None
    judged = judge(model, filtered, "ingress", headers)
    assert judged.reason == "no rule allows tcp/22 in from 10.0.0.9"
    assert judged.nearest is not None and (judged.nearest.id, judged.differs) == ("r1", ("ports",))
    assert rule_text(judged.nearest) == "tcp/443 in from anywhere"
    near = judge(model, filtered, "ingress", headers._replace(source="192.0.2.7"))
    assert near.rule is not None and near.rule.id == "r3"
    assert judge(model, filtered, "egress", headers).rule is not None
    no_group = replace(filtered, security_groups=())
    assert judge(model, no_group, "egress", headers).reason == f"no rule allows tcp/22 out to {four(2)}"
    assert told(headers._replace(protocol=1, first=8, second=0)) == "icmp type 8 code 0"
    assert told(headers._replace(protocol=99, first=None, second=None)) == "protocol 99"
