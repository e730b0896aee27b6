"""Layer-2 forwarding inside one network: to which port or switch a frame goes.

A frame that came over the fabric is delivered here or nowhere: the flows that send to other switches match frames from
this switch's own ports only.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from controller.flow import Action, Flow, field, resubmit
from controller.flow.fields import MEMO
from controller.model.placement import BLOCK as PER_BLOCK
from controller.model.reader import Reader
from controller.model.rows import Network, Port, Switch

from .limit import LIMITED
from .matches import MULTICAST, entering, from_fabric, from_here, goes_out, of_network
from .pipeline import (
    ARRIVE,
    BLOCK,
    FLOOD,
    FORWARDED,
    LEARNING_ONLY,
    LOCAL,
    LOW,
    OUTBOUND,
    PERMITTED,
    REMOTE,
    ROUTED,
    SPREAD,
    TO_FILTERED,
    TO_SWITCH,
    UNKNOWN,
    USUAL,
)
from .security.kinds import filter_of

# A copy of a flood takes one lookup so, and Open vSwitch does 4,096 a frame (MAX_RESUBMITS).
_COPIED = resubmit(PERMITTED.number)
_FILTERED = resubmit(FORWARDED.number)  # of unknown unicast, which may begin a connection


def port_here(port: Port, see: Reader) -> Iterator[Flow]:
    """Delivery of frames for the port's declared address."""
    at, network = see.binding(port), see.view(Network, port.network_id)
    if at is None or network is None or port.learning:
        return
    yield to_port(network.segment, port.mac_address, goes_out(at.port_key, filter_of(port, see)), USUAL)


def to_port(segment: int, mac: str, out: tuple[Action], priority: int) -> Flow:
    """Frames for a MAC here; `out` notes the logical port that it is at."""
    return Flow(LOCAL, priority, (field("eth_dst", mac), of_network(segment)), out, goto=FORWARDED)


def port_everywhere(port: Port, see: Reader) -> Iterator[Flow]:
    """Frames for the port's declared address go to its switch."""
    at, network = see.binding(port), see.view(Network, port.network_id)
    if at is None or network is None or port.learning:
        return
    switch = see.view(Switch, at.switch_id)
    if switch is not None:
        yield to_switch(network.segment, port.mac_address, switch.number, USUAL)


def to_switch(segment: int, mac: str, number: int, priority: int) -> Flow:
    return Flow(REMOTE, priority, (field("eth_dst", mac), from_here(segment)), _towards(number), goto=OUTBOUND)


@lru_cache(MEMO)
def _towards(number: int) -> tuple[Action]:
    return (TO_SWITCH.put(number),)


def network_here(network: Network, see: Reader) -> Iterator[Flow]:
    """Group frames go to every port here, then on; unknown unicast goes to the learning ports here."""
    segment = network.segment
    flood = _floods(FLOOD.number, see.blocks(see.switch_id, network.id))
    filtered = (resubmit(TO_FILTERED.number),) if see.filtered_blocks(see.switch_id, network.id) else ()
    yield Flow(LOCAL, USUAL, (MULTICAST, of_network(segment)), (LIMITED, *flood, *filtered), goto=REMOTE)
    learning = [block | LEARNING_ONLY for block in see.learner_blocks(see.switch_id, network.id)]
    if learning:
        yield Flow(UNKNOWN, USUAL, (of_network(segment),), _floods(FLOOD.number, learning))


def block_here(of: tuple[str, int], see: Reader) -> Iterator[Flow]:
    """One block of a flood: a copy to each of its ports.

    Group frames get to ports with filters in a way of their own (apps/security/floods.py).
    """
    network_id, block = of
    network = see.view(Network, network_id)
    if network is None:
        return
    segment = network.segment
    every: list[Action] = []
    learning: list[Action] = []
    for copy in see.copies(see.switch_id, network_id, block):
        if copy.filtered and not copy.learns:
            continue
        kind = filter_of(copy, see)
        out = _copy(copy.port_key, kind)
        if not kind:
            every += out
        if copy.learns:
            learning += out
    if every:
        yield Flow(FLOOD, USUAL, (BLOCK.match(block), of_network(segment)), tuple(every))
    if learning:
        yield Flow(FLOOD, USUAL, (BLOCK.match(block | LEARNING_ONLY), of_network(segment)), tuple(learning))


