"""What operators are told is the same at every member; and which member is ready."""

from __future__ import annotations

from typing import Any

from tests.cluster.conftest import Running
from tests.cluster.engine import ETCD
from tests.cluster.site import Member
from tests.lab.cloud import until

OF_THE_MASTER = {
    "connected_since",
    "address",
    "flows_refused",
    "last_applied",
    "connections_full",
}  # the others do not know these


def shown(member: Member, switch: str) -> dict[str, Any]:
    found = member.api("GET", f"/tenet/v1/switches/{switch}").json["switch"]
    return {name: value for name, value in found.items() if name not in OF_THE_MASTER}


def ready(member: Member) -> tuple[int, Any]:
    reply = member.api("GET", "/readyz", timeout=10.0)
    return reply.status, reply.json


def test_every_member_tells_the_same_of_a_switch_and_its_flows(running: Running) -> None:
    for hypervisor in running.site.lab:
        name = hypervisor.system_id
        master = running.site.master(name)
        path = f"/tenet/v1/switches/{name}/flows"
        flows = master.api("GET", path).json["flows"]
        assert len(flows) > 20 and all(flow["installed"] for flow in flows)
        assert shown(master, name)["flows_wanted"] == shown(master, name)["flows_installed"] == len(flows)
        for other in running.others(master):
            assert until(lambda: shown(other, name) == shown(master, name), 2.0)  # noqa: B023
            assert shown(other, name)["master"] == master.name and shown(other, name)["in_step"]
            assert other.api("GET", path).json["flows"] == flows
            (listed,) = [one for one in other.api("GET", "/tenet/v1/switches").json["switches"] if one["id"] == name]
            assert listed["connected"] and listed["master"] == master.name


def test_what_becomes_of_a_frame_is_told_across_the_masters(running: Running) -> None:
    ends = "&".join(f"{name}={port['id']}" for name, port in zip(("from", "to"), running.ports, strict=True))
    for member in running.members:
        trace = member.api("GET", f"/tenet/v1/trace?{ends}").json["trace"]
        assert [frame["arrives"] or frame["answered"] for frame in trace["frames"]] == [True, True]
        assert all(step["installed"] for frame in trace["frames"] for hop in frame["hops"] for step in hop["tables"]
                   if step["flow"])  # fmt: skip
        assert member.api("GET", "/tenet/v1/unreachable").json["unreachable"] == []


def test_a_member_that_drains_or_has_lost_its_lease_is_not_ready(running: Running) -> None:
    one, other, _ = running.members
    assert [ready(member) for member in running.members] == [(200, {"status": "ok"})] * 3
    other.api("POST", f"/tenet/v1/cluster/members/{one.name}/drain")
    assert until(lambda: ready(one) == (503, {"status": "unready", "reason": "this member drains"}), 3.0)
    other.api("DELETE", f"/tenet/v1/cluster/members/{one.name}/drain")
    assert until(lambda: ready(one)[0] == 200, 3.0)
    one.machine.cut(ETCD)
    try:
        lost = {"status": "unready", "reason": "this member's lease is not held"}
        assert until(lambda: ready(one) == (503, lost), 10.0)
        assert one.api("GET", "/healthz").status == 200
        assert ready(other)[0] == 200
    finally:
        one.machine.heal(ETCD)
    assert until(lambda: ready(one)[0] == 200, 10.0)
