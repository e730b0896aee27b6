"""Forwarding inside one network: which frames are the network's, and to which port or switch each goes.

A frame that came over the fabric is delivered here or nowhere: the flows that send to other switches match frames from
this switch's own ports only.  OpenFlow never sends a frame out of the port that it came in by.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Action, Flow, field, put, resubmit
from controller.model.placement import BLOCK
from controller.model.reader import Reader
from controller.model.rows import Network, Port, Switch

from .limit import LIMITED
from .pipeline import (
    ARRIVE,
    CLASSIFY,
    DECLARED,
    FABRIC,
    FABRIC_BIT,
    FLOOD,
    LEARN,
    LEARNERS,
    LOCAL,
    LOW,
    MULTICAST,
    NEIGHBOR,
    PERMIT,
    REMOTE,
    SPREAD,
    UNKNOWN,
    UNTAGGED,
    USUAL,
    WHOLE,
    from_fabric,
    from_here,
    of_network,
)


def port_here(port: Port, see: Reader) -> Iterator[Flow]:
    """The port's frames are of its network; frames to its declared address are for it."""
    at = see.binding(port)
    if at is None:
        return
    segment = see.attribute(Network, port.network_id, "segment")
    in_port = field("in_port", at.ofport)
    if port.learning:
        yield Flow(CLASSIFY, USUAL, (in_port,), metadata=(segment, WHOLE), goto=DECLARED)
        return
    if port.learns:
        yield Flow(CLASSIFY, USUAL, (in_port,), metadata=(segment, WHOLE), goto=LEARN)
    else:
        for mac in (port.mac_address, *port.guests):
            owned = (in_port, field("eth_src", mac), UNTAGGED)
            yield Flow(CLASSIFY, USUAL, owned, metadata=(segment, WHOLE), goto=NEIGHBOR)
    to_port = (field("eth_dst", port.mac_address), of_network(segment))
    yield Flow(LOCAL, USUAL, to_port, (put("reg7", at.ofport),), goto=PERMIT)


def port_everywhere(port: Port, see: Reader) -> Iterator[Flow]:
    """Frames to the port's declared address go to its switch."""
    at = see.binding(port)
    if at is None or port.learning:
        return
    segment = see.attribute(Network, port.network_id, "segment")
    yield to_switch(segment, port.mac_address, see.attribute(Switch, at.switch_id, "number"), USUAL)


def to_switch(segment: int, mac: str, number: int, priority: int) -> Flow:
    return Flow(REMOTE, priority, (field("eth_dst", mac), from_here(segment)), (put("reg8", number),), goto=FABRIC)


def network_here(network: Network, see: Reader) -> Iterator[Flow]:
    """Group frames go to every port here, then on; frames to nobody known go to the learning ports here."""
    segment = network.segment
    flood = _floods(FLOOD.number, see.blocks(see.switch_id, network.id))
    yield Flow(LOCAL, USUAL, (MULTICAST, of_network(segment)), (LIMITED, *flood), goto=REMOTE)
    learning = [block | LEARNERS for block in see.learner_blocks(see.switch_id, network.id)]
    if learning:
        yield Flow(UNKNOWN, USUAL, (of_network(segment),), _floods(FLOOD.number, learning))


def block_here(of: tuple[str, int], see: Reader) -> Iterator[Flow]:
    """One block of a flood: each of its ports, if it is permitted."""
    network_id, block = of
    segment = see.attribute(Network, network_id, "segment")
    every: list[Action] = []
    learning: list[Action] = []
    for port_id in see.members(see.switch_id, network_id, block):
        port = see.get(Port, port_id)
        at = None if port is None else see.binding(port)
        if port is None or at is None:
            continue
        out = (put("reg7", at.ofport), resubmit(PERMIT.number))
        every += out
        if port.learns:
            learning += out
    if every:
        yield Flow(FLOOD, USUAL, (field("reg9", block), of_network(segment)), tuple(every))
    if learning:
        yield Flow(FLOOD, USUAL, (field("reg9", block | LEARNERS), of_network(segment)), tuple(learning))


def network_everywhere(network: Network, see: Reader) -> Iterator[Flow]:
    """Frames that arrive with the network's key; group frames to each switch that holds a port; unknown ones to
    learners.
    """
    segment = network.segment
    if network.physical_network:
        yield from _outside(network, see)
        return
    yield Flow(ARRIVE, USUAL, (field("tun_id", segment),), metadata=(segment | FABRIC_BIT, WHOLE), goto=LOCAL)
    blocks = _numbers(see.span(network.id), see)
    yield Flow(REMOTE, USUAL, (MULTICAST, from_here(segment)), _floods(SPREAD.number, sorted(blocks)))
    yield from _spread(segment, blocks)
    learners = {block | LEARNERS: numbers for block, numbers in _numbers(see.learners(network.id), see).items()}
    if learners:
        spread = (LIMITED, *_floods(SPREAD.number, sorted(learners)))
        yield Flow(REMOTE, LOW, (from_here(segment),), spread, goto=UNKNOWN)
        yield Flow(REMOTE, LOW, (from_fabric(segment),), goto=UNKNOWN)
        yield Flow(REMOTE, USUAL, (MULTICAST, from_fabric(segment)))  # every port here has got it in LOCAL
        yield from _spread(segment, learners)


def _outside(network: Network, see: Reader) -> Iterator[Flow]:
    """What no port here has is somewhere on the network's physical network: it goes there once (see
    topology/provider.py).
    """
    segment = network.segment
    yield Flow(REMOTE, USUAL, (MULTICAST, from_here(segment)), goto=FABRIC)
    if see.learners(network.id):
        yield Flow(REMOTE, LOW, (from_here(segment),), (resubmit(FABRIC.number), LIMITED), goto=UNKNOWN)
        yield Flow(REMOTE, LOW, (from_fabric(segment),), goto=UNKNOWN)
    else:
        yield Flow(REMOTE, LOW, (from_here(segment),), goto=FABRIC)


def _numbers(switch_ids: list[str], see: Reader) -> dict[int, list[int]]:
    """The switches' numbers, in blocks."""
    blocks: dict[int, list[int]] = {}
    for number in sorted(see.attribute(Switch, switch_id, "number") for switch_id in switch_ids):
        blocks.setdefault(number // BLOCK, []).append(number)
    return blocks


def _spread(segment: int, blocks: dict[int, list[int]]) -> Iterator[Flow]:
    for block, numbers in sorted(blocks.items()):
        actions = [action for number in numbers for action in (put("reg8", number), resubmit(FABRIC.number))]
        yield Flow(SPREAD, USUAL, (field("reg9", block), from_here(segment)), tuple(actions))


def _floods(table: int, blocks: list[int]) -> tuple[Action, ...]:
    return tuple(action for block in blocks for action in (put("reg9", block), resubmit(table)))


HERE = {"port": port_here, "network": network_here, "block": block_here}
EVERYWHERE = {"port": port_everywhere, "network": network_everywhere}
