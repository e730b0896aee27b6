"""A restore that takes several commits, while members run: nobody sees half of it on a switch, or writes into it."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tests.cluster.conftest import Running
from tests.cluster.site import Member, messages
from tests.lab.cloud import until
from tests.lab.netns import inside, run

TENET = str(Path(sys.executable).with_name("tenet"))
BULK, BULKS = 1_000, 3


def store(running: Running, *arguments: str) -> str:
    lab = running.site.lab
    return run(inside(lab.namespace, [TENET, "store", *arguments, "--url", running.site.etcd.url]), timeout=120)


def fill(running: Running) -> None:
    """More ports than etcd takes in one transaction."""
    project = running.site.cloud.v2("acme")
    network = project.network("large")
    project.subnet(network, "10.2.0.0/16")
    port = {"network_id": network["id"], "project_id": "acme", "device_owner": "network:tests"}  # in no security group
    for _ in range(BULKS):
        reply = running.members[0].api("POST", "/v2.0/ports", {"ports": [port] * BULK}, timeout=120)
        assert reply.status == 201, reply.body[:500]


class Writer:
    """Creates ports on and on, at one member after the other."""

    def __init__(self, running: Running) -> None:
        self.made: list[str] = []
        self.refused = 0
        self.wrong: list[int] = []
        self._running = running
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        number = 0
        while not self._stop.wait(0.02):
            number += 1
            # of a service: no security group, so that a port that is plugged in nowhere has no flow anywhere
            of_service = {"project_id": "acme", "device_owner": "network:tests"}
            body = {"port": {"network_id": self._running.network["id"], "name": f"w{number}", **of_service}}
            reply = self._running.members[number % 3].api("POST", "/v2.0/ports", body)
            if reply.status == 201:
                self.made.append(f"w{number}")
            elif reply.status == 503:
                self.refused += 1
            else:
                self.wrong.append(reply.status)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def names(member: Member) -> set[str]:
    return {port["name"] for port in member.api("GET", "/v2.0/ports?fields=name").json["ports"]} - {""}


def test_a_large_restore_under_way_and_done(running: Running, tmp_path: Path) -> None:
    site, members = running.site, running.members
    file = str(tmp_path / "backup")
    site.cloud.v2("acme").port(running.network, name="kept")
    flows = [hypervisor.flows() for hypervisor in site.lab]
    store(running, "backup", file)
    late = site.cloud.v2("acme").port(running.network, name="late")
    site.cloud.start(site.lab[0], late)
    fill(running)
    site.settled(40.0)
    traffic, sent = running.one.pinging(running.address), messages(members)
    writer = Writer(running)
    assert "rows written or deleted" in store(running, "restore", file, "--replace")
    assert until(lambda: not any(member.cluster()["frozen"] for member in members))
    refused = writer.refused
    assert until(lambda: bool(names(members[0]) & set(writer.made)), 15.0)
    writer.stop()
    assert all("the store is being restored" in member.text() for member in members)
    assert refused > 0 and writer.wrong == []

    # each switch goes from what it held to what the backup says, once: the late port's flows go
    site.settled(40.0)
    assert until(lambda: [hypervisor.flows() for hypervisor in site.lab] == flows, 15.0)
    assert 0 < messages(members) - sent < 100
    assert traffic.stop() == []
    site.right()
    # what was acknowledged before the restore began is gone with all that came after the backup, nothing else is
    for member in members:
        there = names(member)
        assert "kept" in there and "late" not in there
        made = [name in there for name in writer.made]
        assert made == sorted(made) and made[-1]


def test_a_restore_that_was_left_half_done_is_finished(running: Running, tmp_path: Path) -> None:
    site, members = running.site, running.members
    file = str(tmp_path / "backup")
    store(running, "backup", file)
    traffic, sent = running.one.pinging(running.address), messages(members)
    site.etcd.put("/tenet/rows/taken/store/restoring", b"")
    assert until(lambda: all(member.cluster()["frozen"] == "the store is being restored" for member in members))
    body = {"port": {"network_id": running.network["id"], "project_id": "acme"}}
    for member in members:
        reply = member.api("POST", "/v2.0/ports", body)
        assert reply.status == 503 and reply.headers.get("retry-after")
        assert member.api("POST", "/tenet/v1/cluster/accept-empty").status == 204
        assert member.cluster()["frozen"]
    store(running, "restore", file)
    site.settled()
    assert messages(members) == sent
    assert {member.api("POST", "/v2.0/ports", body).status for member in members} == {201}
    assert traffic.stop() == []
