"""Members that die, stop and are cut off: real etcd, real Open vSwitch, real traffic."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.cluster.conftest import Running
from tests.cluster.engine import ETCD
from tests.cluster.site import LEASE, Member, messages
from tests.lab.cloud import until

WAIT = {"Prefer": "wait=15"}


def rename(member: Member, port: dict[str, Any], up: bool) -> float:
    """A change that must reach the switch, through a member: seconds until it says that it is there."""
    began = time.monotonic()
    reply = member.api("PUT", f"/v2.0/ports/{port['id']}", {"port": {"admin_state_up": up}}, WAIT)
    assert reply.status == 200, reply.body
    assert reply.json["port"]["status"] == ("ACTIVE" if up else "DOWN")
    return time.monotonic() - began


def status(member: Member, port: dict[str, Any]) -> str:
    return str(member.api("GET", f"/v2.0/ports/{port['id']}").json["port"]["status"])


def spare(running: Running) -> dict[str, Any]:
    """A port with a VM that nobody pings, to be switched off and on."""
    cloud = running.site.cloud
    port = cloud.v2("acme").port(running.network)
    cloud.start(running.site.lab[0], port)
    return port


def test_statuses_are_the_same_at_every_member(running: Running) -> None:
    port = spare(running)
    for member in running.members:
        assert rename(member, port, False) < 2
        assert rename(member, port, True) < 2
        for other in running.members:
            assert until(lambda other=other: status(other, port) == "ACTIVE", 1.0)


def test_the_master_is_killed(running: Running) -> None:
    port = spare(running)
    master = running.site.master("hv1")
    others = running.others(master)
    traffic, sent = running.one.pinging(running.address), messages(others)
    master.kill()
    assert rename(others[0], port, False) < LEASE + 1
    running.site.master("hv1", others)
    assert until(lambda: messages(others) > sent)
    assert messages(others) - sent < 40  # the flows of the port and of its filter: the take-over itself sent none
    assert rename(others[1], port, True) < 1
    assert traffic.stop() == []


def test_a_master_that_was_stopped_writes_nothing_when_it_goes_on(running: Running) -> None:
    port = spare(running)
    master = running.site.master("hv1")
    others = running.others(master)
    traffic, sent = running.one.pinging(running.address), master.metric("tenet_flow_messages_total")
    master.pause()
    assert rename(others[0], port, False) < LEASE + 1
    time.sleep(30 - LEASE)
    assert rename(others[0], port, True) < 1
    flows = [hypervisor.flows() for hypervisor in running.site.lab]
    master.go_on()
    running.site.settled()
    assert master.metric("tenet_flow_messages_total") == sent
    assert [hypervisor.flows() for hypervisor in running.site.lab] == flows
    assert traffic.stop() == []


def test_a_member_is_cut_off_from_etcd(running: Running) -> None:
    port = spare(running)
    master = running.site.master("hv1")
    others = running.others(master)
    traffic = running.one.pinging(running.address)
    master.machine.cut(ETCD)
    try:
        assert rename(others[0], port, False) < LEASE + 1
        assert master.api("GET", f"/v2.0/ports/{port['id']}").status == 200
        assert not master.cluster()["writing"]
        refused = master.api("PUT", f"/v2.0/ports/{port['id']}", {"port": {"name": "x"}})
        assert refused.status == 503 and refused.headers.get("retry-after")
    finally:
        master.machine.heal(ETCD)
    assert rename(others[0], port, True) < 2
    running.site.settled()
    assert traffic.stop() == []


def test_a_member_is_cut_off_from_the_switches(running: Running) -> None:
    port = spare(running)
    master = running.site.master("hv1")
    traffic = running.one.pinging(running.address)
    addresses = [hypervisor.address for hypervisor in running.site.lab]
    master.machine.cut(*addresses)
    try:
        other = running.others(master)[0]
        assert until(lambda: running.site._holds(master, "hv1") is False, 15.0)
        assert rename(other, port, False) < 15
        reached = {each["id"]: each["reached_by"] for each in other.cluster()["switches"]}
        assert master.name not in reached["hv1"]
        # the API goes on at the member that reaches no switch
        assert rename(master, port, True) < 3
    finally:
        master.machine.heal(*addresses)
    running.site.settled(40.0)
    assert traffic.stop() == []


def test_members_that_do_not_see_each_other_need_not(running: Running) -> None:
    port = spare(running)
    one, *others = running.members
    one.machine.cut(*(other.address for other in others))
    try:
        time.sleep(LEASE + 1)
        assert [each["present"] for each in one.cluster()["members"]] == [True] * 3
        for number, member in enumerate(running.members):
            rename(member, port, bool(number % 2))
    finally:
        one.machine.heal(*(other.address for other in others))
    rename(one, port, True)


def test_all_members_are_down_for_a_while(running: Running) -> None:
    port = spare(running)
    traffic = running.one.pinging(running.address)
    for member in running.members:
        member.kill()
    flows = [hypervisor.flows() for hypervisor in running.site.lab]

    def client(number: int) -> bool:
        """Tries a write until it is taken."""
        member = running.members[number % 3]
        body = {"port": {"network_id": running.network["id"], "project_id": "acme", "name": f"queued{number}"}}
        for _ in range(200):
            try:
                if member.api("POST", "/v2.0/ports", body).status == 201:
                    return True
            except OSError:
                time.sleep(0.1)
        return False

    with ThreadPoolExecutor(4) as pool:
        queued = [pool.submit(client, number) for number in range(6)]
        time.sleep(5)
        assert [hypervisor.flows() for hypervisor in running.site.lab] == flows
        for member in running.members:
            member.start()
        assert all(each.result() for each in queued)
    running.site.settled()
    names = [each["name"] for each in running.site.cloud.v2("acme").list("port")]
    assert sorted(name for name in names if name.startswith("queued")) == [f"queued{n}" for n in range(6)]
    rename(running.members[0], port, False)
    rename(running.members[1], port, True)
    assert traffic.stop() == []


def test_two_members_are_given_conflicting_writes(running: Running) -> None:
    network = running.site.cloud.v2("acme").network()
    running.site.cloud.v2("acme").subnet(network, "10.1.0.0/24")

    def create(member: Member, address: str) -> int:
        body = {"port": {"network_id": network["id"], "project_id": "acme",
                         "fixed_ips": [{"ip_address": address}]}}  # fmt: skip
        return member.api("POST", "/v2.0/ports", body).status

    with ThreadPoolExecutor(3) as pool:
        for number in range(200, 220):
            statuses = list(pool.map(lambda member, n=number: create(member, f"10.1.0.{n}"), running.members))
            assert sorted(statuses) == [201, 409, 409], statuses


def test_a_rolling_restart_sends_no_flow(running: Running) -> None:
    traffic = running.one.pinging(running.address)
    for member in running.members:
        assert member.stop() == 0
        member.start()
        assert member.metric("tenet_flow_messages_total") == 0
        running.site.settled()
    assert messages(running.members) == 0
    assert traffic.stop() == []


def test_draining_hands_over_at_once(running: Running) -> None:
    master = running.site.master("hv1")
    others = running.others(master)
    traffic, sent = running.one.pinging(running.address), messages(running.members)
    assert others[0].api("POST", f"/tenet/v1/cluster/members/{master.name}/drain").status == 200
    assert until(lambda: not master.held(), 1.0)
    running.site.settled()
    assert messages(running.members) == sent
    assert others[0].api("DELETE", f"/tenet/v1/cluster/members/{master.name}/drain").status == 200
    assert until(lambda: "hv1" in master.held(), 1.0)
    assert traffic.stop() == []
    assert others[0].api("DELETE", f"/tenet/v1/cluster/members/{master.name}").status == 409
    assert others[0].api("POST", "/tenet/v1/cluster/members/nobody/drain").status == 404


def test_etcd_is_down_for_a_while(running: Running) -> None:
    port = spare(running)
    traffic = running.one.pinging(running.address)
    etcd, sent = running.site.etcd, messages(running.members)
    etcd.kill()
    time.sleep(LEASE + 2)
    for member in running.members:
        assert member.api("GET", "/v2.0/ports").status == 200
        assert not member.cluster()["writing"]
    etcd.start()
    running.site.settled(40.0)
    assert messages(running.members) == sent
    assert rename(running.members[0], port, False) < 10
    assert rename(running.members[1], port, True) < 5
    assert traffic.stop() == []


def test_a_store_that_was_emptied_tears_nothing_down(running: Running) -> None:
    flows = [hypervisor.flows() for hypervisor in running.site.lab]
    traffic = running.one.pinging(running.address)
    running.site.etcd.empty()
    assert until(lambda: all(member.cluster()["frozen"] for member in running.members))
    time.sleep(LEASE + 2)
    assert [hypervisor.flows() for hypervisor in running.site.lab] == flows
    # nor does a member that starts on what is left
    running.members[0].restart()
    time.sleep(LEASE + 2)
    assert [hypervisor.flows() for hypervisor in running.site.lab] == flows
    assert traffic.stop() == []
    for member in running.members:
        assert member.api("POST", "/tenet/v1/cluster/accept-empty").status == 204
    running.site.settled()
    assert until(lambda: all(len(hypervisor.flows()) < len(flows[0]) for hypervisor in running.site.lab), 15.0)
