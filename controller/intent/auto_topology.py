"""Topologies that projects get without describing them: a network with a router to the default external network.

Upstream calls it get-me-a-network (auto-allocated-topology).  All of it is made in one commit, or nothing.
"""

from __future__ import annotations

from typing import TypeVar

from controller.intent.env import Means
from controller.model.rows import AutoTopology, Network, Router, Row, Subnet, SubnetPool
from controller.model.rows.base import Reads
from controller.runtime.errors import Conflict
from controller.store.transaction import Transaction

from . import networks, router_interfaces, routers, subnets
from .router_gateways import GatewayRequest
from .subnets import SubnetRequest

R = TypeVar("R", bound=Row)
NETWORK, ROUTER, SUBNET = "auto_allocated_network", "auto_allocated_router", "auto_allocated_subnet_v"  # upstream's


def check(tx: Transaction) -> tuple[Network, list[SubnetPool]]:
    """The default external network and the default subnet pools.  Raises Conflict where one of them is missing."""
    external = _held(tx, Network, networks.DEFAULT_EXTERNAL)
    if external is None:
        raise _failure("No default router:external network")
    pools = [pool for version in (4, 6) if (pool := _held(tx, SubnetPool, f"default-pool/{version}")) is not None]
    if not pools:
        raise _failure("No default subnetpools defined")
    return external, pools


def there(reads: Reads, project_id: str) -> AutoTopology | None:
    """The project's topology, if its network is still there."""
    found = reads.get(AutoTopology, project_id)
    return found if found is not None and reads.get(Network, found.network_id) is not None else None


def get(tx: Transaction, project_id: str, means: Means) -> AutoTopology:
    """The project's topology, made if there is none.  Raises Conflict where the deployment has no defaults for it."""
    found = there(tx, project_id)
    if found is not None:
        return found
    external, pools = check(tx)
    network = networks.create(tx, project_id, {"name": NETWORK}, means)
    router = routers.create(tx, project_id, {"name": ROUTER, "gateway": GatewayRequest(external.id)}, means)
    for pool in pools:
        wanted = SubnetRequest(name=f"{SUBNET}{pool.ip_version}", network_id=network.id, ip_version=pool.ip_version,
                               use_default_subnetpool=True)  # fmt: skip
        subnet = subnets.create(tx, project_id, wanted, means)
        router_interfaces.add_by_subnet(tx, routers.required(tx, router.id), subnet.id, means)
    made = AutoTopology(id=project_id, network_id=network.id, router_id=router.id)
    tx.put(made)
    return made


def delete(tx: Transaction, project_id: str, means: Means) -> None:
    """Delete the project's topology, if there is one.  Raises Conflict (NetworkInUse) while it has ports of others."""
    found = tx.get(AutoTopology, project_id)
    if found is None:
        return
    router, network = tx.get(Router, found.router_id), tx.get(Network, found.network_id)
    if router is not None:
        for subnet in tx.find(Subnet, "network_id", found.network_id):
            router_interfaces.remove_if_there(tx, routers.required(tx, router.id), subnet.id, means)
        routers.delete(tx, router.id, means)
    if network is not None:
        networks.delete(tx, network.id, means)
    tx.delete(found)


def _held(tx: Transaction, kind: type[R], what: str) -> R | None:
    """The row that has a reservation.  Another that comes to have it meanwhile makes the commit fail."""
    tx.guard(what)
    holder = tx.holder(what)
    return tx.get(kind, holder.partition("/")[2]) if holder else None


def _failure(reason: str) -> Conflict:
    return Conflict(f"Deployment error: {reason}.", "AutoAllocationFailure")
