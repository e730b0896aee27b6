"""VMs on real switches, of networks with a relay: a real client gets its address from a real Kea through Tenet."""

from __future__ import annotations

from pathlib import Path

from tests.lab import Lab, leftovers
from tests.lab.cloud import cloud, until
from tests.lab.dhcp import ACK, Client
from tests.lab.guest import CLIENTS, Guest
from tests.lab.netns import ip

from .kea import kea

KEA = "192.0.2.67"
OPTIONS = {"services": {"dhcp_relay_address": Lab.controller_address}}
PATIENCE = 20.0  # seconds


def test_a_vm_is_answered_by_the_operators_server(tmp_path: Path) -> None:
    with cloud([["vxlan"]], OPTIONS) as made:
        ip([f"addr add {KEA}/24 dev underlay"], made.lab.namespace)
        v2 = made.v2("red")
        network = v2.network("n", **{"tenet:dhcp_relay": [KEA]})
        v2.subnet(network, "10.0.0.0/24")
        ports = [v2.port(network) for _ in range(2)]
        fixed = [str(port["fixed_ips"][0]["ip_address"]) for port in ports]
        reserved = [
            {"circuit-id": f"'{port['id']}'", "ip-address": address}
            for port, address in zip(ports, fixed, strict=True)
        ]  # fmt: skip
        subnets = [{"id": 1, "subnet": "10.0.0.0/24", "valid-lifetime": 777, "reservations": reserved}]
        vms = [made.start(made[0], {**port, "fixed_ips": []}) for port in ports]
        client = Client(vms[0].namespace, ports[0]["mac_address"])
        with kea(tmp_path, made.lab.namespace, 4, subnets, f"underlay/{KEA}"):
            lease = client.lease(10.0)
            assert (lease.kind, lease.address, lease.server, lease.lease) == (ACK, fixed[0], KEA, 777)
            guest = Guest(vms[1])
            CLIENTS["dhclient"](guest)
            assert until(guest.addresses, PATIENCE) == [f"{fixed[1]}/24"], guest.said()
            guest.shut_down()
        found, _ = client.discover(within=6.0)  # the server is gone, and nobody answers for it
        assert found is None
        client.close()
        told = made.controller.text()
        assert "Traceback" not in told
    assert leftovers() == []
