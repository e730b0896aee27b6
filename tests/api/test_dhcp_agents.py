"""Hosts as agents of DHCP over HTTP: which hosts, for whom, and what is refused."""

from __future__ import annotations

from pathlib import Path

from controller.model.rows import Interface, Switch
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import transact

from .tenants import Cloud


def test_hosts_with_ports_are_the_agents_of_a_network(tmp_path: Path, store: Store, replica: Replica) -> None:
    cloud = Cloud(tmp_path, store, replica)
    red, operator = cloud.person("red", "member"), cloud.person("ops", "admin")
    network, other = (red.made("network")["id"] for _ in range(2))
    subnet = red.made("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")["id"]
    port = red.made("port", network_id=network)["id"]
    red.made("port", network_id=other)
    hosts = [Switch(id=f"s{n}", number=n, dpid=n, host=f"h{n}") for n in (1, 2)]
    plugged = Interface(switch_id="s2", name="tap", vif=port, ofport=1)
    transact(store, replica, lambda tx: [tx.put(each) for each in (*hosts, plugged)])

    path = f"/v2.0/networks/{network}/dhcp-agents"
    agents = operator.call("GET", path).json["agents"]
    assert [(each["host"], each["agent_type"]) for each in agents] == [("h2", "DHCP agent")]
    assert operator.call("GET", f"/v2.0/networks/{other}/dhcp-agents").json == {"agents": []}
    (listed,) = operator.call("GET", "/v2.0/agents/s2/dhcp-networks").json["networks"]
    assert listed["id"] == network
    assert operator.call("GET", "/v2.0/agents/s1/dhcp-networks").json == {"networks": []}
    assert red.call("GET", path).error == (403, "PolicyNotAuthorized")
    assert red.call("GET", "/v2.0/agents/s2/dhcp-networks").error == (404, "AgentNotFound")
    body = {"network_id": network}
    assigned = operator.call("POST", "/v2.0/agents/s1/dhcp-networks", body)
    taken = operator.call("DELETE", f"/v2.0/agents/s2/dhcp-networks/{network}")
    assert [each.error for each in (assigned, taken)] == [(409, "NetworkHostedByDHCPAgent")] * 2

    assert red.call("PUT", f"/v2.0/subnets/{subnet}", {"subnet": {"enable_dhcp": False}}).status == 200
    assert operator.call("GET", path).json == {"agents": []}
    assert operator.call("GET", "/v2.0/agents/s2/dhcp-networks").json == {"networks": []}
