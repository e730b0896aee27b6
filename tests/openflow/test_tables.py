"""Every line of the tables of fields and actions, on a real Open vSwitch: it takes the bytes, prints the text, and
takes the text for the same flow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from controller.flow import (
    CONTROLLER,
    IN_PORT,
    Action,
    Bucket,
    Field,
    Flow,
    Group,
    Meter,
    Nat,
    Punt,
    Table,
    check_pkt_larger,
    clone,
    conjunction,
    ct,
    ct_clear,
    dec_ttl,
    decap,
    encap,
    field,
    label_ttl,
    load,
    masked,
    move,
    multipath,
    note,
    output,
    output_cut,
    output_register,
    pop,
    pop_label,
    pop_queue,
    pop_vlan,
    push,
    push_label,
    push_vlan,
    put,
    resubmit,
    set_queue,
    to_controller,
    to_group,
    tracking,
)
from controller.flow import actions as plain
from controller.flow.fields import FIELDS, RANK, unprepared
from controller.flow.spec import NEEDS, TRACKED, FieldSpec
from controller.openflow import framework
from controller.runtime.errors import Rejected
from tests.openflow.flows import Heard
from tests.openflow.judge import Bench
from tests.ovs import PrivateOvs

TWO, THREE = Meter(2, 6, 1, 1), Meter(3, 6, 1, 1)

TABLE = Table(7, "seven", frozenset())
VALUES: dict[str, int | str] = {
    "eth_type": 0x88B5, "vlan_vid": 0x1005, "ip_frag": 3, "ip_proto": 47, "ip_ecn": 1, "mpls_bos": 1,
    "ct_state": "+new-est+trk", "ip_dscp": 46, "ipv4_src": "10.1.2.3", "ipv6_src": "2001:db8::1",
}  # fmt: skip
UNMASKED = {
    "conj_id", "in_port", "eth_type", "vlan_pcp", "mpls_tc", "mpls_bos", "mpls_ttl", "mpls_label", "ip_dscp", "ip_ecn",
    "ip_ttl", "ip_proto", "icmpv4_type", "icmpv4_code", "icmpv6_type", "icmpv6_code", "nd_reserved", "nd_options_type",
    "arp_op", "ct_zone", "ct_nw_proto", "ct_state", "ip_frag",
}  # fmt: skip


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    heard = Heard()
    server = framework.serve(("127.0.0.1", 0), heard)
    with PrivateOvs() as ovs:
        made = Bench(ovs, heard, f"tcp:127.0.0.1:{server.address[1]}")
        for number in (2, 3, 5):
            ovs.ofctl("add-meter", "theirs", f"meter={number},pktps,bands=type=drop,rate=1000")
        yield made
    server.close()


def with_needs(spec: FieldSpec, one: Field, needs: frozenset[tuple[str, int]] = frozenset()) -> tuple[Field, ...]:
    """A match with the field and what it needs, in the order in which Open vSwitch writes it."""
    match = {name: field(name, value) for name, value in needs}
    if spec.home == TRACKED and spec.needs:
        match["ct_state"] = field("ct_state", "+est+trk")
    return in_order({**match, one.name: one}.values())


def in_order(match: Iterator[Field] | object) -> tuple[Field, ...]:
    return tuple(sorted(match, key=lambda one: RANK[one.name]))  # type: ignore[call-overload]


def judged(bench: Bench, flow: Flow) -> None:
    """Bytes, text, and text again; the fields of a line are compared as a set."""
    held = bench.install({flow})
    assert held.right == {flow.cookie} and not held.wrong, (str(flow), bench.dump("ours"))
    (printed,) = bench.dump("ours")
    bench.ovs.ofctl("del-flows", "theirs")
    bench.ovs.ofctl("add-flow", "theirs", str(flow))
    assert bench.dump("theirs") == [printed]
    assert parts(str(flow)) == parts(printed)


def parts(line: str) -> tuple[list[str], str]:
    """The fields of a flow's line, sorted, and its actions."""
    match, _, actions = line.partition(" actions=")
    found = re.split(r",\s*", match.replace("priority=100,", "").replace("priority=100", "").rstrip(", "))
    return sorted(found), actions.removeprefix(" actions=")


