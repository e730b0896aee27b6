"""A store that an earlier release wrote opens, and all of its objects are what they were."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from controller.model.model import Model
from controller.model.rows import FixedIp, Network, Port, Subnet
from controller.store import open_store
from controller.store.replica import Replica
from controller.store.transaction import transact

# As release 0.1.0 wrote it: a network with a subnet, a port of v2.0 and one of v1.1.
NETWORK, SUBNET, PORT, LEARNING = "a7941644", "c6569f06", "93c8a87a", "c1a1b983"
RELEASE_0_1 = {
    f"network/{NETWORK}": '{"v":1,"id":"a7941644","project_id":"red","name":"old","admin_state_up":true,"mtu":1450,'
    '"network_type":"vxlan","segment":6784405,"created_at":"2026-11-21T06:41:00Z"}',
    f"subnet/{SUBNET}": '{"v":1,"id":"c6569f06","project_id":"red","network_id":"a7941644","name":"","ip_version":4,'
    '"cidr":"10.0.0.0/24","gateway_ip":"10.0.0.1","allocation_pools":[["10.0.0.2","10.0.0.254"]],"enable_dhcp":true,'
    '"created_at":"2026-11-21T06:41:00Z"}',
    f"port/{PORT}": '{"v":1,"id":"93c8a87a","project_id":"red","network_id":"a7941644","name":"vm",'
    '"admin_state_up":true,"mac_address":"fa:16:3e:36:d0:da","fixed_ips":[["c6569f06","10.0.0.127"]],'
    '"learning":false,"interface_id":"eth0","host":"h1","device_id":"","device_owner":"",'
    '"created_at":"2026-11-21T06:41:00Z"}',
    f"port/{LEARNING}": '{"v":1,"id":"c1a1b983","project_id":"red","network_id":"a7941644","name":"",'
    '"admin_state_up":true,"mac_address":"fa:16:3e:f3:c3:4e","fixed_ips":[],"learning":true,"interface_id":"",'
    '"host":"","device_id":"","device_owner":"","created_at":"2026-11-21T06:41:00Z"}',
    f"taken/ip/{SUBNET}/10.0.0.127": f"port/{PORT}",
    f"taken/mac/{NETWORK}/fa:16:3e:36:d0:da": f"port/{PORT}",
    f"taken/mac/{NETWORK}/fa:16:3e:f3:c3:4e": f"port/{LEARNING}",
    f"taken/member/{NETWORK}/port/{PORT}": f"port/{PORT}",
    f"taken/member/{NETWORK}/port/{LEARNING}": f"port/{LEARNING}",
    f"taken/member/{NETWORK}/subnet/{SUBNET}": f"subnet/{SUBNET}",
    "taken/segment/6784405": f"network/{NETWORK}",
    "taken/vif/eth0": f"port/{PORT}",
}


def test_what_release_0_1_wrote_is_read(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/tenet.db")
    store.commit({}, {key: value.encode() for key, value in RELEASE_0_1.items()})
    replica = Replica(store)
    replica.start()
    network = replica.model.get(Network, NETWORK)
    subnet = replica.model.get(Subnet, SUBNET)
    port = replica.model.get(Port, PORT)
    learning = replica.model.get(Port, LEARNING)
    assert network and subnet and port and learning
    assert (network.name, network.segment, network.port_security, network.external) == ("old", 6784405, True, False)
    assert (subnet.cidr, subnet.slaac, subnet.dns_nameservers) == ("10.0.0.0/24", False, ())
    assert (port.fixed_ips, port.port_security, port.learns) == ((FixedIp(SUBNET, "10.0.0.127"),), True, False)
    assert (port.security_groups, port.filtered, port.never_filtered) == (None, False, True)
    assert (learning.learning, learning.learns, learning.tags, learning.updated_at) == (True, True, (), "")
    assert replica.model.find(Port, "addresses", "10.0.0.127") == [port]
    replica.stop()
    store.close()


def test_revision_numbers_go_on_from_where_a_former_version_had_them(tmp_path: Path) -> None:
    """That showed the store's revision, and wrote none into the rows; a member that still does may write in between."""
    store = open_store(f"sqlite:///{tmp_path}/tenet.db")
    for _ in range(3):
        store.commit({}, {"taken/x": b"network/x"})
    store.commit({}, {key: value.encode() for key, value in RELEASE_0_1.items()})
    replica = Replica(store)
    replica.start()
    seen = []
    for name in ("a", "b", "", "c"):
        if name:
            transact(store, replica, lambda tx, name=name: tx.put(replace(_network(tx.model), name=name)))
        else:
            replica.wait(store.commit({}, {f"network/{NETWORK}": RELEASE_0_1[f"network/{NETWORK}"].encode()}))
        seen.append(replica.model.revision_of(_network(replica.model)))
    assert seen == [5, 6, 7, 8]
    replica.stop()
    store.close()


def _network(model: Model) -> Network:
    network = model.get(Network, NETWORK)
    assert network is not None
    return network
