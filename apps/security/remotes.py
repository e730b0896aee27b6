"""The other side of a rule: any address, a prefix, or an address set that has a number in flows."""

from __future__ import annotations

from controller.flow import Field, field
from controller.model.reader import Reader
from controller.model.rows import AddressGroup, SecurityGroup, SecurityGroupRule

from ..source import among as within

VALID = field("ct_state", "-inv+trk")  # what a match on the tuple of a connection needs
ORIGINAL, REPLY = field("ct_state", "-inv-rpl+trk"), field("ct_state", "-inv+rpl+trk")
ANY = 0


def number_of(rule: SecurityGroupRule, see: Reader) -> int | None:
    """The number of the address set that the rule names, ANY where it names none; None where that set is gone."""
    if rule.remote_group_id:
        group = see.view(SecurityGroup, rule.remote_group_id)
        return None if group is None else group.number
    if rule.remote_address_group_id:
        addresses = see.view(AddressGroup, rule.remote_address_group_id)
        return None if addresses is None else addresses.number
    return ANY


def among(prefix: str, ethertype: str, inward: bool, stateful: bool) -> tuple[Field, ...]:
    """That the other side's address is in a prefix ("": any): of the connection's first packet, or of the packet."""
    if not prefix or prefix.endswith("/0"):
        return ()
    side = "src" if inward else "dst"
    if stateful:
        return (within(f"ct_nw_{side}" if ethertype == "IPv4" else f"ct_ipv6_{side}", prefix),)
    return (within(f"ipv4_{side}" if ethertype == "IPv4" else f"ipv6_{side}", prefix),)
