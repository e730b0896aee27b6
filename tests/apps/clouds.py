"""Random clouds in good order, and who in them is to hear whom."""

from __future__ import annotations

from hypothesis import strategies as st

from controller.model.rows import FixedIp, Interface, Learned, Network, Port, Row, Switch, Tunnel
from tests.world import World

KINDS = ("vxlan", "geneve", "gre")
NETWORKS = {"red": 71, "blue": 72}  # both use the same addresses


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


@st.composite
def clouds(draw: st.DrawFn) -> World:
    rows: list[Row] = [network(name) for name in NETWORKS]
    count = draw(st.integers(1, 4))
    v6 = draw(st.booleans())
    for number in range(1, count + 1):
        kinds = draw(st.permutations(KINDS))[: draw(st.integers(1, 3))]
        rows.append(switch(number, *kinds, encap=f"2001:db8:ff::{number}" if v6 else ""))
    for n in range(draw(st.integers(2, 10))):
        of, name = draw(st.sampled_from(list(NETWORKS))), f"p{n}"
        learning = draw(st.integers(0, 2)) == 0
        rows.append(port(name, of, n // 2 + (20 if of == "red" and learning else 1), learning=learning,
                         up=draw(st.integers(0, 7)) > 0))  # fmt: skip
        at, ofport = draw(st.integers(1, count)), draw(st.sampled_from([0, 64, 200])) + n + 1
        if draw(st.integers(0, 7)) > 0:
            rows.append(plugged(name, at, ofport))
            if learning and draw(st.booleans()):
                rows.append(seen(name, of, at, ofport, f"02:00:00:00:00:{n + 1:02x}"))
    return World(*_without_twins(rows))


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


def joined(world: World, one: Port, other: Port) -> bool:
    """Whether the switches of two ports can reach each other."""
    a, b = (world.model.rows(Switch)[world.model.placement.bindings[each.id].switch_id] for each in (one, other))
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
    return learned if one.learning else [one.mac_address]


def own(one: Port) -> str:
    """A source address that a port may use; not yet learned where it is a learning port."""
    return "02:00:00:00:01:" + f"{int(one.id[1:]):02x}" if one.learning else one.mac_address


def own_four(one: Port) -> str:
    return one.fixed_ips[0].ip_address if one.fixed_ips else "172.16.0.1"
