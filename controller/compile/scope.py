"""Which objects matter where: a tree for every place.  The only page that says so.

On a switch: the switch itself, the switches that it shares a network with, those that frames which cross it may be
going to, and its networks; of a network its blocks of ports; of a block its ports.  On a network's set: the network;
for each switch that holds it the blocks of ports there; of a block its ports.  Each step reads only what changes when
its own answer does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from controller.compile.flow_set import Owner
from controller.model.reader import Reader
from controller.model.rows import Network, Port, Switch

Scope = Callable[[Owner, Reader], Iterable[Owner]]


def _of_switch(_: Owner, see: Reader) -> Iterable[Owner]:
    if see.switch() is None:
        return
    for switch_id in see.peers():
        yield "peer", switch_id
    for switch_id in see.towards():
        yield "towards", switch_id
    for network_id in see.networks():
        yield "network", network_id


def _of_network_here(owner: Owner, see: Reader) -> Iterable[Owner]:
    for block in see.blocks(see.switch_id, owner[1]):
        yield "block", owner[1], str(block)


def _of_block_here(owner: Owner, see: Reader) -> Iterable[Owner]:
    for port_id in see.members(see.switch_id, owner[1], int(owner[2])):
        yield "port", port_id


def _of_network_everywhere(owner: Owner, see: Reader) -> Iterable[Owner]:
    for switch_id in see.span(owner[1]):
        yield "held", owner[1], switch_id


def _of_held(owner: Owner, see: Reader) -> Iterable[Owner]:
    for block in see.blocks(owner[2], owner[1]):
        yield "block", owner[1], owner[2], str(block)


def _of_block_everywhere(owner: Owner, see: Reader) -> Iterable[Owner]:
    for port_id in see.members(owner[2], owner[1], int(owner[3])):
        yield "port", port_id


HERE: dict[str, Scope] = {"switch": _of_switch, "network": _of_network_here, "block": _of_block_here}
EVERYWHERE: dict[str, Scope] = {
    "network": _of_network_everywhere,
    "held": _of_held,
    "block": _of_block_everywhere,
}


def subject(owner: Owner, see: Reader) -> object | None:
    """What the apps are given for an owner; None when it is no more."""
    kind = owner[0]
    if kind == "port":
        return see.get(Port, owner[1])
    if kind == "network":
        # not the whole row: most of a network's attributes have no say in its flows
        if not see.attribute(Network, owner[1], "segment"):
            return None
        return see.model.get(Network, owner[1])
    if kind in ("switch", "peer", "towards"):
        return see.get(Switch, owner[1])
    if kind == "block" and len(owner) == 3:
        return owner[1], int(owner[2])
    return None


def origin(owner: Owner) -> str:
    """The key of the API object (or observed switch) that an owner's flows are because of."""
    kind = {"block": "network", "held": "network", "peer": "switch", "towards": "switch"}.get(owner[0], owner[0])
    return f"{kind}/{owner[1]}"
