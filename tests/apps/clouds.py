"""Random clouds in good order, and who in them is to hear whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from hypothesis import strategies as st
from msgspec.structs import replace

from controller.model.rows import (
    AddressGroup,
    AddressPair,
    ExtraRoute,
    FixedIp,
    FloatingIp,
    Gateway,
    GatewayRanking,
    Interface,
    Learned,
    MetadataHost,
    MetadataService,
    MeteringLabel,
    MeteringLabelRule,
    NdpProxy,
    Neighbor,
    Network,
    Physical,
    Port,
    PortForwarding,
    Router,
    RouterInterface,
    Row,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Switch,
    Tunnel,
)
from controller.model.rows.metadata import VIF
from tests.world import World

KINDS = ("vxlan", "geneve", "gre")
NETWORKS = {"red": 71, "blue": 72}  # both use the same addresses
SERVER, SERVICE_SEGMENT = 905, 79  # OpenFlow port of a metadata server; the segment of its frames
PATCH = 903  # the OpenFlow port of the patch port to physical network "p1", where a switch has it
VIRTUAL = "00:00:5e:00:01:07"  # RFC 9568: the MAC of a virtual router, which several ports may use
SHARED = (AddressPair("10.0.0.200", VIRTUAL),)
FIRST_ALLOTTED = 40_000  # keys of ports that are not their OpenFlow port


def mac(number: int) -> str:
    return f"fa:16:3e:00:00:{number:02x}"


def four(number: int) -> str:
    return f"10.0.0.{number}"


def six(number: int) -> str:
    return f"2001:db8::{number:x}"


def switch(number: int, *kinds: str, encap: str = "") -> Switch:
    tunnels = tuple(Tunnel(kind, 900 + KINDS.index(kind)) for kind in kinds or ("vxlan",))
    encap_ip = encap or f"192.0.2.{number}"
    return Switch(id=f"h{number}", number=number, dpid=number, host=f"h{number}", encap_ip=encap_ip, tunnels=tunnels)


def network(name: str) -> Network:
    return Network(id=name, project_id=name, mtu=1450, network_type="vxlan", segment=NETWORKS[name])


def port(name: str, of: str, number: int, *, learning: bool = False, up: bool = True) -> Port:
    """The port with the `number`th addresses of a network."""
    fixed = () if learning else (FixedIp("s4", four(number)), FixedIp("s6", six(number)))
    return Port(
        id=name, project_id=of, network_id=of, mac_address=mac(number), learning=learning, fixed_ips=fixed,
        interface_id=name, admin_state_up=up,
    )  # fmt: skip


def plugged(name: str, at: int, ofport: int, attached: str = "") -> Interface:
    return Interface(switch_id=f"h{at}", name=f"tap-{name}", vif=name, ofport=ofport, mac=attached)


def seen(name: str, of: str, at: int, ofport: int, address: str) -> Learned:
    return Learned(network_id=of, mac=address, port_id=name, at=f"h{at}/tap-{name}", ofport=ofport)


def group(name: str, number: int, *, stateful: bool = True) -> SecurityGroup:
    return SecurityGroup(id=name, project_id="t", number=number, stateful=stateful)


def rule(name: str, of: str, direction: str, said: str = "", *, family: int = 4, **rest: Any) -> SecurityGroupRule:
    """`said`: protocol, with ports or ICMP type and code: "tcp 80-87", "udp 53", "icmp 8 0"."""
    protocol, _, numbers = said.partition(" ")
    given = [int(number) for number in numbers.replace("-", " ").split()]
    one = given[:1] + ([None] if protocol.startswith("icmp") else given[:1])  # type: ignore[list-item]
    first, last = given if len(given) == 2 else one if given else (None, None)
    return SecurityGroupRule(
        id=name, project_id="t", security_group_id=of, direction=direction, ethertype=f"IPv{family}",
        protocol=protocol, port_range_min=first, port_range_max=last, **rest,
    )  # fmt: skip


def addresses_of(name: str, number: int, *addresses: str) -> AddressGroup:
    return AddressGroup(id=name, project_id="t", number=number, addresses=addresses)


def some_groups() -> list[Row]:
    """Groups of both kinds, with rules of every form, that name each other and an address group."""
    rows: list[Row] = [group("web", 7), group("all", 8), group("plain", 9, stateful=False)]
    rows.append(addresses_of("known", 10, "10.0.0.2", "10.0.0.4/31", "2001:db8::/126"))
    for of in ("web", "plain"):
        rows += [
            rule(f"{of}-out", of, "egress", remote_group_id="web" if of == "plain" else "plain"),
            rule(f"{of}-dns", of, "egress", "udp 53", remote_address_group_id="known"),
            rule(f"{of}-in", of, "ingress", "tcp 80-90", remote_group_id=of),
            rule(f"{of}-ssh", of, "ingress", "tcp 22", remote_ip_prefix="10.0.0.1/30", normalized_cidr="10.0.0.0/30"),
            rule(f"{of}-ping", of, "ingress", "icmp 8 0"), rule(f"{of}-ping6", of, "ingress", "icmpv6", family=6),
            rule(f"{of}-gre", of, "ingress", "47", family=6, remote_address_group_id="known"),
        ]  # fmt: skip
    rows += [rule(f"all-{way}{v}", "all", way, family=v) for way in ("egress", "ingress") for v in (4, 6)]
    return rows


def on_physical(row: Network, vlan: int, name: str = "p1") -> Network:
    return replace(row, network_type="vlan" if vlan else "flat", physical_network=name, vlan=vlan)


def with_pairs(row: Port) -> Port:
    """It may also use a subnet with its own MAC, and an address with a MAC that it may share."""
    return replace(row, address_pairs=(AddressPair("10.9.0.0/16", row.mac_address), *SHARED))


class Place(NamedTuple):
    """Where a floating IP leads to."""

    port_id: str
    address: str


ALICE, BOB, NOWHERE = Place("alice", four(1)), Place("bob", four(2)), Place("nowhere", four(9))
PROXIED = "2001:db8:2::1"
EXTERNAL_VLAN = 106  # in random clouds, where another network may be the flat one


@st.composite
def clouds(draw: st.DrawFn, *, filtered: bool = False, routed: bool = False) -> World:
    """`filtered`: some ports have security groups.  `routed`: most have a router with a gateway on network "red"."""
    vlan = draw(st.sampled_from([None, None, 0, 105]))
    rows: list[Row] = [network("red"), network("blue") if vlan is None else on_physical(network("blue"), vlan)]
    count = draw(st.integers(1, 4))
    v6 = draw(st.booleans())
    for number in range(1, count + 1):
        kinds = draw(st.permutations(KINDS))[: draw(st.integers(1, 3))]
        physical = (Physical("p1", PATCH),) if draw(st.integers(0, 3)) else ()
        rows.append(replace(switch(number, *kinds, encap=f"2001:db8:ff::{number}" if v6 else ""), physical=physical))
    for n in range(draw(st.integers(2, 10))):
        rows += _port_with_plug(draw, n, count)
    if filtered:
        choice = st.sampled_from([None, (), ("web",), ("all",), ("web", "all"), ("plain",), ("web", "gone")])
        rows = [replace(row, security_groups=draw(choice)) if isinstance(row, Port) else row for row in rows]
        rows += some_groups()
    if routed and draw(st.integers(0, 3)):
        rows += _routed("red", *_floating(rows), vlan=EXTERNAL_VLAN)
        rows += serving(1)
    return World(*_without_twins(rows))


def _floating(rows: list[Row]) -> list[Place]:
    """The first ports of "red" that have addresses, as those that floating IPs lead to."""
    found = [Place(row.id, row.addresses[0]) for row in rows if isinstance(row, Port) and row.network_id == "red"
             and row.addresses]  # fmt: skip
    return [*found, NOWHERE, NOWHERE][:2]


def _port_with_plug(draw: st.DrawFn, n: int, count: int) -> Iterator[Row]:
    """A port, most often plugged in somewhere; addresses that are not its own may have been learned there."""
    of, name = draw(st.sampled_from(list(NETWORKS))), f"p{n}"
    kind = draw(st.sampled_from(["plain", "plain", "plain", "learning", "learning", "open", "pairs"]))
    learning = kind == "learning"
    made = port(name, of, n // 2 + (20 if of == "red" and learning else 1), learning=learning,
                up=draw(st.integers(0, 7)) > 0)  # fmt: skip
    made = replace(made, port_security=False) if kind == "open" else with_pairs(made) if kind == "pairs" else made
    yield made
    at, ofport = draw(st.integers(1, count)), draw(st.sampled_from([0, 64, 200])) + n + 1
    if not draw(st.integers(0, 7)):
        return
    yield replace(plugged(name, at, ofport), allotted=draw(st.sampled_from([0, 0, 0, FIRST_ALLOTTED + n])))
    if kind != "plain" and draw(st.booleans()):
        yield seen(name, of, at, ofport, VIRTUAL if kind == "pairs" else f"02:00:00:00:00:{n + 1:02x}")


def one_of_everything() -> World:
    """Ports of every kind, on two switches and two networks, one of them on a physical network; filters."""
    both = [replace(switch(number), physical=(Physical("p1", PATCH),)) for number in (1, 2)]
    rows: list[Row] = [*both, network("red"), on_physical(network("blue"), 105)]
    for of in NETWORKS:
        suffix, first = ("", 1) if of == "red" else ("-b", 11)
        rows += [
            with_pairs(port(f"alice{suffix}", of, 1)), plugged(f"alice{suffix}", 1, first),
            port(f"bob{suffix}", of, 2), plugged(f"bob{suffix}", 2, first),
            port(f"lea{suffix}", of, 3, learning=True), plugged(f"lea{suffix}", 1, first + 1),
            replace(port(f"dan{suffix}", of, 4), port_security=False),
            replace(plugged(f"dan{suffix}", 1, first + 2), allotted=FIRST_ALLOTTED + first),
            seen(f"alice{suffix}", of, 1, first, VIRTUAL), seen(f"lea{suffix}", of, 1, first + 1, "02:00:00:00:00:03"),
            replace(port(f"eve{suffix}", of, 5), security_groups=("web", "all")), plugged(f"eve{suffix}", 1, first + 3),
            replace(port(f"fay{suffix}", of, 6), security_groups=("plain",)), plugged(f"fay{suffix}", 1, first + 4),
            replace(port(f"leo{suffix}", of, 7, learning=True), security_groups=("web",)),
            plugged(f"leo{suffix}", 1, first + 5),
        ]  # fmt: skip
    return World(*rows, *some_groups(), *_routed("red"), *serving(1))


def serving(number: int) -> list[Row]:
    """A switch with a metadata server, which serves all."""
    return [MetadataHost(id=f"h{number}"), MetadataService(segment=SERVICE_SEGMENT, hosts=(f"h{number}",)),
            Interface(switch_id=f"h{number}", name="md", vif=VIF, ofport=SERVER)]  # fmt: skip


GREEN = {"vg4": "10.2.0.0/24", "vg6": "2001:db8:2::/64"}


def _routed(of: str, one: Place = ALICE, other: Place = BOB, vlan: int = 0) -> list[Row]:
    """A router from a network to one with a smaller MTU, which has no port here; routes with one and two next hops."""
    routes = [("10.50.0.0/16", four(1)), ("10.60.0.0/16", four(1)), ("10.60.0.0/16", "10.2.0.1"),
              ("2001:db8:50::/48", six(1)), ("2001:db8:60::/48", six(1)), ("2001:db8:60::/48", six(2))]  # fmt: skip
    green = Network(id="green", project_id="green", mtu=1400, network_type="vxlan", segment=73)
    subnets = [Subnet(id=name, project_id="t", network_id="green", ip_version=4 if name == "vg4" else 6, cidr=cidr)
               for name, cidr in GREEN.items()]  # fmt: skip
    subnets += [Subnet(id="s4", project_id="t", network_id=of, ip_version=4, cidr="10.0.0.0/24"),
                Subnet(id="s6", project_id="t", network_id=of, ip_version=6, cidr="2001:db8::/64",
                       ra_mode="dhcpv6-stateful", address_mode="dhcpv6-stateful")]  # fmt: skip
    here = replace(port("r1", of, 253), device_owner="network:router_interface")
    there = replace(port("r2", "green", 254), device_owner="network:router_interface",
                    fixed_ips=(FixedIp("vg4", "10.2.0.254"), FixedIp("vg6", "2001:db8:2::fe")))  # fmt: skip
    router = Router(id="r", project_id="t", number=7, segment=907, routes=tuple(ExtraRoute(*one) for one in routes),
                    gateways=(Gateway("ext", "gw"), Gateway("ext", "gw2")), ecmp=True)  # fmt: skip
    joined = [RouterInterface(id="r1", router_id="r", network_id=of),
              RouterInterface(id="r2", router_id="r", network_id="green")]  # fmt: skip
    asked = [Neighbor(network_id=of, ip_address=address, mac="02:00:00:00:00:03", switch_id="h1", router_id="r")
             for address in (four(99), six(99))]  # fmt: skip
    return [green, *subnets, here, there, router, *joined, *asked, *_leaving(one, other, vlan)]


def _leaving(one: Place, other: Place, vlan: int) -> list[Row]:
    """The router's gateways on h1, a floating IP of one port, one of no port, and a forwarding to the other."""
    kind = "vlan" if vlan else "flat"
    external = Network(id="ext", project_id="t", mtu=1500, network_type=kind, segment=74, physical_network="p1",
                       vlan=vlan, external=True)  # fmt: skip
    rows: list[Row] = [external, GatewayRanking(id="r", switches=("h1", "h2"))]
    for name, version, prefix in (("x4", 4, "203.0.113."), ("x6", 6, "2001:db8:e::")):
        rows.append(Subnet(id=name, project_id="t", network_id="ext", ip_version=version, gateway_ip=f"{prefix}1",
                           cidr=f"{prefix}0/24" if version == 4 else f"{prefix}/64"))  # fmt: skip
    for number, name in enumerate(("gw", "f1-port", "f2-port", "f3-port", "gw2"), 10):
        fixed = (FixedIp("x4", f"203.0.113.{number}"), *([FixedIp("x6", "2001:db8:e::a")] if name == "gw" else []))
        rows.append(Port(id=name, project_id="", network_id="ext", mac_address=f"fa:16:3e:0e:00:{number:02x}",
                         fixed_ips=fixed, device_owner="network:router_gateway"))  # fmt: skip
    for number, port_id, fixed_ip in ((1, *one), (2, *NOWHERE), (3, "", "")):
        rows.append(FloatingIp(
            id=f"f{number}", project_id="t", floating_network_id="ext", floating_port_id=f"f{number}-port",
            floating_ip_address=f"203.0.113.{10 + number}", port_id=port_id, fixed_ip_address=fixed_ip, router_id="r",
        ))  # fmt: skip
    rows.append(NdpProxy(id="np", project_id="t", router_id="r", port_id=one.port_id, ip_address=PROXIED))
    rows.append(MeteringLabel(id="ml", project_id="t"))
    for direction in ("ingress", "egress"):
        rows.append(MeteringLabelRule(id=f"ml-{direction}", project_id="t", metering_label_id="ml", direction=direction,
                                      remote_ip_prefix="0.0.0.0/0"))  # fmt: skip
    return [*rows, PortForwarding(
        id="pf", project_id="t", floatingip_id="f3", protocol="tcp", external_ports=(80, 80), internal_ports=(81, 81),
        internal_port_id=other.port_id, internal_ip_address=other.address,
    )]  # fmt: skip