MATCHED = [spec for spec in FIELDS.values() if not spec.parts]


@pytest.mark.parametrize("spec", MATCHED, ids=[spec.name for spec in MATCHED])
def test_a_field(bench: Bench, spec: FieldSpec) -> None:
    one = field(spec.name, VALUES.get(spec.name, 5))
    for needs in NEEDS.get(spec.needs, (frozenset(),)):
        match = with_needs(spec, one, needs)
        assert not unprepared(match)
        judged(bench, Flow(TABLE, 100, match, (output(1),)))
        if spec.name not in UNMASKED:
            bits = {"vlan_vid": (0x1000, 0x1000), "ipv6_label": (1, 3)}.get(spec.name, (4, 6))
            judged(bench, Flow(TABLE, 100, with_needs(spec, masked(spec.name, *bits), needs), (output(1),)))


@pytest.mark.parametrize("spec", MATCHED, ids=[spec.name for spec in MATCHED])
def test_a_field_that_is_zero(bench: Bench, spec: FieldSpec) -> None:
    if spec.name in ("in_port", "eth_type", "ct_nw_proto"):
        return  # no port; a length, not a type; the same as nothing
    for needs in NEEDS.get(spec.needs, (frozenset(),)):
        zero = field(spec.name, "-new+trk") if spec.name == "ct_state" else field(spec.name, 0)
        judged(bench, Flow(TABLE, 100, with_needs(spec, zero, needs), (output(1),)))


@pytest.mark.parametrize("spec", [spec for spec in MATCHED if spec.needs], ids=lambda spec: spec.name)
def test_a_field_without_what_it_needs_is_refused(bench: Bench, spec: FieldSpec) -> None:
    alone = (field(spec.name, VALUES.get(spec.name, 5)),)
    assert unprepared(alone) == [spec.name]
    with pytest.raises(Rejected, match="OFPBMC_BAD_PREREQ"):
        bench.session.apply([Flow(TABLE, 100, alone, (output(1),)).wire], [])


@pytest.mark.parametrize("needs", sorted(NEEDS))
def test_all_fields_that_go_together_are_in_the_order_of_the_switch(bench: Bench, needs: str) -> None:
    for said in NEEDS[needs]:
        known = dict(said)
        match = {name: field(name, value) for name, value in said}
        match["ct_state"] = field("ct_state", "+est+trk")
        for spec in MATCHED:
            if (not spec.needs or any(each <= said for each in NEEDS[spec.needs])) and spec.name not in (
                *known, "ct_state", "eth_type", "vlan_vid", "tun_ipv6_src", "tun_ipv6_dst",
            ):  # fmt: skip
                match[spec.name] = field(spec.name, VALUES.get(spec.name, 5))
        if "ip_frag" in match:
            match["ip_frag"] = field("ip_frag", "first")  # later ones have no ports
        if "icmpv6_code" in match:
            match["icmpv6_code"] = field("icmpv6_code", 0)  # neighbour discovery has no other
        flow = Flow(TABLE, 100, in_order(match.values()), (output(1),))
        held = bench.install({flow})
        assert held.right == {flow.cookie}, (str(flow), bench.dump("ours"))


FLAGS: list[tuple[str, ...]] = [
    ("ct_state", "+trk-inv"), ("ct_state", "+est-rel-rpl+trk"), ("ct_state", "+new+rel+trk+snat+dnat"),
    ("tcp_flags", "+syn-ack"), ("ip_frag", "not_later"), ("ip_frag", "yes"), ("ip_frag", "no"), ("ip_frag", "first"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), FLAGS)
