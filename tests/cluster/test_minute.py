"""A minute without etcd, and a minute without any member, on two sites side by side; clients try on and on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from tests.cluster.site import Site, messages, site
from tests.lab import Vm, leftovers
from tests.lab.cloud import until
from tests.lab.vm import Pinging

MINUTE = 60.0
PATIENCE = 60.0  # seconds beyond it that a client tries on
CLIENTS = 6


class Place(NamedTuple):
    """A site with two VMs that ping each other, and a third whose port clients switch off."""

    site: Site
    network: dict[str, Any]
    one: Vm
    spare: dict[str, Any]

    def flows(self) -> list[list[str]]:
        return [hypervisor.flows() for hypervisor in self.site.lab]

    def pinging(self) -> Pinging:
        return self.one.pinging("10.0.0.2")


@pytest.fixture(scope="module")
def places() -> Iterator[list[Place]]:
    with ExitStack() as stack:
        made = [place(stack.enter_context(site(2, 3, {"openflow": {"echo_interval": 1.0}}))) for _ in range(2)]
        yield made
    assert leftovers() == []


def place(made: Site) -> Place:
    project = made.cloud.v2("acme")
    network = project.network()
    project.subnet(network, "10.0.0.0/24")
    ports = [project.port(network, f"10.0.0.{number}") for number in (1, 2, 3)]
    one, _, _ = (made.cloud.start(made.lab[n % 2], port) for n, port in enumerate(ports))
    assert one.reaches("10.0.0.2")
    made.settled()
    return Place(made, network, one, ports[2])


class Client:
    """Asks for one thing until it is done: what it was answered, in order; 0 is no answer."""

    def __init__(self, at: Place, number: int) -> None:
        self.answers: list[int] = []
        self.retry_after = True
        self._at = at
        self._number = number
        self._until = time.monotonic() + MINUTE + PATIENCE

    def run(self) -> bool:
        while time.monotonic() < self._until:
            status = self._try()
            self.answers.append(status)
            if status in (200, 201, 409):  # 409: its address is taken, for it was told 503 and the port was made
                return True
            time.sleep(0.5)
        return False

    def _try(self) -> int:
        member = self._at.site.members[self._number % 3]
        port: dict[str, object] = {"network_id": self._at.network["id"], "project_id": "acme"}
        port["device_owner"] = "network:tests"  # no security group: it has no flow while it is plugged in nowhere
        port |= {"name": f"queued{self._number}", "fixed_ips": [{"ip_address": f"10.0.0.{100 + self._number}"}]}
        try:
            if self._number:
                reply = member.api("POST", "/v2.0/ports", {"port": port})
            else:
                reply = member.api("PUT", f"/v2.0/ports/{self._at.spare['id']}", {"port": {"admin_state_up": False}})
        except OSError:
            return 0
        if reply.status == 503:
            self.retry_after &= "retry-after" in reply.headers
        return reply.status


def start(pool: ThreadPoolExecutor, at: Place) -> tuple[list[Client], list[Future[bool]]]:
    clients = [Client(at, number) for number in range(CLIENTS)]
    return clients, [pool.submit(client.run) for client in clients]


def done(at: Place, clients: list[Client], ended: list[Future[bool]], sent: float) -> None:
    """All is made, once, and reaches the switches; nothing else was sent to them."""
    assert all(each.result() for each in ended)
    at.site.settled(40.0)
    ports = at.site.cloud.v2("acme").list("port")
    names = sorted(port["name"] for port in ports if port["name"])
    assert names == [f"queued{number}" for number in range(1, CLIENTS)]
    addresses = [fixed["ip_address"] for port in ports for fixed in port["fixed_ips"]]
    assert len(set(addresses)) == len(addresses)
    assert at.site.cloud.v2("acme").status(at.spare, "DOWN") == "DOWN"
    # the flows of the port that was switched off: some 21 on its switch, 3 on each other
    assert until(lambda: 0 < messages(at.site.members) - sent < 40)
    at.site.right()


def test_a_minute(places: list[Place]) -> None:
    headless, storeless = places
    traffic = [at.pinging() for at in places]
    before = [at.flows() for at in places]
    sent = messages(storeless.site.members)
    storeless.site.etcd.kill()
    for member in headless.site.members:
        member.kill()  # so that those that come are new, and compile from nothing
    began = time.monotonic()
    with ThreadPoolExecutor(2 * CLIENTS) as pool:
        queued, tried = start(pool, headless), start(pool, storeless)
        while time.monotonic() < began + MINUTE:
            assert all(member.api("GET", "/v2.0/ports").status == 200 for member in storeless.site.members)
            time.sleep(2)
        assert [at.flows() for at in places] == before
        assert not any(member.cluster()["writing"] for member in storeless.site.members)
        storeless.site.etcd.start()
        for member in headless.site.members:
            member.start()
        done(headless, *queued, 0)
        done(storeless, *tried, sent)
    assert all(set(client.answers[:-1]) == {0} for client in queued[0])
    for client in tried[0]:
        assert set(client.answers[:-1]) == {503} and len(client.answers) > 5 and client.retry_after
    assert [each.stop() for each in traffic] == [[], []]
