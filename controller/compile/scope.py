"""Scope of flow sets: the objects that have flows in each, and the flow sets that a switch carries.  Said here only.

Every flow set has a tree of owners.  On a switch: the switch itself, its peers, those that frames which cross it may be
going to, and the networks that it reaches; of a network its blocks of ports; of a block its ports.  In a network's set:
the network; its routers' interfaces, and their neighbours that no port declares; for each switch that holds it the
blocks of ports there; of a block its ports.  In a router's: the router and its interfaces.  In a security group's: the
group and its rules.  In an address set's: the set, and of a security group's members parts and their blocks.  Each step
reads only what changes when its own answer does.

A flow set also asks for others (`ASKS`): a switch carries its own set, and whatever is asked for from there on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from controller.compile.flow_set import FlowSetKey, Owner
from controller.model.address_sets import AddressBlock, AddressSet
from controller.model.reader import Reader
from controller.model.rows import (
    FloatingIp,
    Neighbor,
    Network,
    Port,
    PortForwarding,
    Router,
    RouterInterface,
    SecurityGroup,
    SecurityGroupRule,
    Switch,
)

Scope = Callable[[Owner, Reader], Iterable[Owner]]


def _of_switch(_: Owner, see: Reader) -> Iterable[Owner]:
    if see.switch() is None:
        return
    for switch_id in see.peers():
        yield "peer", switch_id
    for switch_id in see.towards():
        yield "towards", switch_id
    yield from see.reachable()


def _of_network_here(owner: Owner, see: Reader) -> Iterable[Owner]:
    for block in see.blocks(see.switch_id, owner[1]):
        yield "block", owner[1], str(block)


def _of_router_here(owner: Owner, see: Reader) -> Iterable[Owner]:
    """Floating IPs that its gateway may have to translate."""
    if owner[1] in see.gateway_of():
        for floating in see.find(FloatingIp, "router_id", owner[1]):
            yield "floatingip", floating.id


def _of_floating_ip(owner: Owner, see: Reader) -> Iterable[Owner]:
    for forwarding in see.find(PortForwarding, "floatingip_id", owner[1]):
        yield "port_forwarding", forwarding.id


def _of_block_here(owner: Owner, see: Reader) -> Iterable[Owner]:
    for port_id in see.members(see.switch_id, owner[1], int(owner[2])):
        yield "port", port_id


def _of_network_everywhere(owner: Owner, see: Reader) -> Iterable[Owner]:
    for interface in see.find(RouterInterface, "network_id", owner[1]):
        yield "router_interface", interface.id
    for floating in see.find(FloatingIp, "floating_network_id", owner[1]):
        yield "floatingip", floating.id
    for router_id in see.leaving(owner[1]):
        yield "leaving", router_id, owner[1]
    for neighbor in see.find(Neighbor, "network_id", owner[1]):
        yield "neighbor", owner[1], neighbor.ip_address
    for switch_id in see.span(owner[1]):
        yield "held", owner[1], switch_id


def _of_held(owner: Owner, see: Reader) -> Iterable[Owner]:
    for block in see.blocks(owner[2], owner[1]):
        yield "block", owner[1], owner[2], str(block)


def _of_block_everywhere(owner: Owner, see: Reader) -> Iterable[Owner]:
    for port_id in see.members(owner[2], owner[1], int(owner[3])):
        yield "port", port_id


def _of_router(owner: Owner, see: Reader) -> Iterable[Owner]:
    for interface in see.find(RouterInterface, "router_id", owner[1]):
        yield "router_interface", interface.id


def _of_group(owner: Owner, see: Reader) -> Iterable[Owner]:
    for rule in see.find(SecurityGroupRule, "security_group_id", owner[1]):
        yield "security_group_rule", rule.id


def _of_address_set(owner: Owner, see: Reader) -> Iterable[Owner]:
    found = AddressSet.of(owner[0], owner[1])
    if found.kind == "security_group":
        for part in see.group_parts(found.id):
            yield "address_part", owner[0], owner[1], str(part)


def _of_address_part(owner: Owner, see: Reader) -> Iterable[Owner]:
    found = AddressSet.of(owner[1], owner[2])
    for block in see.group_blocks(found.id, int(owner[3])):
        yield "address_block", owner[1], owner[2], str(block)


# kind of flow set -> kind of owner -> the owners below it
CHILDREN: dict[str, Mapping[str, Scope]] = {
    "switch": {
        "switch": _of_switch,
        "network": _of_network_here,
        "block": _of_block_here,
        "router": _of_router_here,
        "floatingip": _of_floating_ip,
    },
    "network": {"network": _of_network_everywhere, "held": _of_held, "block": _of_block_everywhere},
    "router": {"router": _of_router},
    "security_group": {"security_group": _of_group},
    "address_set": {"address_set": _of_address_set, "address_part": _of_address_part},
    "plain_address_set": {"plain_address_set": _of_address_set, "address_part": _of_address_part},
}


def _asked_by_switch(_: Owner, see: Reader) -> Iterable[FlowSetKey]:
    if see.switch() is not None:
        for kind, reached in see.reachable():
            if kind in CHILDREN:
                yield FlowSetKey(kind, reached)
        for group_id in see.groups():
            yield FlowSetKey("security_group", group_id)


def _asked_by_group(owner: Owner, see: Reader) -> Iterable[FlowSetKey]:
    """The address sets that its rules name."""
    group = see.view(SecurityGroup, owner[1])
    if group is None:
        return []
    found = set()
    for rule in see.find(SecurityGroupRule, "security_group_id", owner[1]):
        if rule.remote_group_id:
            found.add(AddressSet(rule.direction, "security_group", rule.remote_group_id, group.stateful))
        elif rule.remote_address_group_id:
            found.add(AddressSet(rule.direction, "address_group", rule.remote_address_group_id, group.stateful))
    return [FlowSetKey(one.set_kind, one.set_id) for one in sorted(found)]


# kind of flow set -> the flow sets that a switch carries because it carries this one
ASKS: dict[str, Callable[[Owner, Reader], Iterable[FlowSetKey]]] = {
    "switch": _asked_by_switch,
    "security_group": _asked_by_group,
}


def _switch(owner: Owner, see: Reader) -> object | None:
    return see.get(Switch, owner[1])


# kind of owner -> what the apps are given for it; None when it is no more
SUBJECTS: dict[str, Callable[[Owner, Reader], object | None]] = {
    "port": lambda owner, see: see.get(Port, owner[1]),
    "network": lambda owner, see: see.view(Network, owner[1]),  # most of its attributes have no say in its flows
    "switch": _switch,
    "peer": _switch,
    "towards": _switch,
    "block": lambda owner, _: (owner[1], int(owner[2])),
    "router": lambda owner, see: see.view(Router, owner[1]),
    "leaving": lambda owner, _: (owner[1], owner[2]),
    "port_forwarding": lambda owner, see: see.get(PortForwarding, owner[1]),
    "floatingip": lambda owner, see: see.get(FloatingIp, owner[1]),
    "router_interface": lambda owner, see: see.get(RouterInterface, owner[1]),
    "neighbor": lambda owner, see: see.get(Neighbor, f"{owner[1]}/{owner[2]}"),
    "security_group": lambda owner, see: see.view(SecurityGroup, owner[1]),
    "security_group_rule": lambda owner, see: see.get(SecurityGroupRule, owner[1]),
    "address_set": lambda owner, _: AddressSet.of(owner[0], owner[1]),
    "plain_address_set": lambda owner, _: AddressSet.of(owner[0], owner[1]),
    "address_block": lambda owner, _: AddressBlock(AddressSet.of(owner[1], owner[2]), int(owner[3])),
}
_ORIGINS = {
    "block": "network",
    "held": "network",
    "neighbor": "network",
    "peer": "switch",
    "towards": "switch",
    "router_interface": "port",
    "leaving": "router",
}
_SET_ID = {"address_set": 1, "plain_address_set": 1, "address_part": 2, "address_block": 2}  # where an owner has it


def origin(owner: Owner) -> str:
    """The key of the API object (or observed switch) that an owner's flows are because of."""
    if (at := _SET_ID.get(owner[0])) is not None:
        return owner[at].partition("/")[2]
    return f"{_ORIGINS.get(owner[0], owner[0])}/{owner[1]}"