def _without_twins(rows: list[Row]) -> list[Row]:
    """The store lets no two ports of a network have one MAC address."""
    taken: set[tuple[str, str]] = set()
    kept = []
    for row in rows:
        if isinstance(row, Port):
            if (row.network_id, row.mac_address) in taken:
                continue
            taken.add((row.network_id, row.mac_address))
        kept.append(row)
    return kept


def here(world: World) -> list[Port]:
    """Ports that take part in their networks, in the order of their ids."""
    return [one for _, one in sorted(world.model.rows(Port).items()) if world.model.placement.location(one.id)]


def outside(world: World, one: Port) -> bool:
    """Whether the port's network is on a physical network."""
    found = world.model.get(Network, one.network_id)
    return found is not None and bool(found.physical_network)


def joined(world: World, one: Port, other: Port) -> bool:
    """Whether the switches of two ports of a network can reach each other."""
    a, b = (world.model.rows(Switch)[world.model.placement.bindings[each.id].switch_id] for each in (one, other))
    if outside(world, one):
        return a == b or bool(a.physical and b.physical)
    return a == b or bool({tunnel.type for tunnel in a.tunnels} & {tunnel.type for tunnel in b.tunnels})


def others(world: World, one: Port) -> list[Port]:
    """The ports that a port is to reach."""
    return [
        each for each in here(world)
        if each.id != one.id and each.network_id == one.network_id and joined(world, one, each)
    ]  # fmt: skip


def addresses(world: World, one: Port) -> list[str]:
    """Where frames for a port are sent to."""
    learned = [each.mac for each in world.model.find(Learned, "port_id", one.id)]
    return learned if one.learning else [one.mac_address, *learned]


def own(one: Port) -> str:
    """A source address that a port may use; not yet learned where it is a learning port."""
    return "02:00:00:00:01:" + f"{int(one.id[1:]):02x}" if one.learning else one.mac_address


def own_four(one: Port) -> str:
    return one.fixed_ips[0].ip_address if one.fixed_ips else "172.16.0.1"
