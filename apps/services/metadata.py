"""Metadata servers: TCP connections of instances to the service addresses are led to a service host, and back.

The asker's own switch writes who asks into the destination (identity.py), and sends the packet to a service host: this
switch, where it is one, else the first of an order of its own that is alive.  Between switches requests and answers
travel in a segment of the service.  An answer's source address says which switch it is for, and there which logical
port; one flow a port gives it that port's network and filter, so that the tracker of its connections sees both ways.

A metadata server's interface is one of a switch that an operator has named (model/serving.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Field, Flow, field, in_order, load, masked, move, output, put
from controller.model.reader import Reader
from controller.model.rows import Network, Port, Switch
from controller.model.serving import service_port

from ..gateways import to_first_alive
from ..matches import IPV4, IPV6, entering, from_here, goes_out
from ..pipeline import (
    ANSWER,
    ARRIVE_ROUTER,
    ARRIVE_SERVICE,
    ASKER,
    CLASSIFY,
    FORWARDED,
    FROM_SERVICE,
    HIGH,
    HIGHEST,
    IN_KEY,
    OUT_KEY,
    OUTBOUND,
    SEGMENT,
    TO_ASKER,
    TO_SERVER,
    TO_SERVICE,
    TO_SWITCH,
    USUAL,
)
from ..security.kinds import filter_of
from .address import ADDRESS4, ADDRESS6, MAC, told
from .identity import (
    BASES,
    FIRST4,
    HIGH_BITS,
    KEY_BITS,
    LINK_LOCAL,
    LOW_BITS,
    MOST_NUMBER,
    NUMBER_BITS,
    PREFIX,
    Asker,
    address4,
    address6,
    tcp_port,
)
from .ranking import order

SERVER_MAC = "0a:54:4e:f0:00:02"  # of every metadata server's interface
TCP = field("ip_proto", 6)
_FOUR, _SIX = (IPV4, TCP), (IPV6, TCP)
_HIGH_OF = (1 << HIGH_BITS) - 1  # of a TCP port at the server
_UPPER = "[64..127]"  # of an IPv6 address: its prefix


def _upper(prefix: str) -> int:
    return int.from_bytes(field("ipv6_src", prefix).value[:8], "big")


def _six_in(name: str, prefix: str, length: int = 64) -> Field:
    return masked(name, prefix, (1 << 128) - (1 << 128 - length))


def _four_in(name: str, start: int, bits: int) -> Field:
    return masked(name, start, (1 << 32) - (1 << bits))


_LOCAL_SENDER, _LOCAL_ASKER = _six_in("ipv6_src", "fe80::"), _six_in("ipv6_dst", LINK_LOCAL)
_CARRIED, _RESTORED = put(f"ipv6_src{_UPPER}", _upper(LINK_LOCAL)), put(f"ipv6_dst{_UPPER}", _upper("fe80::"))


# --- from instances ---


def network(network: Network, see: Reader) -> Iterator[Flow]:
    """Connections of ports here to the service addresses, in networks where subnets have services."""
    if see.service() is None:
        return
    if not told(network.id, see):
        return
    here = from_here(network.segment)
    for service in BASES:
        for family, to in ((_FOUR, field("ipv4_dst", ADDRESS4)), (_SIX, field("ipv6_dst", ADDRESS6))):
            yield Flow(ANSWER, HIGH, in_order(*family, to, field("tcp_dst", service), here), goto=TO_SERVICE)


def switch(me: Switch, see: Reader) -> Iterator[Flow]:
    service = see.service()
    if service is None:
        return
    yield from _marked(me.number)
    server = service_port(see, me.id)
    hosts = service.hosts
    if server is not None:
        yield Flow(TO_SERVER, USUAL, (), (output(server.ofport),))
    elif onward := to_first_alive(order(me.id, hosts), see, ()):
        yield Flow(TO_SERVER, USUAL, (), (SEGMENT.put(service.segment), *onward))
    yield Flow(ARRIVE_ROUTER, USUAL, (field("tun_id", service.segment),), goto=ARRIVE_SERVICE)
    yield Flow(ARRIVE_SERVICE, USUAL, (field("eth_dst", MAC),), goto=TO_ASKER)
    yield from _to_askers()
    if server is not None:
        for family in (_FOUR, _SIX):
            asked = in_order(field("eth_dst", SERVER_MAC), *family)
            yield Flow(ARRIVE_SERVICE, USUAL, asked, (output(server.ofport),))
        answers = (field("in_port", server.ofport), field("eth_dst", MAC))
        yield Flow(CLASSIFY, HIGH, answers, metadata=entering(service.segment), goto=FROM_SERVICE)
        yield from _answers(me.number)


def _marked(number: int) -> Iterator[Flow]:
    """Who asks, written into the destination.  Addresses of the server's own are nobody's to ask from."""
    yield Flow(TO_SERVICE, HIGHEST, in_order(IPV4, _four_in("ipv4_src", FIRST4, 28)))
    yield Flow(TO_SERVICE, HIGHEST, in_order(IPV6, _six_in("ipv6_src", PREFIX, 48)))
    nobody = Asker(number, 0)
    for service in BASES:
        asked = field("tcp_dst", service)
        if number <= MOST_NUMBER:
            marked = (put("ipv4_dst", address4(nobody)), IN_KEY.copy_to(f"ipv4_dst[0..{KEY_BITS - 1}]"))
            to = (put("eth_dst", SERVER_MAC), *marked, put("tcp_dst", tcp_port(service, number, 4)))
            yield Flow(TO_SERVICE, USUAL, in_order(*_FOUR, asked), to, goto=TO_SERVER)
        marked = (put("ipv6_dst", address6(nobody)), IN_KEY.copy_to(f"ipv6_dst[0..{KEY_BITS - 1}]"))
        to = (put("eth_dst", SERVER_MAC), *marked, put("tcp_dst", tcp_port(service, number, 6)))
        yield Flow(TO_SERVICE, USUAL, in_order(*_SIX, asked), to, goto=TO_SERVER)
        yield Flow(TO_SERVICE, HIGH, in_order(*_SIX, asked, _LOCAL_SENDER), (_CARRIED, *to), goto=TO_SERVER)


# --- from servers ---


def _answers(number: int) -> Iterator[Flow]:
    """Answers of the server here: to this switch's own ports, and to the switch that the source address names."""
    mine4, mine6 = address4(Asker(number, 0)), address6(Asker(number, 0))
    high = masked("tcp_src", number >> LOW_BITS, _HIGH_OF)
    if number <= MOST_NUMBER:
        own = masked("ipv4_src", mine4, (1 << 32) - (1 << KEY_BITS))
        yield Flow(FROM_SERVICE, HIGH, in_order(*_FOUR, own, high), goto=TO_ASKER)
    yield Flow(FROM_SERVICE, HIGH, in_order(*_SIX, _six_in("ipv6_src", mine6, 128 - KEY_BITS)), goto=TO_ASKER)
    first, low = TO_SWITCH.low, KEY_BITS + LOW_BITS - 1
    four = (
        TO_SWITCH.put(0),
        move(f"ipv4_src[{KEY_BITS}..{low}]", f"{TO_SWITCH.place}[{first}..{first + LOW_BITS - 1}]"),
        move(f"tcp_src[0..{HIGH_BITS - 1}]",
             f"{TO_SWITCH.place}[{first + LOW_BITS}..{first + LOW_BITS + HIGH_BITS - 1}]"),
    )  # fmt: skip
    yield Flow(FROM_SERVICE, USUAL, in_order(*_FOUR, _four_in("ipv4_src", FIRST4, 28)), four, goto=OUTBOUND)
    six = (move(f"ipv6_src[{KEY_BITS}..{KEY_BITS + NUMBER_BITS - 1}]", TO_SWITCH.subfield),)
    yield Flow(FROM_SERVICE, USUAL, in_order(*_SIX, _six_in("ipv6_src", PREFIX)), six, goto=OUTBOUND)


