"""Underlays other than IPv4 with an MTU of 1500: what tenants are told they may send does arrive."""

from collections.abc import Iterator

import pytest

from tests.lab.cloud import Cloud, cloud

ENCAPS = [["vxlan"], ["vxlan", "geneve"], ["geneve", "vxlan"]]
UNDERLAYS = {
    "jumbo": ({"underlay_mtu": 9000}, 9000, False, 8950),
    "IPv6": ({"underlay_ip_version": 6}, 1500, True, 1430),
}


@pytest.fixture(scope="module", params=UNDERLAYS)
def underlay(request: pytest.FixtureRequest) -> Iterator[tuple[Cloud, int]]:
    options, mtu, ipv6, tenants = UNDERLAYS[request.param]
    with cloud(ENCAPS, {"network": options}, mtu=mtu, ipv6=ipv6) as made:
        yield made, tenants


def test_packets_of_the_advertised_mtu_arrive_whole(underlay: tuple[Cloud, int]) -> None:
    made, mtu = underlay
    api = made.v2("red")
    network = api.network("net")
    api.subnet(network, "10.0.0.0/24")
    api.subnet(network, "fd00::/64")
    assert network["mtu"] == mtu
    ports = [api.port(network, f"10.0.0.{11 + number}", f"fd00::{11 + number}") for number in range(3)]
    vms = [made.start(made[number], port, mtu) for number, port in enumerate(ports)]
    for address, headers in (("10.0.0.12", 28), ("10.0.0.13", 28), ("fd00::12", 48), ("fd00::13", 48)):
        assert vms[0].reaches(address)
        assert vms[0].ping(address, size=mtu - headers, fragment=False).received == 3, address
