"""Leases in a cluster: any member answers as any other would, and without one VMs go on."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

from tests.cluster.conftest import Running
from tests.cluster.site import LEASE
from tests.lab import Vm
from tests.lab.cloud import until
from tests.lab.dhcp import ACK, OFFER, Client
from tests.lab.guest import CLIENTS, Guest

AGAIN = 0.5  # seconds after which the client asks again


def booting(running: Running) -> tuple[Vm, dict[str, Any]]:
    """A VM on the first hypervisor, without an address yet."""
    cloud = running.site.cloud
    port = cloud.v2("acme").port(running.network)
    return cloud.start(running.site.lab[0], {**port, "fixed_ips": []}), port


def test_a_member_dies_between_offer_and_request(running: Running) -> None:
    vm, port = booting(running)
    master = running.site.master("hv1")
    with closing(Client(vm.namespace, vm.mac)) as client:
        offer, _ = client.discover()
        assert offer is not None and offer.kind == OFFER
        master.kill()
        began = time.monotonic()
        told = until(lambda: client.request(offer, AGAIN)[0], LEASE + 10, 0.0)
        took = time.monotonic() - began
        assert told is not None and told.kind == ACK, took
        assert told.address == offer.address == port["fixed_ips"][0]["ip_address"]
        # all that was offered is acknowledged by who has never seen the offer
        assert told.options == offer.options | {53: bytes((ACK,))}
        assert running.site.master("hv1", running.others(master)) is not master


def test_vms_with_leases_go_on_while_every_member_is_dead(running: Running) -> None:
    vm, port = booting(running)
    guest = Guest(vm)
    CLIENTS["dhclient"](guest)
    try:
        assert until(guest.addresses, 20.0) == [f"{port['fixed_ips'][0]['ip_address']}/24"]
        assert vm.reaches(running.address)
        for member in running.members:
            member.kill()
        pings = vm.pinging(running.address, 0.02)
        time.sleep(3.0)
        assert pings.stop() == []
        assert guest.addresses() and guest.lifetime() > 86_000
        fresh = running.site.lab[0]
        assert fresh.flows()  # none is forgotten for want of a controller
        with closing(Client(vm.namespace, vm.mac)) as client:
            assert client.discover(within=0.5)[0] is None
            for member in running.members:
                member.start()
            assert until(lambda: client.discover(within=AGAIN)[0], 60.0, 0.0)
    finally:
        guest.shut_down()