def test_flags(bench: Bench, name: str, value: str) -> None:
    needs = {"tcp_flags": NEEDS["tcp"][0], "ip_frag": NEEDS["ip"][0]}.get(name, frozenset())
    judged(bench, Flow(TABLE, 100, with_needs(FIELDS[name], field(name, value), needs), (output(1),)))


# --- actions ----------------------------------------------------------------------------------------------------------

IP, IP6 = (field("eth_type", 0x0800),), (field("eth_type", 0x86DD),)
TCP, UDP = (*IP, field("ip_proto", 6)), (*IP, field("ip_proto", 17))
SELECT = Group("select", (Bucket((output(3),)), Bucket((output(4),))))
ACTIONS: list[tuple[tuple[Field, ...], tuple[Action, ...]]] = [
    ((), (output(3), output(IN_PORT), output(CONTROLLER))),
    ((), (output_register("reg7"), output_register("reg7[0..15]"), output_cut(3, 64))),
    ((), (to_controller(Punt(TWO, 64)), to_controller(Punt(max_len=128, reason="no_match", number=7)))),
    ((), (to_controller(Punt(THREE, userdata=b"\1\2\xaa", pause=True)), to_controller(Punt(reason="invalid_ttl")))),
    ((), (put("reg0", 0), put("reg15", 5), put("reg6[0..15]", 5), put("reg6[3]", 1), load("reg1", 7))),
    ((), (put("eth_src", "02:00:00:00:00:01"), put("metadata", 5), put("pkt_mark", 0), load("in_port", 0))),
    ((), (put("tun_id", 5), put("tun_dst", "192.0.2.1"), put("tun_ipv6_dst", "2001:db8::1"))),
    ((), (load("xreg0", 5), load("xxreg1[0..31]", 7), load("metadata[0..23]", 7))),
    ((), (move("reg0", "reg1"), move("reg0[0..15]", "reg1[16..31]"), move("xxreg0", "xxreg1"))),
    ((), (move("metadata", "tun_id", 24), move("eth_src", "eth_dst"), push("eth_src"), pop("xreg1[0..47]"))),
    ((), (push("reg0"), pop("reg1"))),
    (IP, (put("ipv4_src", "10.0.0.1"), put("ip_dscp", 46), put("ip_ecn", 1), put("ip_ttl", 64), load("ip_ttl", 3))),
    (IP, (move("ipv4_src", "ipv4_dst"), push("ipv4_src"), pop("ipv4_dst"), dec_ttl(), dec_ttl(1, 2))),
    (IP6, (put("ipv6_dst", "2001:db8::1"), put("ipv6_label", 5), move("ipv6_src", "xxreg0"))),
    (TCP, (put("tcp_src", 5), move("tcp_dst", "reg0[0..15]"), put("tcp_dst", 80))),
    (UDP, (put("udp_src", 5), put("udp_dst", 80), move("udp_dst", "reg0[0..15]"))),
    ((*IP, field("ip_proto", 132)), (put("sctp_src", 5), put("sctp_dst", 80), move("sctp_dst", "reg0[0..15]"))),
    ((*IP, field("ip_proto", 1)), (put("icmpv4_type", 0), put("icmpv4_code", 0), load("icmpv4_type", 3))),
    (
        (*IP6, field("ip_proto", 58), field("icmpv6_type", 135)),
        (put("nd_target", "fe80::1"), put("nd_reserved", 0xE0000000), put("nd_sll", "02:00:00:00:00:01"),
         put("nd_options_type", 2), put("icmpv6_type", 136), load("icmpv6_code", 0)),
    ),
    ((*IP6, field("ip_proto", 58), field("icmpv6_type", 136)), (put("nd_tll", "02:00:00:00:00:01"),)),
    ((field("eth_type", 0x0806),), (put("arp_op", 2), put("arp_spa", "10.0.0.1"), put("arp_sha", "02:00:00:00:00:01"),
                                    move("arp_spa", "arp_tpa"), move("arp_sha", "arp_tha"))),
    ((field("vlan_vid", 0x1005),), (put("vlan_vid", 0x1006), put("vlan_pcp", 3), pop_vlan())),
    ((field("vlan_vid", 0),), (push_vlan(), put("vlan_vid", 0x1006))),
    ((field("eth_type", 0x8847),), (label_ttl(5), put("mpls_label", 9), put("mpls_tc", 1), push_label(), pop_label())),
    ((), (encap("mpls"), encap("ethernet"), decap("ethernet"), decap("mpls"))),
    ((), (clone(put("reg0", 1), output(3), clone(output(4))), to_group(SELECT), resubmit(9))),
    ((), (multipath("reg0[0..1]", 3), multipath("reg0", 5, "nw_src", 1024, "hrw", 5), note(b"\1\2"))),
    ((), (multipath("reg0[0..7]", 5, "eth_src", 1, "hash_threshold"), multipath("reg0", 5, choice="iter_hash"))),
    ((), (set_queue(5), output(3), pop_queue())),
    (IP, (check_pkt_larger(1414, "reg0[0]"), resubmit(9))),
    (IP, (conjunction(77, 1, 2), conjunction(78, 2, 3), conjunction(0xFFFFFFFF, 64, 64))),
    (IP, (ct(), ct(5), ct(5, 9), ct("reg6[0..15]", 9), ct_clear())),
    (IP, (ct(5, 9, nat=Nat()), ct(5, commit=True), ct(5, commit=True, force=True))),
    (IP, (ct(5, 9, commit=True, nat=Nat("src", ("10.0.0.9",))), ct(commit=True, nat=Nat("src")))),
    (TCP, (ct(commit=True, nat=Nat("src", ("10.0.0.9", "10.0.0.10"), (1024, 65535), ("random",))),
           ct(commit=True, nat=Nat("dst", ("10.0.0.9",), (80,), ("persistent", "hash"))))),
    ((*IP6, field("ip_proto", 6)), (ct(commit=True, nat=Nat("dst", ("fd00::9",), (80,))),
                                    ct(commit=True, nat=Nat("src", ("fd00::9", "fd00::12"), (80, 90))),
                                    ct(commit=True, nat=Nat("src", ("fd00::9", "fd00::12"))))),
    (TCP, (ct(5, commit=True, alg="ftp", nat=Nat(), marks=(put("ct_mark[0]", 1), put("ct_mark", 5))),)),
    (UDP, (ct("reg6[0..15]", 9, commit=True, alg="tftp", marks=(
        put("ct_label", 1 << 100), put("ct_label[0..31]", 5), move("reg0", "ct_label[32..63]"))),)),
]  # fmt: skip


@pytest.mark.parametrize(("match", "actions"), ACTIONS, ids=[",".join(map(str, one)) for _, one in ACTIONS])
def test_actions(bench: Bench, match: tuple[Field, ...], actions: tuple[Action, ...]) -> None:
    flow = Flow(TABLE, 100, match, actions)
    for group in flow.groups:
        bench.ovs.ofctl("mod-group", "theirs", str(group), options=("--may-create",))
        bench.session.apply([], [], groups=[group.wire])
    judged(bench, flow)


def test_every_action_of_the_tables_is_tried() -> None:
    tried = {action.kind for _, actions in ACTIONS for action in actions}
    assert tried == plain.SPECS.keys() | tracking.SPECS.keys()


@pytest.mark.parametrize(
    "flow",
    [
        Flow(TABLE, 100, IP, (output(3),), metadata=(5, 0xFF), goto=Table(9, "nine", frozenset())),
        Flow(TABLE, 100, (), (output(3),), metadata=(0, 2**64 - 1), meter=Meter(5, 6, 1, 1)),
    ],
    ids=str,
)
def test_instructions(bench: Bench, flow: Flow) -> None:
    judged(bench, flow)
