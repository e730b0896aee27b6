"""Group frames to ports with filters: judged once for all ports of a block with the same security groups.

Open vSwitch looks a frame up 4,096 times at most (docs/decisions/0074-logical-ports.md), so a judgement for each copy
would be too many.  Each is of a copy of the frame that comes back from the connection tracker, which counts anew: what
one tenant's ports ask costs those beside them nothing.  The tracker is asked for the tuple alone, and makes no
connection; in the zone of one of the ports, where fragments meet none of another network (decision 110).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from controller.flow import Action, Flow, ct, field, in_order, load, resubmit
from controller.flow.digest import of_bytes
from controller.flow.fields import FEW, MEMO
from controller.model.reader import Reader
from controller.model.rows import Network, Switch

from ..matches import IPV4, IPV6, bits, of_network
from ..pipeline import (
    ALIKE,
    ALLOWED,
    BLOCK,
    FLOOD_ALIKE,
    FLOOD_BLOCKS,
    FLOOD_COPIES,
    FLOOD_FILTER,
    FLOOD_JUDGE,
    HIGH,
    HIGHEST,
    INWARD,
    OUT_KEY,
    PERMITTED,
    SAME_GROUPS,
    STATELESS,
    USUAL,
)
from .kinds import filter_of, numbers
from .ports import asking
from .stages import LATER, RECEIVED_ALWAYS, TRACKED, VALID

OWN_TUPLE = field("ct_state", "-rel-rpl-inv+trk")  # the tuple of its connection is the packet's own
_INWARD = load("reg14[16..17]", INWARD)  # nothing allowed yet
_COPIED = resubmit(PERMITTED.number)
_ALLOWED = load("reg14[16..17]", INWARD | 2)


def switch(_: Switch, see: Reader, permitted: tuple[int, ...]) -> Iterator[Flow]:
    yield from _always(permitted)


@lru_cache(FEW)
def _always(permitted: tuple[int, ...]) -> tuple[Flow, ...]:
    """What always passes, and what is judged; the same on every switch."""
    return tuple(_passing(permitted))


def _passing(permitted: tuple[int, ...]) -> Iterator[Flow]:
    passes = (_ALLOWED, resubmit(FLOOD_BLOCKS.number), _INWARD)
    for match in RECEIVED_ALWAYS:
        yield Flow(FLOOD_FILTER, HIGHEST, match, passes)
    for number in permitted:
        yield Flow(FLOOD_FILTER, HIGH, (field("eth_type", number),), passes)
    for family in (IPV4, IPV6):
        yield Flow(FLOOD_FILTER, USUAL, (family,), (_INWARD, resubmit(FLOOD_BLOCKS.number)))
        later = in_order(family, LATER, VALID)  # no ports to judge by; it comes only with the first, which has
        yield Flow(FLOOD_ALIKE, HIGH, later, (ALLOWED.put(1),), goto=FLOOD_COPIES)


def network(network: Network, see: Reader) -> Iterator[Flow]:
    """The blocks of the network's ports here in which there are filtered ones."""
    blocks = see.filtered_blocks(see.switch_id, network.id)
    if not blocks:
        return
    each = tuple(action for block in blocks for action in (BLOCK.put(block), resubmit(FLOOD_JUDGE.number)))
    yield Flow(FLOOD_BLOCKS, USUAL, (of_network(network.segment),), each)


def block(of: tuple[str, int], see: Reader) -> Iterator[Flow]:
    network_id, block = of
    network = see.view(Network, network_id)
    alike = _alike(network_id, block, see)
    if network is None or not alike:
        return
    here = of_network(network.segment)
    judged: list[Action] = []
    passed: list[Action] = []
    for number, (groups, keys) in enumerate(sorted(alike.items())):
        same = of_bytes(repr(groups).encode()) % (1 << SAME_GROUPS.width)
        these = (bits((BLOCK, block), (ALIKE, number)), SAME_GROUPS.match(same), here)
        named = (ALIKE.put(number), SAME_GROUPS.put(same))
        if groups.numbers:
            judged += (*named, ct(keys[0], FLOOD_ALIKE.number))
            state = TRACKED if groups.kind == STATELESS else OWN_TUPLE
            yield Flow(FLOOD_ALIKE, USUAL, in_order(*these, state), asking(groups.numbers), goto=FLOOD_COPIES)
        passed += (*named, resubmit(FLOOD_COPIES.number))
        out = tuple(chain.from_iterable(map(_copy, keys)))
        yield Flow(FLOOD_COPIES, USUAL, in_order(*these, ALLOWED.match(1)), out)
    for family in (IPV4, IPV6) if judged else ():
        yield Flow(FLOOD_JUDGE, USUAL, in_order(family, BLOCK.match(block), ALLOWED.match(0), here), tuple(judged))
    yield Flow(FLOOD_JUDGE, USUAL, (BLOCK.match(block), ALLOWED.match(1), here), tuple(passed))


class _Groups(NamedTuple):
    """What ports are judged alike by: the kind of their filter, and the numbers of their groups."""

    kind: int
    numbers: tuple[int, ...]


@lru_cache(MEMO)
def _copy(key: int) -> tuple[Action, Action]:
    """A copy for the port with this key."""
    return OUT_KEY.put(key), _COPIED


def _alike(network_id: str, block: int, see: Reader) -> dict[_Groups, list[int]]:
    """The groups -> keys, in ascending order, of the block's filtered ports that have just these groups."""
    found: dict[_Groups, list[int]] = {}
    asked: dict[tuple[str, ...], _Groups] = {}  # found out once for all ports with the same groups
    for copy in see.copies(see.switch_id, network_id, block):
        if not copy.filtered:
            continue
        groups = asked.get(copy.security_groups)
        if groups is None:
            groups = asked[copy.security_groups] = _Groups(filter_of(copy, see), numbers(copy, see))
        found.setdefault(groups, []).append(copy.port_key)
    return found


ON_SWITCH = {"switch": switch, "network": network, "block": block}
