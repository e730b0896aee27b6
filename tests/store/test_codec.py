"""What is encoded is decoded to the same row; anything else is refused and named."""

from __future__ import annotations

import json

import pytest

from controller.model.rows import FixedIp, Interface, Learned, Network, Pool, Port, Row, Subnet, Switch, Tunnel
from controller.runtime.errors import StoreError
from controller.store.codec import decode, encode

PORT = Port(
    id="p1", project_id="t1", network_id="n1", name="häß\"lich\x00", mac_address="fa:16:3e:00:00:01",
    fixed_ips=(FixedIp("s1", "10.0.0.3"), FixedIp("s2", "2001:db8::3")), learning=True, interface_id="tap1",
)  # fmt: skip
ROWS: list[Row] = [
    Network(id="n1", project_id="t1", mtu=1450, network_type="vxlan", segment=2**24 - 1),
    Subnet(id="s1", project_id="t1", network_id="n1", ip_version=4, cidr="10.0.0.0/24",
           allocation_pools=(Pool("10.0.0.2", "10.0.0.9"),)),
    PORT,
    Switch(id="sw", number=3, dpid=2**64 - 1, encap_ip="192.0.2.1", tunnels=(Tunnel("vxlan", 1), Tunnel("gre", 2))),
    Interface(switch_id="sw", name="tap1", vif="v1", ofport=7),
    Learned(network_id="n1", mac="fa:16:3e:00:00:02", port_id="p1", at="sw/tap1", ofport=7),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind_name())
def test_every_kind_comes_back_equal(row: Row) -> None:
    assert decode(row.key, encode(row)) == row


def test_the_value_is_json_with_its_version() -> None:
    value = json.loads(encode(PORT))
    assert value["v"] == 2 and value["id"] == "p1" and value["fixed_ips"][0] == ["s1", "10.0.0.3"]


def test_fields_in_another_order_and_unknown_fields_are_read() -> None:
    value = json.dumps({**json.loads(encode(PORT)), "later": 1}, sort_keys=True).encode()
    assert decode(PORT.key, value) == PORT


def test_a_newer_version_is_refused_and_named() -> None:
    with pytest.raises(StoreError, match=r"port/p1.*version 3.*knows 1 to 2"):
        decode(PORT.key, encode(PORT).replace(b'"v":2', b'"v":3'))


def test_a_port_of_the_version_without_security_groups_is_read_and_not_filtered() -> None:
    value = {**json.loads(encode(PORT)), "v": 1}
    del value["security_groups"]
    assert decode(PORT.key, json.dumps(value).encode()) == PORT


@pytest.mark.parametrize("version", [0, -1, 3])
def test_a_port_of_any_other_version_is_refused(version: int) -> None:
    with pytest.raises(StoreError, match="schema version"):
        decode(PORT.key, encode(PORT).replace(b'"v":2', b'"v":%d' % version))


@pytest.mark.parametrize("key", ["volume/v1", "port", "", "/", "taken/mac/x"])
def test_an_unknown_kind_is_refused_and_named(key: str) -> None:
    with pytest.raises(StoreError, match="no such kind"):
        decode(key, encode(PORT))


BROKEN = [
    b"",
    b'{"v":1,"x":' + b"[" * 100_000,
    b"{",
    b"null",
    b"[]",
    b"{}",
    b'{"v":"1"}',
    b'{"v":1,"id":7}',
    b'{"v":1,"id":"\xff\xfe"}',
    encode(PORT)[:-1],
]


@pytest.mark.parametrize("value", BROKEN, ids=lambda value: repr(value[:30]))
def test_what_is_not_such_a_row_is_refused_and_named(value: bytes) -> None:
    with pytest.raises(StoreError, match=r"port/p1: unreadable"):
        decode("port/p1", value)


def test_what_is_not_a_kind_is_not_encoded() -> None:
    class Stranger(Row, frozen=True, kw_only=True):
        id: str

    with pytest.raises(StoreError, match="Stranger"):
        encode(Stranger(id="x"))
