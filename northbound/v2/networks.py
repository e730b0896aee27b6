"""Networks of v2.0, as declared."""

from __future__ import annotations

from controller.intent import networks
from controller.intent.allocate import SEGMENTS
from controller.intent.networks import ENCAPSULATIONS
from controller.model.kinds import Network, Subnet

from ..checks import boolean, integer, one_of
from ..resource import Attribute, May, Resource, View, attribute
from .common import IDENTITY, STANDARD


def _status(view: View, network: Network) -> str:
    return "ACTIVE" if network.admin_state_up else "DOWN"


def _subnets(view: View, network: Network) -> list[str]:
    return [subnet.id for subnet in view.model.find(Subnet, "network_id", network.id)]


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
        attribute("mtu"),
        Attribute("shared", lambda view, row: False, May.SET, one_of(False)),
        Attribute("router:external", lambda view, row: False, May.SET, one_of(False)),
        attribute("provider:network_type", one_of(*ENCAPSULATIONS), May.CREATE, source="network_type"),
        attribute("provider:segmentation_id", integer(1, SEGMENTS), May.CREATE, source="segment"),
        Attribute("provider:physical_network", lambda view, row: None, May.CREATE, one_of(None)),
        *STANDARD,
    ),
    create=networks.create,
    update=networks.update,
    delete=networks.delete,
    index={"project_id": "project_id", "tenant_id": "project_id"},
)
