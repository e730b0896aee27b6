"""Whose name the PTR record of an address leads to."""

from __future__ import annotations

from ipaddress import ip_network

from msgspec.structs import replace

from controller.config.external_dns import ExternalDnsSettings, TsigKey, Zone
from controller.config.physical_networks import NONE
from controller.model.model import Model
from controller.model.rows import DnsRecord, FixedIp, FloatingIp, PublishedName, Subnet
from controller.publish.external_dns.wanted import WantedNames
from controller.publish.external_dns.zones import Zones
from tests.apps.clouds import network, port
from tests.world import change

ADDRESS, REVERSE, ZONE = "192.0.2.5", "5.2.0.192.in-addr.arpa.", "2.0.192.in-addr.arpa."
SETTINGS = ExternalDnsSettings(
    ("127.0.0.1", 53), TsigKey("k.", "hmac-sha256.", "c2VjcmV0"), (Zone("example.org."),), (ip_network("192.0.2.0/24"),)
)  # fmt: skip


def test_a_floating_ips_name_counts_before_that_of_a_port_in_a_tenants_own_subnet() -> None:
    """Whoever makes a subnet chooses its addresses: those of others' floating IPs, too."""
    model = Model()
    wanted = WantedNames(model, Zones(SETTINGS), NONE)
    subnet = Subnet(id="s4", project_id="red", network_id="red", ip_version=4, cidr="192.0.2.0/24",
                    dns_publish_fixed_ip=True)  # fmt: skip
    claim = replace(port("p", "red", 1), fixed_ips=(FixedIp("s4", ADDRESS),), dns_name="a", dns_domain="example.org.")
    own = PublishedName(id=REVERSE, zone=ZONE, holder="a.example.org.", records=(DnsRecord("PTR", "a.example.org."),),
                        sent=True)  # fmt: skip
    wanted.changed(change(model, network("red"), subnet, claim, own))
    wanted.look()
    assert wanted.first(ZONE, 9) == [], "nobody else has a name for it: the port's stays"
    floating = FloatingIp(id="f", project_id="blue", floating_network_id="out", floating_port_id="q",
                          floating_ip_address=ADDRESS, dns_name="web", dns_domain="example.org.")  # fmt: skip
    wanted.changed(change(model, floating))
    wanted.look()
    (found,) = wanted.first(ZONE, 9)
    assert (found.name, found.now.records) == (REVERSE, (DnsRecord("PTR", "web.example.org."),))
