"""etcd at its space quota: it refuses what is written, and all else goes on; then it is given space again."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tests.cluster.pinging import Pinging, pinging
from tests.cluster.site import LEASE, Member, Site, messages
from tests.lab.cloud import until

QUOTA = 8_000_000  # bytes


@pytest.fixture(scope="module")
def small() -> Iterator[Pinging]:
    with pinging(etcd=["--quota-backend-bytes", str(QUOTA)]) as made:
        yield made


def fill(site: Site) -> None:
    """Somebody writes to the same etcd until it takes no more."""
    key = base64.b64encode(b"somebody's").decode()
    value = base64.b64encode(bytes(500_000)).decode()
    for _ in range(100):
        if "error" in site.etcd.call("kv/put", {"key": key, "value": value}):
            return
    raise AssertionError("etcd has no quota")


def make_room(site: Site) -> None:
    """What docs/operations.md tells an operator to do."""
    call = site.etcd.call
    revision = call("maintenance/status", {})["header"]["revision"]
    call("kv/compaction", {"revision": revision, "physical": True})
    call("maintenance/defragment", {})
    for alarm in call("maintenance/alarm", {})["alarms"]:
        call("maintenance/alarm", {"action": "DEACTIVATE", "memberID": alarm["memberID"], "alarm": "NOSPACE"})


def create(small: Pinging, member: Member, name: str) -> int:
    body = {"port": {"network_id": small.network["id"], "project_id": "acme", "name": name}}
    reply = member.api("POST", "/v2.0/ports", body)
    if reply.status == 503:
        assert reply.headers.get("retry-after")
    return reply.status


def test_etcd_at_its_quota_and_after_it(small: Pinging) -> None:
    site = small.site
    members = site.members
    traffic = small.one.pinging(small.address)
    lapses = {member.name: member.metric("tenet_cluster_lapses_total") for member in members}
    acknowledged = [f"before{n}" for n, member in enumerate(members) if create(small, member, f"before{n}") == 201]
    assert len(acknowledged) == 3 and all(member.metric("tenet_store_full") == 0 for member in members)
    fill(site)

    # writes are refused, reads and leases go on
    statuses = [create(small, member, f"full{n}") for n, member in enumerate(members)]
    assert statuses == [503] * 3
    assert until(lambda: all(member.metric("tenet_store_full") == 1 for member in members), 15.0)
    assert all(member.metric("tenet_store_bytes") > QUOTA / 2 for member in members)
    assert all(member.text().count("etcd is at its space quota (") == 1 for member in members)
    for member in members:
        assert {port["name"] for port in member.api("GET", "/v2.0/ports").json["ports"]} >= set(acknowledged)
    assert all(member.cluster()["writing"] for member in members)

    # a member dies now: its lease ends, the others have its switches and put right what is not
    master = site.master("hv1")
    others = [member for member in members if member is not master]
    flows, sent = site.lab[0].flows(), messages(others)
    master.kill()
    site.lab[0].ofctl("add-flow", "table=80,priority=1,udp,actions=drop")
    assert until(lambda: sum(member.metric("tenet_cluster_held") for member in others) == 2, LEASE + 5)
    assert until(lambda: site.lab[0].flows() == flows)
    assert messages(others) == sent + 1
    master.start()  # it serves, and is no member until its rows can be written
    assert create(small, master, "again") == 503 and not master.cluster()["writing"]

    make_room(site)
    assert until(lambda: all(member.metric("tenet_store_full") == 0 for member in members), 15.0)
    site.settled()
    acknowledged += [f"after{n}" for n, member in enumerate(members) if create(small, member, f"after{n}") == 201]
    assert len(acknowledged) == 6
    site.use(members[0])
    ports = site.cloud.v2("acme").list("port")
    assert sorted(port["name"] for port in ports if port["name"]) == sorted(acknowledged)
    addresses = [fixed["ip_address"] for port in ports for fixed in port["fixed_ips"]]
    assert len(set(addresses)) == len(addresses)
    assert all(each.metric("tenet_cluster_lapses_total") == lapses[each.name] for each in others)
    assert traffic.stop() == []
    site.right()