@lru_cache(MEMO)
def _copy(key: int, kind: int) -> tuple[Action, Action]:
    """A copy of a flood for the port with this key and filter."""
    return *goes_out(key, kind), _FILTERED if kind else _COPIED


def network_everywhere(network: Network, see: Reader) -> Iterator[Flow]:
    """Frames that arrive with the network's key; group frames to each switch that holds a port; unknown unicast to
    learners.
    """
    segment = network.segment
    if network.physical_network:
        yield from _outside(network, see)
        return
    yield Flow(ARRIVE, USUAL, (field("tun_id", segment),), metadata=entering(segment, fabric=True), goto=ROUTED)
    blocks = _numbers(see.span(network.id), see)
    yield Flow(REMOTE, USUAL, (MULTICAST, from_here(segment)), _floods(SPREAD.number, sorted(blocks)))
    yield from _spread(segment, blocks)
    learners = {block | LEARNING_ONLY: numbers for block, numbers in _numbers(see.learners(network.id), see).items()}
    if learners:
        spread = (LIMITED, *_floods(SPREAD.number, sorted(learners)))
        yield Flow(REMOTE, LOW, (from_here(segment),), spread, goto=UNKNOWN)
        yield from _unknown_from_fabric(segment)
        yield from _spread(segment, learners)


def _outside(network: Network, see: Reader) -> Iterator[Flow]:
    """Frames to other switches go to the network's physical network, once (topology/provider.py)."""
    segment = network.segment
    yield Flow(REMOTE, USUAL, (MULTICAST, from_here(segment)), goto=OUTBOUND)
    if see.learners(network.id):
        yield Flow(REMOTE, LOW, (from_here(segment),), (resubmit(OUTBOUND.number), LIMITED), goto=UNKNOWN)
        yield from _unknown_from_fabric(segment)
    else:
        yield Flow(REMOTE, LOW, (from_here(segment),), goto=OUTBOUND)


def _unknown_from_fabric(segment: int) -> Iterator[Flow]:
    """Unknown unicast goes to the learning ports here; group frames have got to every port here in LOCAL."""
    yield Flow(REMOTE, LOW, (from_fabric(segment),), goto=UNKNOWN)
    yield Flow(REMOTE, USUAL, (MULTICAST, from_fabric(segment)))


def _numbers(switch_ids: list[str], see: Reader) -> dict[int, list[int]]:
    """The switches' numbers, by blocks of PER_BLOCK."""
    blocks: dict[int, list[int]] = {}
    switches = [see.view(Switch, switch_id) for switch_id in switch_ids]
    for number in sorted(switch.number for switch in switches if switch is not None):
        blocks.setdefault(number // PER_BLOCK, []).append(number)
    return blocks


def _spread(segment: int, blocks: dict[int, list[int]]) -> Iterator[Flow]:
    for block, numbers in sorted(blocks.items()):
        actions = [action for number in numbers for action in (TO_SWITCH.put(number), resubmit(OUTBOUND.number))]
        yield Flow(SPREAD, USUAL, (BLOCK.match(block), from_here(segment)), tuple(actions))


def _floods(table: int, blocks: list[int]) -> tuple[Action, ...]:
    return tuple(action for block in blocks for action in (BLOCK.put(block), resubmit(table)))


ON_SWITCH = {"port": port_here, "network": network_here, "block": block_here}
IN_NETWORK = {"port": port_everywhere, "network": network_everywhere}
