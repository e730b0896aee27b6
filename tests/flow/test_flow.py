"""Flows are values: equal by content, with a key, a cookie, bytes and a text."""

from __future__ import annotations

import struct

import pytest

from apps.pipeline import ANSWER, CLASSIFY, DELIVER, LOCAL, PERMIT, SOURCE
from controller.flow import (
    IN_PORT,
    Action,
    Flow,
    Meter,
    Punt,
    Table,
    field,
    load,
    masked,
    move,
    output,
    output_register,
    put,
    resubmit,
    to_controller,
)
from controller.flow.digest import cookie, of_bytes

PUNT = to_controller(Punt(Meter(2, 6, 1, 1), 64))

MAC = "02:00:00:00:00:01"
TABLE = Table(128, "local", frozenset({"eth_dst"}), ("permit",), "permit")


def local(does: int = 1, priority: int = 100, mac: str = MAC) -> Flow:
    return Flow(LOCAL, priority, (field("eth_dst", mac),), (put("reg7", does),), goto=PERMIT)


def test_flows_with_the_same_content_are_equal() -> None:
    one, other = local(), local()
    assert one is not other
    assert one == other and not one != other  # noqa: SIM202
    assert hash(one) == hash(other) and len({one, other}) == 1


@pytest.mark.parametrize(
    "other",
    [
        local(does=2),
        local(priority=99),
        local(mac="02:00:00:00:00:02"),
        Flow(SOURCE, 100, (field("eth_dst", MAC),), (put("reg7", 1),), goto=PERMIT),
        Flow(LOCAL, 100, (field("eth_dst", MAC),), (put("reg7", 1),)),
        Flow(LOCAL, 100, (field("eth_dst", MAC),), (put("reg7", 1),), metadata=(1, 1), goto=PERMIT),
        Flow(LOCAL, 100, (field("eth_src", MAC),), (put("reg7", 1),), goto=PERMIT),
    ],
    ids=str,
)
def test_flows_that_differ_in_anything_are_not_equal(other: Flow) -> None:
    assert local() != other and not local() == other  # noqa: SIM201
    assert local().cookie != other.cookie


def test_a_flow_is_nothing_else() -> None:
    assert local() != "flow" and local() is not None


def test_the_key_is_what_a_switch_calls_the_same_flow() -> None:
    assert local(does=1).key == local(does=2).key
    keys = {local().key, local(priority=99).key, local(mac="02:00:00:00:00:02").key,
            Flow(SOURCE, 100, (field("eth_dst", MAC),)).key}  # fmt: skip
    assert len(keys) == 4


