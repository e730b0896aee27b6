"""Networks of v2.0, as declared."""

from __future__ import annotations

from controller.intent import networks
from controller.intent.allocate import SEGMENTS
from controller.intent.networks import ENCAPSULATIONS
from controller.model.kinds import Network, Subnet, SubnetPool, Switch

from ..checks import boolean, filled, one_of
from ..resource import Attribute, May, Resource, View, attribute
from ..structures import list_of, nullable, number
from .common import IDENTITY, OWNED, STANDARD, listed, shared, tagged

LARGEST = 65_535  # bytes of an IP packet (RFC 791, 3.1)


def _status(view: View, network: Network) -> str:
    return "ACTIVE" if network.admin_state_up else "DOWN"


def _subnets(view: View, network: Network) -> list[str]:
    return [subnet.id for subnet in view.model.find(Subnet, "network_id", network.id)]


def _scope(version: int) -> Attribute:
    """The address scope of the network's subnets of one version, null where they are of none."""

    def show(view: View, network: Network) -> str | None:
        for subnet in view.model.find(Subnet, "network_id", network.id):
            pool = view.model.get(SubnetPool, subnet.subnetpool_id) if subnet.ip_version == version else None
            if pool is not None and pool.address_scope_id:
                return pool.address_scope_id
        return None

    return Attribute(f"ipv{version}_address_scope", show)


def _zones(view: View, network: Network) -> list[str]:
    return networks.zones(view.model, list(view.model.rows(Switch).values())[:1])


NETWORKS = Resource(
    name="network",
    plural="networks",
    kind=Network,
    not_found="NetworkNotFound",
    attributes=(
        *IDENTITY,
        attribute("admin_state_up", boolean, May.SET),
        Attribute("status", _status),
        Attribute("subnets", _subnets),
        attribute("mtu", nullable(number(0, LARGEST), 0), May.SET),
        shared(May.SET, boolean),
        attribute("router:external", boolean, May.SET, source="external"),
        attribute("provider:network_type", nullable(one_of(*ENCAPSULATIONS), ENCAPSULATIONS[0]), May.CREATE,
                  source="network_type"),
        attribute("provider:segmentation_id", number(1, SEGMENTS), May.CREATE, source="segment"),
        Attribute("provider:physical_network", lambda view, row: None, May.CREATE, one_of(None)),
        attribute("port_security_enabled", boolean, May.SET, source="port_security"),
        listed("availability_zone_hints", list_of(filled), May.CREATE, "zone_hints"),
        Attribute("availability_zones", _zones),
        _scope(4),
        _scope(6),
        tagged(),
        *STANDARD,
    ),
    create=networks.create,
    update=networks.update,
    delete=networks.delete,
    index={**OWNED, "name": "name"},
    tagged=True,
)  # fmt: skip
