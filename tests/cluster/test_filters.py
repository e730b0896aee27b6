"""Security groups in a cluster: they change while members die, connections that stay allowed do not notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any, NamedTuple

import pytest

from tests.cluster.conftest import Running
from tests.cluster.site import Member
from tests.lab import Vm
from tests.lab.cloud import until
from tests.lab.talk import Listener, Talk

WAIT = {"Prefer": "wait=15"}


class Served(NamedTuple):
    running: Running
    group: dict[str, Any]
    ports: list[dict[str, Any]]
    client: Vm
    server: Vm

    @property
    def address(self) -> str:
        return str(self.ports[1]["fixed_ips"][0]["ip_address"])

    def opened(self, number: int) -> Talk:
        with closing(Listener(self.server, self.address, number)) as listener:
            return listener.accept(self.client)

    def refuses(self, number: int) -> bool:
        with closing(Listener(self.server, self.address, number)) as listener:
            return listener.refuses(self.client)

    def allow(self, by: Member, number: int) -> str:
        rule = {
            "security_group_id": self.group["id"], "project_id": "acme", "direction": "ingress", "ethertype": "IPv4",
            "protocol": "tcp", "port_range_min": number, "port_range_max": number,
        }  # fmt: skip
        reply = by.api("POST", "/v2.0/security-group-rules", {"security_group_rule": rule}, WAIT)
        assert reply.status == 201, reply.body
        return str(reply.json["security_group_rule"]["id"])

    def forbid(self, by: Member, rule: str) -> None:
        assert by.api("DELETE", f"/v2.0/security-group-rules/{rule}", headers=WAIT).status == 204

    def drops(self, member: Member) -> dict[str, Any]:
        reply = member.api("GET", f"/tenet/v1/ports/{self.ports[1]['id']}/drops")
        assert reply.status == 200, reply.body
        return reply.json["drops"]  # type: ignore[no-any-return]


@pytest.fixture
def served(running: Running) -> Iterator[Served]:
    """A client on the first hypervisor, a server on the second, whose group allows nothing in yet."""
    api = running.site.cloud.v2("acme")
    asking, group = api.group("asking"), api.group("served")
    ports = [api.port(running.network, security_groups=[each["id"]]) for each in (asking, group)]
    client, server = [running.site.cloud.start(running.site.lab[n], port) for n, port in enumerate(ports)]
    yield Served(running, group, ports, client, server)


def test_rules_change_while_masters_die(served: Served) -> None:
    running = served.running
    with ExitStack() as ends:
        served.allow(running.members[0], 443)
        lasting = ends.enter_context(closing(served.opened(443)))
        rule = served.allow(running.members[1], 80)
        cut = ends.enter_context(closing(served.opened(80)))
        assert lasting.client_says(b"x") and cut.client_says(b"x")
        master = running.site.master("hv2")
        others = running.others(master)
        master.kill()
        served.forbid(others[0], rule)
        added = served.allow(others[1], 8080)
        assert until(lambda: not served.refuses(8080))
        assert until(lambda: not cut.client_says(b"late", 2.0)) and not cut.server_says(b"late", 2.0)
        assert lasting.client_says(b"y") and lasting.server_says(b"z") and lasting.retransmitted == 0
        master.start()
        running.site.settled()
        served.forbid(master, added)
        assert served.refuses(8080)
        assert lasting.server_says(b"still") and lasting.retransmitted == 0


def test_any_member_tells_counts_and_the_master_the_last_drops(served: Served) -> None:
    running = served.running
    assert served.refuses(22)
    master = running.site.master("hv2")
    assert until(lambda: served.drops(master)["last"])
    for member in running.members:
        found = until(lambda member=member: (said := served.drops(member))["counters"]["ingress"]["dropped"] and said)
        assert found["master"] == master.name
        assert (found["last"] is None) == (member is not master)