def _to_askers() -> Iterator[Flow]:
    """The asker's key from the source address, and the service's own address and port instead."""
    for service, base in BASES.items():
        four = masked("tcp_src", base, 0xFFFF & ~_HIGH_OF)
        to_key = move(f"ipv4_src[0..{KEY_BITS - 1}]", OUT_KEY.subfield)
        said = (to_key, put("eth_src", MAC), put("ipv4_src", ADDRESS4), put("tcp_src", service))
        yield Flow(TO_ASKER, USUAL, in_order(*_FOUR, four, _four_in("ipv4_src", FIRST4, 28)), said, goto=ASKER)
        six, to_key = field("tcp_src", base), move(f"ipv6_src[0..{KEY_BITS - 1}]", OUT_KEY.subfield)
        said = (to_key, put("eth_src", MAC), put("ipv6_src", ADDRESS6), put("tcp_src", service))
        yield Flow(TO_ASKER, USUAL, in_order(*_SIX, six, _six_in("ipv6_src", PREFIX)), said, goto=ASKER)
        asked = in_order(*_SIX, six, _six_in("ipv6_src", PREFIX), _LOCAL_ASKER)
        yield Flow(TO_ASKER, HIGH, asked, (*said, _RESTORED), goto=ASKER)


def port(port: Port, see: Reader) -> Iterator[Flow]:
    """Answers to a port: to its MAC, past its filter."""
    at, network = see.binding(port), see.view(Network, port.network_id)
    if at is None or network is None or port.learning or see.service() is None:
        return
    to = (put("eth_dst", port.mac_address), *goes_out(at.port_key, filter_of(port, see)), load("in_port", 0))
    yield Flow(ASKER, USUAL, (OUT_KEY.match(at.port_key),), to, metadata=entering(network.segment), goto=FORWARDED)


IN_NETWORK = {"network": network}
ON_SWITCH = {"switch": switch, "port": port}
