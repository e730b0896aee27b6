"""Segments of physical networks for tenants' networks, within the operator's configuration."""

from __future__ import annotations

from typing import NamedTuple

from controller.config.physical_networks import ANY, NAME, VLANS, PhysicalNetworks
from controller.intent.env import Means
from controller.runtime.errors import Conflict, Exhausted, Invalid
from controller.store.transaction import Transaction

TYPES = ("flat", "vlan")
DRAWS = 16


class Segment(NamedTuple):
    """A segment of a physical network; `vlan` 0 means untagged."""

    physical_network: str
    vlan: int

    @property
    def key(self) -> str:
        """Key of its reservation."""
        return f"vlan/{self.physical_network}/{self.vlan}"


def segment(tx: Transaction, network_type: str, name: str, vlan: int | None, means: Means) -> Segment:
    """The segment of a new network, requested or drawn.  Raises Invalid, Conflict, Exhausted."""
    if not name and (network_type == "flat" or vlan is not None):
        raise Invalid(f"Invalid input for operation: physical_network required for {network_type} provider network.")
    if network_type == "flat":
        return _flat(tx, name, vlan, means.physical)
    if vlan is None:
        return _drawn(tx, name, means)
    ranges = dict(means.physical.vlans)
    if name not in ranges:
        raise Invalid(f"Invalid input for operation: physical_network '{name}' unknown for VLAN provider network.")
    if vlan not in VLANS:
        raise Invalid(f"Invalid input for operation: segmentation_id out of range ({VLANS[0]} through {VLANS[-1]}).")
    if ranges[name] and not any(first <= vlan <= last for first, last in ranges[name]):
        raise Invalid(
            f"Invalid input for operation: VLAN {vlan} is in none of the ranges of physical network '{name}'."
        )
    found = Segment(name, vlan)
    if tx.holder(found.key) is not None:
        raise Conflict(
            f"Unable to create the network. The VLAN {vlan} on physical network {name} is in use.", "VlanIdInUse"
        )
    return found


def _flat(tx: Transaction, name: str, vlan: int | None, known: PhysicalNetworks) -> Segment:
    if vlan is not None:
        raise Invalid("Invalid input for operation: segmentation_id prohibited for flat provider network.")
    if name not in known.flat and not (ANY in known.flat and NAME.fullmatch(name)):
        raise Invalid(f"Invalid input for operation: Physical network '{name}' unknown for flat provider network.")
    found = Segment(name, 0)
    if tx.holder(found.key) is not None:
        raise Conflict(f"Unable to create the flat network. Physical network {name} is in use.", "FlatNetworkInUse")
    return found


def _drawn(tx: Transaction, name: str, means: Means) -> Segment:
    """A free VLAN from the ranges of one physical network, or of any ("")."""
    ranges = [(physical, span) for physical, spans in means.physical.vlans if name in ("", physical) for span in spans]
    for physical, (first, last) in ranges:
        for _ in range(DRAWS):
            found = Segment(physical, first + means.below(last - first + 1))
            if tx.holder(found.key) is None:
                return found
        for vlan in range(first, last + 1):
            if tx.holder(Segment(physical, vlan).key) is None:
                return Segment(physical, vlan)
    raise Exhausted("Unable to create the network. No VLAN is left.", "NoNetworkAvailable")