def test_the_message_that_adds_a_flow() -> None:
    """A bundle-add (ONF extension 230) around an OFPT_FLOW_MOD (OpenFlow 1.3.5, 7.3.4.2), read back by hand."""
    flow = local()
    version, kind, length, xid, onf, add, bundle, flags = struct.unpack_from("!BBHIIIIxxH", flow.wire)
    assert (version, kind, length, onf, add, bundle, flags) == (4, 4, len(flow.wire), 0x4F4E4600, 2301, 1, 3)
    assert struct.unpack_from("!BBHI", flow.wire, 24) == (4, 14, len(flow.wire) - 24, xid)
    fixed = struct.unpack_from("!QQBBHHHIIIHxx", flow.wire, 32)
    assert fixed == (flow.cookie, 0, 128, 0, 0, 0, 100, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    match, instructions = flow.wire[72:88], flow.wire[88:]
    assert match == bytes.fromhex("0001 000e 80000606 020000000001 0000")
    assert instructions == bytes.fromhex(
        "0004 0018 00000000" "0019 0010 00010e04 00000001 00000000" "0001 0008 b0000000"
    )  # fmt: skip
    assert flow.cookie == cookie(128, 100, match, instructions) == of_bytes(b"\x80\x00\x64" + match + instructions)


def test_no_cookie_is_one_that_means_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 is on flows that carry none, and all ones is reserved."""

    class Digest:
        def __init__(self, value: bytes) -> None:
            self._value = value

        def copy(self) -> Digest:
            return self

        def update(self, content: bytes) -> None:
            """Whatever it is."""

        def digest(self) -> bytes:
            return self._value

    for bad in (bytes(8), b"\xff" * 8):
        monkeypatch.setattr("controller.flow.digest._BEGUN", Digest(bad))
        assert of_bytes(b"x") == 1


TEXTS = {
    "table=128,priority=100,dl_dst=02:00:00:00:00:01 actions=set_field:0x1->reg7,goto_table:176": local(),
    "table=128,priority=0 actions=drop": Flow(LOCAL, 0, ()),
    "table=0,priority=100,in_port=7,vlan_tci=0x0000/0x1fff actions=write_metadata:0x47,goto_table:176": Flow(
        CLASSIFY, 100, (field("in_port", 7), field("vlan_vid", 0)), metadata=(0x47, 2**64 - 1), goto=PERMIT
    ),
    "table=128,priority=100,metadata=0x47/0xffffff actions=write_metadata:0x1/0xff": Flow(
        LOCAL, 100, (masked("metadata", 0x47, 0xFFFFFF),), metadata=(1, 255)
    ),
    "table=32,priority=1,udp,nw_src=10.0.0.1,tp_src=68 actions=IN_PORT": Flow(
        SOURCE, 1, (field("eth_type", 0x800), field("ipv4_src", "10.0.0.1"), field("ip_proto", 17),
                    field("udp_src", 68)), (output(IN_PORT),),
    ),
    "table=32,priority=1,icmp6,ipv6_src=2001:db8::1,icmp_type=135,nd_target=:: actions=output:5": Flow(
        SOURCE, 1, (field("eth_type", 0x86DD), field("ipv6_src", "2001:db8::1"), field("ip_proto", 58),
                    field("icmpv6_type", 135), field("nd_target", "::")), (output(5),),
    ),
    "table=80,priority=1,arp,arp_op=1,arp_tpa=10.0.0.1 actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],"
    "set_field:2->arp_op,controller(max_len=64,meter_id=2),resubmit(,45),output:NXM_NX_REG7[]": Flow(
        ANSWER, 1, (field("eth_type", 0x806), field("arp_op", 1), field("arp_tpa", "10.0.0.1")),
        (move("eth_src", "eth_dst"), put("arp_op", 2), PUNT, resubmit(45), output_register("reg7")),
    ),
    "table=128,priority=1 actions=move:OXM_OF_METADATA[0..23]->NXM_NX_TUN_ID[0..23],"
    "set_field:2001:db8::1->tun_ipv6_dst,set_field:02:00:00:00:00:01->eth_src": Flow(
        LOCAL, 1, (), (move("metadata", "tun_id", 24), put("tun_ipv6_dst", "2001:db8::1"), put("eth_src", MAC))
    ),
    "table=200,priority=1,reg6=0x7/0xffff actions=load:0x1->NXM_NX_REG7[0..15],load:0->NXM_NX_REG9[3],"
    "load:0->NXM_OF_IN_PORT[],output:NXM_NX_REG7[0..15]": Flow(
        DELIVER, 1, (masked("reg6", 7, 0xFFFF),),
        (load("reg7[0..15]", 1), load("reg9[3]", 0), load("in_port", 0), output_register("reg7[0..15]")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text: str) -> None:
    assert str(TEXTS[text]) == text
    assert repr(TEXTS[text]) == f"Flow({text})"


def test_small_values_are_made_once() -> None:
    assert field("eth_dst", MAC) is field("eth_dst", MAC)
    assert put("reg7", 1) is put("reg7", 1)
    assert repr(put("reg7", 1)) == "Action(set_field:0x1->reg7)"
    assert repr(field("reg7", 1)) == "Field(reg7=0x1)" and repr(TABLE) == "128:local"


@pytest.mark.parametrize(
    ("action", "wire"),
    [
        (output(3), "0000 0010 00000003 0000 000000000000"),
        (
            PUNT,
            "ffff 0020 00002320 0025 000000000000 0000 0008 0040 0000 0005 0008 00000002",
        ),
        (put("eth_src", MAC), "0019 0010 80000806 020000000001 0000"),
        (put("arp_op", 2), "0019 0010 80002a02 0002 000000000000"),
        (resubmit(45), "ffff 0010 00002320 000e fff8 2d 000000"),
        (output_register("reg7"), "ffff 0018 00002320 000f 001f 00010e04 ffff 000000000000"),
        (output_register("reg7[0..15]"), "ffff 0018 00002320 000f 000f 00010e04 ffff 000000000000"),
        (load("reg9[4..20]", 5), "ffff 0018 00002320 0007 0110 00011204 0000000000000005"),
        (load("in_port", 0), "ffff 0018 00002320 0007 000f 00000002 0000000000000000"),
        (move("eth_src", "eth_dst"), "ffff 0018 00002320 0006 0030 0000 0000 00000406 00000206"),
    ],
)
def test_actions_on_the_wire(action: Action, wire: str) -> None:
    """OpenFlow 1.3.5, 7.2.5; Nicira's as in ofp-actions.c of Open vSwitch."""
    assert action.wire == bytes.fromhex(wire)
    assert len(action.wire) % 8 == 0
