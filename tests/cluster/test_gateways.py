"""Gateways of routers that move while members of the cluster die: real etcd, real Open vSwitch, real traffic."""

from __future__ import annotations

from typing import Any

from controller.gateways.moves import LEAVING, QUIET, SETTLING
from tests.cluster.conftest import Running
from tests.cluster.site import LEASE, Member
from tests.lab import Vm
from tests.lab.cloud import until

GATEWAYS = "/tenet/v1/gateways"
IN_FLIGHT = 2  # answers of a station on a gateway's own host that meet it as it turns; see decision 182


def gateways(member: Member) -> dict[str, dict[str, Any]]:
    return {one["switch"]: one for one in member.api("GET", GATEWAYS).json["gateways"]}


def routed(running: Running) -> Vm:
    """A router from the VMs' network to a tunnelled external one, by either hypervisor; a station there."""
    v2 = running.site.cloud.v2("acme")
    for hypervisor in running.site.lab:
        assert running.members[0].api("POST", f"{GATEWAYS}/{hypervisor.system_id}/designation").status == 200
    outside = v2.network("outside", **{"router:external": True})
    v2.subnet(outside, "203.0.113.0/24", allocation_pools=[{"start": "203.0.113.2", "end": "203.0.113.99"}])
    router = v2.router("r")
    inside = v2.port(running.network)
    v2.interface(router, port_id=inside["id"])
    v2.update("router", router["id"], external_gateway_info={"network_id": outside["id"]})
    station = v2.port(outside, "203.0.113.200", device_owner="network:tests")
    running.one.exec("ip", "route", "add", "203.0.113.0/24", "via", inside["fixed_ips"][0]["ip_address"])
    return running.site.cloud.start(running.site.lab[1], station)


def test_a_drain_goes_on_when_the_member_that_writes_its_steps_dies(running: Running) -> None:
    routed(running)
    assert running.one.reaches("203.0.113.200")
    assert until(lambda: sum(one["routers_standby"] for one in gateways(running.members[0]).values()) == 1)
    active = next(name for name, one in gateways(running.members[0]).items() if one["routers_active"])
    (standby,) = {hypervisor.system_id for hypervisor in running.site.lab} - {active}
    writer = running.site.master(standby)
    other = running.others(writer)[0]
    pings = running.one.pinging("203.0.113.200")
    assert until(lambda: len(pings.answered()) > 50)
    assert other.api("POST", f"{GATEWAYS}/{active}/drain").status == 200
    assert until(lambda: gateways(other)[active]["routers_leaving"] == 1)
    writer.kill()
    within = QUIET + SETTLING + LEAVING + 10 * LEASE
    assert until(lambda: gateways(other)[active]["routers_leaving"] == 0, within)
    assert gateways(other)[standby]["routers_active"] == 1
    assert len(pings.stop()) <= IN_FLIGHT
    assert other.api("DELETE", f"{GATEWAYS}/{active}/drain").status == 200
