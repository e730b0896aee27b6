"""What routers advertise on IPv6 networks: solicited, unsolicited, and when it is true no more."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from scapy.layers import inet6
from scapy.layers.l2 import Ether

from apps.pipeline import SOLICITED
from apps.services.address import ADDRESS6
from apps.services.advertisements import to_everybody_here
from apps.source import link_local
from controller.config.services import ServiceSettings
from controller.flow import OWN_PORT
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import ExtraRoute, HostRoute, Port, Router, RouterInterface, Subnet
from controller.model.rows.base import Row
from controller.services.advertisements import RouterAdvertisements
from controller.services.dispatch import Ignored, to_asker
from tests.apps.clouds import NETWORKS, mac, network, plugged
from tests.services import six
from tests.services.six import ALICE, LEASE, ROUTER_MAC, SLAAC, STATEFUL, STATELESS, layers, punted, subnet
from tests.world import change

SETTINGS = ServiceSettings()


def world(*more: Row, subnets: tuple[Subnet, ...] = (SLAAC,), alice: Port | None = None) -> Model:
    model = Model()
    gateways = [(each.id, each.gateway_ip) for each in subnets]
    change(
        model, *six.rows(*subnets, alice=alice or six.port(("slaac", "2001:db8:4::5"))), *six.router(*gateways), *more
    )
    return model


def solicited(source: str = "") -> bytes:
    ip = inet6.IPv6(src=source or link_local(ALICE), dst="ff02::2", hlim=255)
    message = inet6.ICMPv6ND_RS() if source == "::" else inet6.ICMPv6ND_RS() / inet6.ICMPv6NDOptSrcLLAddr(lladdr=ALICE)
    return bytes(Ether(src=ALICE, dst="33:33:00:00:00:02") / ip / message)


def answers(model: Model, source: str = "", key: int = 1) -> list[Any]:
    frame = punted(solicited(source), SOLICITED, key)
    outs = list(RouterAdvertisements(SETTINGS).answer(frame, Reader(model, "h1")))
    assert all(out[:2] == to_asker(frame, b"")[:2] for out in outs)
    return [layers(out.data) for out in outs]


class Told(dict[str, Any]):
    """What one advertisement tells, by what it is about."""

    def __init__(self, found: list[Any]) -> None:
        ether, ip, said, *options = found
        self.update(
            mac=ether.src, router=ip.src, to=(ether.dst, ip.dst), lifetime=said.routerlifetime, flags=(said.M, said.O),
            mtu=next((each.mtu for each in options if isinstance(each, inet6.ICMPv6NDOptMTU)), 0),
            prefixes={f"{each.prefix}/{each.prefixlen}": (each.A, each.validlifetime) for each in options
                      if isinstance(each, inet6.ICMPv6NDOptPrefixInfo)},
            routes={f"{each.prefix}/{each.plen}": each.rtlifetime for each in options
                    if isinstance(each, inet6.ICMPv6NDOptRouteInfo)},
            dns={each: one.lifetime for one in options if isinstance(one, inet6.ICMPv6NDOptRDNSS) for each in one.dns},
            search={each: one.lifetime for one in options if isinstance(one, inet6.ICMPv6NDOptDNSSL)
                    for each in one.searchlist},
        )  # fmt: skip


def test_who_solicits_is_answered_by_the_routers_link_local_address_and_mac() -> None:
    (found,) = answers(world())
    assert Told(found) == {
        "mac": ROUTER_MAC, "router": link_local(ROUTER_MAC), "to": (ALICE, link_local(ALICE)), "lifetime": 65535,
        "flags": (0, 0), "mtu": 1450, "prefixes": {"2001:db8:4::/64": (1, LEASE)}, "routes": {},
        "dns": {ADDRESS6: LEASE}, "search": {"openstacklocal.": LEASE},
    }  # fmt: skip


def test_who_has_no_address_yet_is_answered_at_the_group() -> None:
    (found,) = answers(world(), "::")
    assert Told(found)["to"] == ("33:33:00:00:00:01", "ff02::1")


@pytest.mark.parametrize(("mode", "flags", "autonomous"), [
    ("slaac", (0, 0), 1), ("dhcpv6-stateless", (0, 1), 1), ("dhcpv6-stateful", (1, 1), 0),
])  # fmt: skip
@pytest.mark.parametrize("address_mode", ["same", ""])
def test_the_modes_of_subnets_are_the_flags(
    mode: str, flags: tuple[int, int], autonomous: int, address_mode: str
) -> None:
    made = subnet("slaac", 4, mode, mode if address_mode else "")
    told = Told(answers(world(subnets=(made,)))[0])
    assert (told["flags"], told["prefixes"]) == (flags, {"2001:db8:4::/64": (autonomous, LEASE)})


def test_subnets_of_an_interface_are_told_together() -> None:
    (found,) = answers(world(subnets=(STATEFUL, STATELESS, SLAAC, subnet("silent", 5))))
    told = Told(found)
    assert told["flags"] == (1, 1)
    assert told["prefixes"] == {
        "2001:db8:1::/64": (0, LEASE), "2001:db8:3::/64": (1, LEASE), "2001:db8:4::/64": (1, LEASE),
    }  # fmt: skip


@pytest.mark.parametrize("quiet", [
    {"subnets": (subnet("slaac", 4, "", "slaac"),)}, {"subnets": (subnet("slaac", 4),)},
])  # fmt: skip
def test_without_a_mode_nothing_is_advertised(quiet: dict[str, Any]) -> None:
    assert answers(world(**quiet)) == [] and jobs(world(**quiet)) == {}


def test_a_router_that_is_down_or_elsewhere_says_nothing() -> None:
    model = world()
    router = model.rows(Router)["r"]
    change(model, replace(router, admin_state_up=False))
    assert answers(model) == [] and jobs(model) == {}
    change(model, replace(router), replace(model.rows(Port)["if-r-red"], admin_state_up=False))
    assert answers(model) == []


def test_resolvers_are_those_of_the_subnets() -> None:
    model = world(subnets=(replace(SLAAC, dns_nameservers=("2001:db8::53",)),))
    assert Told(answers(model)[0])["dns"] == {"2001:db8::53": LEASE}
    model = world(subnets=(replace(SLAAC, dns_nameservers=("::",)),))
    assert Told(answers(model)[0])["dns"] == {}


def test_host_routes_by_the_router_are_told_and_others_are_not() -> None:
    routes = (HostRoute("2001:db8:aa::/48", "2001:db8:4::1"), HostRoute("2001:db8:bb::/48", "2001:db8:4::99"))
    model = world(subnets=(replace(SLAAC, host_routes=routes),))
    assert Told(answers(model)[0])["routes"] == {"2001:db8:aa::/48": LEASE}


def test_a_router_that_is_not_the_gateway_tells_where_it_leads_and_is_no_default_router() -> None:
    blue = subnet("there", 9, of="blue")
    extra = (ExtraRoute("2001:db8:ee::/48", "2001:db8:9::7"), ExtraRoute("10.9.0.0/16", "10.0.0.7"))
    side = six.router(("slaac", "2001:db8:4::fe"), name="side", number=0xF2, routes=extra)
    there = Port(id="if-there", project_id="t", network_id="blue", mac_address=mac(0xF3),
                 fixed_ips=(six.FixedIp("there", "2001:db8:9::1"),))  # fmt: skip
    model = world(blue, network("blue"), *side, there,
                  RouterInterface(id="if-there", router_id="side", network_id="blue"))  # fmt: skip
    told = {each["mac"]: each for each in map(Told, answers(model))}
    assert told[ROUTER_MAC]["lifetime"] == 65535 and told[ROUTER_MAC]["routes"] == {}
    assert told[mac(0xF2)]["lifetime"] == 0
    assert told[mac(0xF2)]["routes"] == {"2001:db8:9::/64": LEASE, "2001:db8:ee::/48": LEASE}


def test_what_is_no_solicitation_or_from_nobody_is_not_answered() -> None:
    model = world()
    for frame in (punted(b"", SOLICITED), punted(solicited()[:-1], SOLICITED), punted(solicited(), SOLICITED, key=2)):
        with pytest.raises(Ignored):
            list(RouterAdvertisements(SETTINGS).answer(frame, Reader(model, "h1")))


# --- unsolicited ---


def jobs(model: Model, switch: str = "h1", service: RouterAdvertisements | None = None) -> dict[str, float]:
    work = (service or RouterAdvertisements(SETTINGS)).work
    return {job.subject: job.every for job in work.jobs(Reader(model, switch))}


def sent(model: Model, service: RouterAdvertisements, subject: str, ended: bool = False) -> list[Told]:
    of = service.work.ended if ended else service.work.frames
    assert of is not None
    outs = list(of(subject, Reader(model, "h1")))
    assert all(out[:2] == (OWN_PORT, to_everybody_here(NETWORKS["red"])) for out in outs)
    return [Told(layers(out.data)) for out in outs]


def test_every_switch_with_ports_of_the_network_advertises_to_them() -> None:
    model = world(six.port(("slaac", "2001:db8:4::6"), name="bob", number=2), plugged("bob", 2, 1))
    assert jobs(model) == jobs(model, "h2") and list(jobs(model).values()) == [200]
    assert jobs(world(), "h2") == {}
    (subject,) = jobs(model)
    (told,) = sent(model, RouterAdvertisements(SETTINGS), subject)
    assert told["to"] == ("33:33:00:00:00:01", "ff02::1") and told["lifetime"] == 65535


def test_a_network_that_a_switch_only_routes_to_is_not_advertised_there() -> None:
    there = subnet("there", 9, "slaac", "slaac", of="blue")
    at = Port(id="if-there", project_id="t", network_id="blue", mac_address=mac(0xF3),
              fixed_ips=(six.FixedIp("there", "2001:db8:9::1"),))  # fmt: skip
    model = world(there, network("blue"), at, RouterInterface(id="if-there", router_id="r", network_id="blue"))
    assert ("network", "blue") in Reader(model, "h1").reachable()
    assert [subject.split()[0] for subject in jobs(model)] == ["if-r-red"]


def test_a_change_is_another_job_and_the_former_ends_with_what_is_true_no_more() -> None:
    model, service = world(subnets=(SLAAC, STATELESS)), RouterAdvertisements(SETTINGS)
    (before,) = jobs(model, service=service)
    change(model, replace(SLAAC, dns_nameservers=("2001:db8::53",)))
    (after,) = jobs(model, service=service)
    assert before != after and before.split()[0] == after.split()[0] == "if-r-red"
    assert sent(model, service, before, ended=True) == []  # nothing that it said is wrong: resolvers of STATELESS
    assert sent(model, service, after)[0]["dns"] == {"2001:db8::53": LEASE, ADDRESS6: LEASE}
    change(model, replace(model.rows(Port)["if-r-red"], fixed_ips=(six.FixedIp("stateless", "2001:db8:3::1"),)))
    jobs(model, service=service)
    (gone,) = sent(model, service, after, ended=True)
    assert gone["prefixes"] == {"2001:db8:4::/64": (1, 0)} and gone["dns"] == {"2001:db8::53": 0}
    assert gone["lifetime"] == 65535 and gone["search"] == {}


def test_a_router_that_goes_away_says_so() -> None:
    model, service = world(), RouterAdvertisements(SETTINGS)
    (subject,) = jobs(model, service=service)
    change(model, replace(model.rows(Router)["r"], admin_state_up=False))
    assert jobs(model, service=service) == {}
    (gone,) = sent(model, service, subject, ended=True)
    assert (gone["lifetime"], gone["prefixes"], gone["dns"]) == (0, {"2001:db8:4::/64": (1, 0)}, {ADDRESS6: 0})


def test_lifetimes_outlast_three_intervals() -> None:
    service = RouterAdvertisements(ServiceSettings(lease=120, ra_interval=1800))
    model = world()
    (subject,) = jobs(model, service=service)
    (told,) = sent(model, service, subject)
    assert told["lifetime"] == 5400 and told["prefixes"] == {"2001:db8:4::/64": (1, 5400)}
