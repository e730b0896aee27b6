"""Whose name the PTR record of an address leads to."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from msgspec.structs import replace

from controller.config.external_dns import ExternalDnsSettings, TsigKey, Zone
from controller.config.physical_networks import NONE
from controller.model.model import Model
from controller.model.rows import DnsRecord, FixedIp, FloatingIp, PublishedName, RbacPolicy, Row, Subnet, SubnetPool
from controller.publish.external_dns.wanted import WantedNames
from controller.publish.external_dns.zones import Zones
from tests.apps.clouds import network, port
from tests.world import change

ADDRESS, REVERSE, ZONE = "192.0.2.5", "5.2.0.192.in-addr.arpa.", "2.0.192.in-addr.arpa."
SETTINGS = ExternalDnsSettings(
    ("127.0.0.1", 53), TsigKey("k.", "hmac-sha256.", "c2VjcmV0"), (Zone("example.org."),), (ip_network("192.0.2.0/24"),)
)  # fmt: skip


SUBNET = Subnet(id="s4", project_id="red", network_id="red", ip_version=4, cidr="192.0.2.0/24",
                dns_publish_fixed_ip=True, subnetpool_id="pool")  # fmt: skip
POOL = SubnetPool(id="pool", project_id="ops", ip_version=4, prefixes=("192.0.2.0/24",), default_prefixlen=26,
                  min_prefixlen=24, max_prefixlen=32)  # fmt: skip
NAMED = replace(port("p", "red", 1), fixed_ips=(FixedIp("s4", ADDRESS),), dns_name="a", dns_domain="example.org.")
FLOATING = FloatingIp(id="f", project_id="blue", floating_network_id="blue", floating_port_id="q",
                      floating_ip_address=ADDRESS, dns_name="web", dns_domain="example.org.")  # fmt: skip


def shared(kind: str, object_id: str, action: str, target: str = "*") -> RbacPolicy:
    return RbacPolicy(id=object_id + target, project_id="ops", object_type=kind, object_id=object_id, action=action,
                      target=target)  # fmt: skip


POOL_FOR_ALL = shared("subnetpool", "pool", "access_as_shared")
EXTERNAL_FOR_ALL = shared("network", "blue", "access_as_external")


class Site:
    def __init__(self, *rows: Row) -> None:
        self.model = Model()
        self.wanted = WantedNames(self.model, Zones(SETTINGS), NONE)
        self.put(network("red"), SUBNET, POOL, *rows)

    def put(self, *rows: Row) -> None:
        self.wanted.changed(change(self.model, *rows))
        self.wanted.look()

    def reverse(self) -> list[str]:
        """Names that the address is to lead to; none if no PTR record is to be made, or the one there is to go."""
        return [record.value for each in self.wanted.first(ZONE, 9) for record in each.now.records]

    def forward(self) -> list[str]:
        return [each.name for each in self.wanted.first("example.org.", 9)]


@pytest.mark.parametrize("policy", [(), (shared("subnetpool", "pool", "access_as_shared", "red"),)])
def test_an_address_whose_range_a_tenant_chose_has_no_ptr(policy: tuple[Row, ...]) -> None:
    """Whoever makes a subnet chooses its addresses: those of others, too."""
    site = Site(NAMED, *policy)
    assert (site.forward(), site.reverse()) == (["a.example.org."], [])


def test_a_ptr_that_was_published_for_such_an_address_goes() -> None:
    own = (DnsRecord("PTR", "a.example.org."),)
    site = Site(NAMED, PublishedName(id=REVERSE, zone=ZONE, holder="a.example.org.", records=own, sent=True))
    assert [(each.name, each.now.records) for each in site.wanted.first(ZONE, 9)] == [(REVERSE, ())]


def test_addresses_from_a_pool_for_everybody_have_one() -> None:
    site = Site(NAMED)
    site.put(POOL_FOR_ALL, replace(POOL, revision=POOL.revision + 1))
    assert site.reverse() == ["a.example.org."]


def test_so_have_those_of_an_external_network_for_everybody_and_of_no_tenants() -> None:
    """A tenant may share its network as external with a project, and make floating IPs of any address there."""
    own = replace(network("blue"), external=True)
    site = Site(own, FLOATING, shared("network", "blue", "access_as_external", "blue"))
    assert (site.forward(), site.reverse()) == (["web.example.org."], [])
    assert Site(own, FLOATING, EXTERNAL_FOR_ALL).reverse() == ["web.example.org."]


def test_a_floating_ips_address_leads_to_no_port() -> None:
    site = Site(NAMED, POOL_FOR_ALL, network("blue"), EXTERNAL_FOR_ALL)
    assert site.reverse() == ["a.example.org."]
    site.put(replace(FLOATING, dns_name="", dns_domain=""))
    assert site.reverse() == []
    site.put(FLOATING)
    assert site.reverse() == ["web.example.org."]
    site.put(replace(FLOATING, floating_ip_address="192.0.2.6", dns_name="", dns_domain=""))
    assert site.reverse() == ["a.example.org."]
