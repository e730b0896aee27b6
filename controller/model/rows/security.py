"""Security groups and their rules: what the ports in a group may send and receive; address groups, which rules name."""

from __future__ import annotations

from .base import SHARED, Reference, Seen, Standard, row


@row(
    "security_group",
    lookup=("project_id", "name", "tags"),
    attributes=("number", "stateful"),
    seen=Seen(shared=(SHARED,)),
    quota=10,
)
class SecurityGroup(Standard, frozen=True, kw_only=True):
    """A set of allow rules, and the set of the ports that they apply to (Networking API v2.0, security-groups).

    `number`: the group in flows, 1..2^24-1, drawn as the reservation `group-number/NUMBER`, which address groups share.
    `default`: the project's own default group, which cannot be deleted; reserved as `default-group/PROJECT`.
    """

    number: int
    stateful: bool = True
    default: bool = False


class RuleFields(Standard, frozen=True, kw_only=True):
    """Packets that the ports of a group may send (`egress`) or receive (`ingress`): of a rule, or of a template.

    `protocol`: as the client gave it, a name or a number in decimal; "": any.  `port_range_min` and `_max`: ports of
    the destination, or type and code for ICMP; None: any.  At most one of `remote_ip_prefix` (as given; its network
    is `normalized_cidr`), `remote_group_id` and `remote_address_group_id` is not "".
    """

    direction: str
    ethertype: str
    protocol: str = ""
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str = ""
    normalized_cidr: str = ""
    remote_group_id: str = ""
    remote_address_group_id: str = ""


@row(
    "security_group_rule",
    index=("security_group_id",),
    lookup=("project_id", "remote_group_id", "remote_address_group_id", "tags"),
    parent=Reference("security_group_id", "security_group", "rule", shown=True, uses=False),
    refers=(
        Reference("remote_group_id", "security_group", "remote"),
        Reference("remote_address_group_id", "address_group", "remote"),
    ),
    seen=Seen(parent_owner=True, parent_shared=(SHARED,)),
    quota=100,
)
class SecurityGroupRule(RuleFields, frozen=True, kw_only=True):
    """A rule of one group."""

    security_group_id: str


@row(
    "address_group",
    plural="Address groups",
    lookup=("project_id", "name"),
    attributes=("number", "addresses"),
    seen=Seen(shared=(SHARED,)),
    quota=10,
)
class AddressGroup(Standard, frozen=True, kw_only=True):
    """Prefixes that rules of security groups name together (Networking API v2.0, address-groups).

    `number`: the group in flows, as of security groups.  `addresses`: canonical prefixes of both IP versions, in order,
    a single address with the length /32 or /128.
    """

    number: int
    addresses: tuple[str, ...] = ()
