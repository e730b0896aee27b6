"""Random rows for tests: few values, so that they meet often."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st
from msgspec.structs import replace

from controller.model.rows import (
    AddressGroup,
    AddressPair,
    ConntrackHelper,
    ExtraRoute,
    FixedIp,
    FloatingIp,
    Gateway,
    GatewayRanking,
    Interface,
    Learned,
    Link,
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

SWITCHES = [f"h{number}" for number in range(4)]
NETWORKS = [f"n{number}" for number in range(3)]
PORTS = [f"p{number}" for number in range(7)]
NAMES = [f"tap{number}" for number in range(7)]
MACS = [f"02:00:00:00:00:{number:02x}" for number in range(1, 5)]
OFPORTS = [1, 2, 63, 64, 130]  # of three blocks
_ENCAPS = ["", "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2"]
_TUNNELS = [(), ("vxlan",), ("geneve", "vxlan"), ("gre",), ("vxlan", "gre")]


def mac_of(port_id: str) -> str:
    return f"fa:16:3e:00:00:{int(port_id[1:]):02x}"


networks = st.builds(
    lambda row_id, up, name, again, mtu: Network(
        id=row_id, project_id="t", name=name, admin_state_up=up, mtu=mtu, network_type="vxlan",
        segment=(200 if again else 100) + int(row_id[1:]),  # as a network that was made again with the same id
    ),
    st.sampled_from(NETWORKS), st.sampled_from([True, True, True, False]), st.sampled_from("ab"), st.booleans(),
    st.sampled_from([1450, 1450, 1400]),
)  # fmt: skip


PAIRS: list[tuple[AddressPair, ...]] = [
    (),
    (),
    (AddressPair("10.0.0.77", MACS[3]),),
    (AddressPair("10.7.0.0/16", MACS[2]), AddressPair("10.0.0.5", MACS[3])),
]


def _port(
    row_id: str, network_id: str, up: bool, learning: bool, ips: int, vif: int, host: str, security: bool = True,
    pairs: tuple[AddressPair, ...] = (), groups: tuple[str, ...] | None = None,
) -> Port:  # fmt: skip
    number = int(row_id[1:])
    fixed = (
        FixedIp("s4", f"10.0.0.{number + 1}"),
        FixedIp("s6", f"2001:db8:1::{number + 1}"),
        FixedIp("s5", "10.9.0.1"),
    )
    return Port(
        id=row_id, project_id="t", network_id=network_id, mac_address=mac_of(row_id) if ips else MACS[number % 2],
        admin_state_up=up, learning=learning, fixed_ips=() if learning else fixed[:ips],
        interface_id="" if vif < 0 else f"vif{vif}", host=host,
        port_security=security or learning, address_pairs=pairs if security and not learning else (),
        security_groups=groups,
    )  # fmt: skip


GROUPS = ["g0", "g1", "g2"]
ADDRESS_GROUPS = ["a0", "a1"]
CHOSEN: list[tuple[str, ...] | None] = [None, None, (), ("g0",), ("g1",), ("g0", "g1"), ("g2",), ("g1", "g2")]

groups = st.builds(
    lambda row_id, stateful, again: SecurityGroup(
        id=row_id, project_id="t", stateful=stateful, number=int(row_id[1:]) + (11 if again else 1)
    ),
    st.sampled_from(GROUPS), st.booleans(), st.booleans(),
)  # fmt: skip

address_groups = st.builds(
    lambda row_id, addresses, again: AddressGroup(
        id=row_id, project_id="t", addresses=tuple(addresses), number=int(row_id[1:]) + (31 if again else 21)
    ),
    st.sampled_from(ADDRESS_GROUPS),
    st.lists(st.sampled_from(["10.0.0.0/24", "192.0.2.7", "2001:db8::/32", "0.0.0.0/0"]), unique=True, max_size=3),
    st.booleans(),
)  # fmt: skip


def _rule(number: int, of: str, way: str, family: str, said: tuple[str, int | None], remote: str) -> SecurityGroupRule:
    cidr = {"IPv4": "10.0.0.0/29", "IPv6": "2001:db8::/64"}[family] if remote == "prefix" else ""
    return SecurityGroupRule(
        id=f"r{number}", project_id="t", security_group_id=of, direction=way, ethertype=family,
        protocol=said[0], port_range_min=said[1], port_range_max=said[1], remote_ip_prefix=cidr, normalized_cidr=cidr,
        remote_group_id=remote if remote in GROUPS else "",
        remote_address_group_id=remote if remote in ADDRESS_GROUPS else "",
    )  # fmt: skip


rules = st.builds(
    _rule,
    st.integers(0, 5), st.sampled_from(GROUPS), st.sampled_from(["ingress", "egress"]),
    st.sampled_from(["IPv4", "IPv6"]), st.sampled_from([("", None), ("tcp", 22), ("udp", None), ("icmp", 8)]),
    st.sampled_from(["", "prefix", *GROUPS, *GROUPS, *ADDRESS_GROUPS]),
)  # fmt: skip

ports = st.builds(
    _port,
    st.sampled_from(PORTS), st.sampled_from(NETWORKS), st.sampled_from([True, True, True, False]), st.booleans(),
    st.integers(0, 3), st.integers(-1, 6), st.sampled_from(["", "", "", *SWITCHES]),
    st.sampled_from([True, True, False]), st.sampled_from(PAIRS), st.sampled_from(CHOSEN),
)  # fmt: skip

switches = st.builds(
    lambda row_id, encap, types, base, swap: Switch(
        id=row_id, number=(int(row_id[1:]) + 1) * (70 if swap else 1), dpid=int(row_id[1:]) + 1, host=row_id,
        encap_ip=encap, tunnels=tuple(Tunnel(kind, base + number) for number, kind in enumerate(types)),
    ),
    st.sampled_from(SWITCHES), st.sampled_from(_ENCAPS), st.sampled_from(_TUNNELS), st.sampled_from([900, 950]),
    st.booleans(),
)  # fmt: skip

interfaces = st.builds(
    lambda switch_id, name, vif, mac, ofport, since: Interface(
        switch_id=switch_id, name=name, vif=vif, mac=mac, ofport=ofport, since=since
    ),
    st.sampled_from(SWITCHES), st.sampled_from(NAMES),
    st.sampled_from([*(f"vif{number}" for number in range(7)), *PORTS]), st.sampled_from(["", "", *MACS]),
    st.sampled_from(OFPORTS), st.integers(0, 3),
)  # fmt: skip

learned = st.builds(
    lambda network_id, mac, port_id, switch_id, name, ofport: Learned(
        network_id=network_id, mac=mac, port_id=port_id, at=f"{switch_id}/{name}", ofport=ofport
    ),
    st.sampled_from(NETWORKS), st.sampled_from(MACS), st.sampled_from(PORTS), st.sampled_from(SWITCHES),
    st.sampled_from(NAMES), st.sampled_from(OFPORTS),
)  # fmt: skip


def _wire(pair: tuple[str, str], port: int) -> list[Row]:
    one, other = pair
    return [
        Link(switch_id=near, ofport=port, far_switch_id=far, far_ofport=port)
        for near, far in ((one, other), (other, one))
    ]


# wires between switches, both ends; an island that no tunnel leads to is reached over them only
wires: st.SearchStrategy[list[Row]] = st.lists(
    st.tuples(st.sampled_from(SWITCHES), st.sampled_from(SWITCHES)).filter(lambda pair: pair[0] != pair[1]), max_size=4
).map(lambda pairs: [row for n, pair in enumerate(pairs) for row in _wire(pair, 500 + n)])

ROUTERS = ["r", "s"]
_INTERFACES = [f"i{number}" for number in range(5)]  # ports that may be interfaces of routers
_SUBNETS = {"s4": "10.0.0.0/24", "s5": "10.9.0.0/24", "s6": "2001:db8:1::/64"}
_ROUTES = [
    ExtraRoute("10.50.0.0/16", "10.0.0.1"),
    ExtraRoute("10.50.0.0/16", "10.9.0.1"),
    ExtraRoute("0.0.0.0/0", "10.0.0.2"),
    ExtraRoute("2001:db8:50::/48", "2001:db8:1::2"),
]


def _router(
    row_id: str, up: bool = True, routes: Iterable[ExtraRoute] = (), again: bool = False, networks: Iterable[str] = ()
) -> Router:
    """`networks`: external ones."""
    number = ROUTERS.index(row_id) + (11 if again else 1)
    return Router(
        id=row_id, project_id="t", number=number, segment=900 + number, admin_state_up=up, routes=tuple(routes),
        gateways=tuple(Gateway(network_id, f"gw-{row_id}-{network_id}") for network_id in networks),
    )  # fmt: skip


def _interface_port(row_id: str, network_id: str, up: bool, subnets: list[str]) -> Port:
    host = 250 + int(row_id[1:])
    addresses = {"s4": f"10.0.0.{host}", "s5": f"10.9.0.{host}", "s6": f"2001:db8:1::{host:x}"}
    fixed = [FixedIp(subnet, addresses[subnet]) for subnet in subnets]
    return Port(id=row_id, project_id="t", network_id=network_id, mac_address=f"fa:16:3e:00:01:{host:02x}",
                fixed_ips=tuple(fixed), admin_state_up=up, device_owner="network:router_interface")  # fmt: skip


def _subnet(row_id: str, network_id: str, wide: bool = False, dhcp: bool = True) -> Subnet:
    cidr = _SUBNETS[row_id].replace("/24", "/20") if wide else _SUBNETS[row_id]
    return Subnet(
        id=row_id, project_id="t", network_id=network_id, ip_version=6 if ":" in cidr else 4, cidr=cidr,
        enable_dhcp=dhcp,
    )  # fmt: skip


routers = st.builds(
    _router, st.sampled_from(ROUTERS), st.sampled_from([True, True, True, False]),
    st.lists(st.sampled_from(_ROUTES), unique=True, max_size=4), st.booleans(),
    st.lists(st.sampled_from(NETWORKS), unique=True, max_size=2),
)  # fmt: skip
router_interfaces = st.builds(
    lambda row_id, router, network: RouterInterface(id=row_id, router_id=router, network_id=network),
    st.sampled_from(_INTERFACES), st.sampled_from(ROUTERS), st.sampled_from(NETWORKS),
)  # fmt: skip
_interface_ports = st.builds(
    _interface_port, st.sampled_from(_INTERFACES), st.sampled_from(NETWORKS),
    st.sampled_from([True, True, True, False]), st.lists(st.sampled_from(list(_SUBNETS)), unique=True, max_size=3),
)  # fmt: skip
_subnets = st.builds(
    _subnet, st.sampled_from(list(_SUBNETS)), st.sampled_from(NETWORKS), st.booleans(),
    st.sampled_from([True, True, False]),
)  # fmt: skip
neighbors = st.builds(
    lambda network_id, address, mac: Neighbor(
        network_id=network_id, ip_address=address, mac=mac, switch_id="h0", router_id="r"
    ),
    st.sampled_from(NETWORKS), st.sampled_from(["10.0.0.1", "10.0.0.99", "10.0.0.250", "2001:db8:1::99"]),
    st.sampled_from(MACS),
)  # fmt: skip
routing: st.SearchStrategy[Row] = st.one_of(routers, router_interfaces, router_interfaces, _interface_ports, _subnets)

rows: st.SearchStrategy[Row] = st.one_of(networks, ports, ports, switches, interfaces, interfaces, learned, routing)
filters: st.SearchStrategy[Row] = st.one_of(groups, rules, rules, address_groups)


rankings = st.builds(
    lambda row_id, ranked, leaving, used: GatewayRanking(
        id=row_id, switches=tuple(ranked), leaving=leaving, used=used or not leaving, announced=not leaving
    ),
    st.sampled_from(ROUTERS), st.lists(st.sampled_from(SWITCHES), unique=True, max_size=3),
    st.sampled_from(["", "", *SWITCHES]), st.booleans(),
)  # fmt: skip
floating = st.builds(
    lambda row_id, network_id, port_id: FloatingIp(
        id=row_id, project_id="t", floating_network_id=network_id, floating_port_id=f"{row_id}-port",
        floating_ip_address="203.0.113.9", port_id=port_id, fixed_ip_address="10.0.0.9", router_id="r",
    ),
    st.sampled_from(["f", "g"]), st.sampled_from(NETWORKS), st.sampled_from(["", *PORTS[:3]]),
)  # fmt: skip
_OUTER = ["f-port", "g-port", "gw-r-n0", "gw-r-n2", "gw-s-n2"]  # ports in external networks


def _outer_port(row_id: str, network_id: str, host: int, six: bool) -> Port:
    fixed = (FixedIp("s7", f"203.0.113.{host}"), *([FixedIp("s8", f"2001:db8:e::{host}")] if six else []))
    return Port(id=row_id, project_id="", network_id=network_id, mac_address=f"fa:16:3e:00:02:{host:02x}",
                fixed_ips=fixed, device_owner="network:router_gateway")  # fmt: skip


outer_ports = st.builds(
    _outer_port, st.sampled_from(_OUTER), st.sampled_from(NETWORKS), st.integers(9, 11), st.booleans()
)
forwardings = st.builds(
    lambda row_id, floating_id, ports, to, protocol: PortForwarding(
        id=row_id, project_id="t", floatingip_id=floating_id, protocol=protocol, external_ports=ports,
        internal_ports=to, internal_port_id="p1", internal_ip_address="10.0.0.2",
    ),
    st.sampled_from("xy"), st.sampled_from("fg"), st.sampled_from([(80, 80), (81, 83)]),
    st.sampled_from([(80, 80), (81, 83), (90, 92)]), st.sampled_from(["tcp", "udp", "icmp"]),
)  # fmt: skip
outside: st.SearchStrategy[Row] = st.one_of(  # what floating IPs are translated by
    networks.map(lambda one: replace(one, network_type="flat", physical_network="p1")),
    switches.map(lambda one: replace(one, physical=(Physical("p1", 903),))),
)
helpers = st.builds(
    lambda row_id, protocol, port, helper: ConntrackHelper(
        id=row_id, project_id="t", router_id="r", protocol=protocol, port=port, helper=helper
    ),
    st.sampled_from("xy"), st.sampled_from(["tcp", "udp"]), st.sampled_from([21, 69]), st.sampled_from(["ftp", "tftp"]),
)  # fmt: skip
proxies = st.builds(
    lambda row_id, router_id, address: NdpProxy(
        id=row_id, project_id="t", router_id=router_id, port_id="p0", ip_address=address
    ),
    st.sampled_from("xy"), st.sampled_from(ROUTERS), st.sampled_from(["2001:db8:1::1", "2001:db8:1::2"]),
)  # fmt: skip
labels = st.builds(
    lambda row_id, project_id, shared: MeteringLabel(id=row_id, project_id=project_id, shared=shared),
    st.sampled_from("xy"), st.sampled_from("tu"), st.booleans(),
)  # fmt: skip
label_rules = st.builds(
    lambda row_id, label, direction, prefix, excluded: MeteringLabelRule(
        id=row_id, project_id="t", metering_label_id=label, direction=direction, remote_ip_prefix=prefix,
        excluded=excluded,
    ),
    st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from(["ingress", "egress"]),
    st.sampled_from(["0.0.0.0/0", "10.0.0.0/24", "::/0"]), st.booleans(),
)  # fmt: skip
service_hosts: st.SearchStrategy[Row] = st.one_of(
    st.builds(lambda row_id: MetadataHost(id=row_id), st.sampled_from(SWITCHES)),
    st.builds(
        lambda segment, hosts: MetadataService(segment=segment, hosts=tuple(sorted(hosts))),
        st.sampled_from([801, 802]),
        st.sets(st.sampled_from(SWITCHES)),
    ),
    st.builds(
        lambda switch_id, name, ofport: Interface(switch_id=switch_id, name=name, vif=VIF, ofport=ofport),
        st.sampled_from(SWITCHES),
        st.sampled_from(["md0", "md1"]),
        st.sampled_from([70, 71]),
    ),
)
gateways: st.SearchStrategy[Row] = st.one_of(
    routers, rankings, rankings, floating, floating, outside, outer_ports, forwardings, helpers, proxies, labels,
    label_rules, service_hosts,
)  # fmt: skip


def north_south() -> list[Row]:
    """Beside `base`: a gateway of its router, and a floating IP that its port has at its own switch."""
    rows: list[Row] = [
        Network(id="n2", project_id="t", mtu=1500, network_type="flat", segment=102, physical_network="p1"),
        _router("r", routes=_ROUTES, networks=["n2"]), GatewayRanking(id="r", switches=("h1", "h2")),
        _outer_port("gw-r-n2", "n2", 9, True), _outer_port("f-port", "n2", 10, False),
        _outer_port("g-port", "n2", 11, False),
    ]  # fmt: skip
    for name, version, gateway in (("s7", 4, "203.0.113.1"), ("s8", 6, "2001:db8:e::1")):
        cidr = "203.0.113.0/24" if version == 4 else "2001:db8:e::/64"
        rows.append(Subnet(id=name, project_id="t", network_id="n2", ip_version=version, cidr=cidr, gateway_ip=gateway))
    for name, port_id in (("f", "p0"), ("g", "")):
        rows.append(FloatingIp(
            id=name, project_id="t", floating_network_id="n2", floating_port_id=f"{name}-port", port_id=port_id,
            floating_ip_address=f"203.0.113.{10 if port_id else 11}", router_id="r",
            fixed_ip_address="10.0.0.1" if port_id else "",
        ))  # fmt: skip
    rows.append(PortForwarding(
        id="x", project_id="t", floatingip_id="g", protocol="tcp", external_ports=(80, 80), internal_ports=(80, 80),
        internal_port_id="p1", internal_ip_address="10.0.0.2",
    ))  # fmt: skip
    rows += [MetadataHost(id="h1"), MetadataService(segment=801, hosts=("h1",))]
    rows.append(Interface(switch_id="h1", name="md0", vif=VIF, ofport=70))
    return [*rows, *(replace(row, physical=(Physical("p1", 903),)) for row in base() if isinstance(row, Switch))]


def base() -> list[Row]:
    """A cloud where most things are in place: what changes here matters."""
    rows: list[Row] = [
        Switch(id=switch_id, number=n + 1, dpid=n + 1, host=switch_id, encap_ip=f"192.0.2.{n + 1}",
               tunnels=(Tunnel("vxlan", 900), Tunnel("gre", 901)))
        for n, switch_id in enumerate(SWITCHES)
    ]  # fmt: skip
    rows += [
        Network(id=row_id, project_id="t", mtu=1450, network_type="vxlan", segment=100 + n)
        for n, row_id in enumerate(NETWORKS)
    ]
    rows += [_port(port_id, NETWORKS[n % 2], True, n >= 4, 2, n, "") for n, port_id in enumerate(PORTS)]
    rows += [
        Interface(switch_id=SWITCHES[n % 3], name=name, vif=f"vif{n}", ofport=OFPORTS[n // 3])
        for n, name in enumerate(NAMES)
    ]
    for place, row in enumerate(rows):
        if isinstance(row, Port) and row.id in ("p1", "p2", "p3", "p6"):
            rows[place] = replace(row, security_groups=CHOSEN[int(row.id[1:]) + 1])
    rows += [
        SecurityGroup(id=group_id, project_id="t", number=n + 1, stateful=n < 2) for n, group_id in enumerate(GROUPS)
    ]
    rows += [AddressGroup(id="a0", project_id="t", number=21, addresses=("192.0.2.7", "10.0.0.0/24"))]
    rows += [
        _rule(0, "g0", "ingress", "IPv4", ("tcp", 22), "g1"), _rule(1, "g1", "egress", "IPv4", ("", None), "g0"),
        _rule(2, "g1", "ingress", "IPv4", ("udp", None), "a0"), _rule(3, "g2", "ingress", "IPv6", ("", None), "g2"),
    ]  # fmt: skip
    rows += [
        _router("r", routes=_ROUTES),
        *(_subnet(subnet, NETWORKS[n % 2]) for n, subnet in enumerate(_SUBNETS)),
    ]
    rows += [_interface_port("i0", "n0", True, ["s4", "s6"]), _interface_port("i1", "n1", True, ["s5"])]
    rows += [RouterInterface(id=f"i{n}", router_id="r", network_id=f"n{n}") for n in range(2)]
    rows += [
        Neighbor(network_id="n0", ip_address=address, mac=MACS[2], switch_id="h0", router_id="r")
        for address in ("10.0.0.99", "2001:db8:1::99")
    ]
    return rows
