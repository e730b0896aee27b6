"""Networks of v2.0, as declared."""

from __future__ import annotations

from controller.intent import networks
from controller.intent.allocate import SEGMENTS
from controller.intent.networks import ENCAPSULATIONS
from controller.intent.physical import TYPES
from controller.model.kinds import Network, Subnet

from ..checks import Check, boolean, integer, one_of, text
from ..resource import Attribute, May, Resource, View, attribute
from .common import IDENTITY, STANDARD


def _status(view: View, network: Network) -> str:
    return "ACTIVE" if network.admin_state_up else "DOWN"


def _subnets(view: View, network: Network) -> list[str]:
    return [subnet.id for subnet in view.model.find(Subnet, "network_id", network.id)]


def _segmentation_id(view: View, network: Network) -> int | None:
    """The VLAN of a network on a physical one, else the tunnels' key; a flat network has none."""
    if network.network_type in TYPES:
        return network.vlan or None
    return network.segment


def _or_none(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


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
        attribute("provider:network_type", one_of(*ENCAPSULATIONS, *TYPES), May.CREATE, source="network_type"),
        Attribute("provider:segmentation_id", _segmentation_id, May.CREATE, _or_none(integer(1, SEGMENTS)), "segment"),
        Attribute(
            "provider:physical_network",
            lambda view, row: row.physical_network or None,
            May.CREATE,
            _or_none(text),
            "physical_network",
        ),
        *STANDARD,
    ),
    create=networks.create,
    update=networks.update,
    delete=networks.delete,
    index={"project_id": "project_id", "tenant_id": "project_id"},
)
