"""Group frames to ports with filters: judged once for all ports of a block with the same security groups.

Open vSwitch looks a frame up 4,096 times at most (docs/decisions/0074-logical-ports.md), so a judgement for each copy
would be too many.  IP is tracked once for its tuple, in a zone of no port's, and no connection is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

from controller.flow import Action, Flow, ct, field, in_order, load, resubmit
from controller.flow.fields import MEMO
from controller.model.reader import Reader
from controller.model.rows import Network, Switch

from ..pipeline import (
    ALIKE,
    ALLOWED,
    BLOCK,
    FLOOD_BLOCKS,
    FLOOD_COPIES,
    FLOOD_FILTER,
    FLOOD_JUDGE,
    HIGH,
    HIGHEST,
    INWARD,
    IPV4,
    IPV6,
    OUT_KEY,
    PERMITTED,
    USUAL,
    bits,
    of_network,
)
from .kinds import numbers
from .ports import asking
from .stages import LATER, RECEIVED_ALWAYS, VALID

ZONE = 65_535  # no port's, and nothing is ever committed in it
_INWARD = load("reg14[16..17]", INWARD)  # nothing allowed yet
_COPIED = resubmit(PERMITTED.number)
_ALLOWED = load("reg14[16..17]", INWARD | 2)


def switch(_: Switch, see: Reader, permitted: tuple[int, ...]) -> Iterator[Flow]:
    """What always passes, and what is judged; the same on every switch."""
    passes = (_ALLOWED, resubmit(FLOOD_BLOCKS.number), _INWARD)
    for match in RECEIVED_ALWAYS:
        yield Flow(FLOOD_FILTER, HIGHEST, match, passes)
    for number in permitted:
        yield Flow(FLOOD_FILTER, HIGH, (field("eth_type", number),), passes)
    for family in (IPV4, IPV6):
        yield Flow(FLOOD_FILTER, USUAL, (family,), (_INWARD, ct(ZONE, FLOOD_BLOCKS.number)))


def network(network: Network, see: Reader) -> Iterator[Flow]:
    """The blocks of the network's ports here in which there are filtered ones."""
    blocks = see.filtered_blocks(see.switch_id, network.id)
    if not blocks:
        return
    of = of_network(network.segment)
    each = tuple(action for block in blocks for action in (BLOCK.put(block), resubmit(FLOOD_JUDGE.number)))
    yield Flow(FLOOD_BLOCKS, USUAL, (of,), each)
    for family in (IPV4, IPV6):  # they have no ports to judge by, and come only with the first, which has
        later = in_order(family, LATER, VALID, of)
        yield Flow(FLOOD_BLOCKS, HIGH, later, (_ALLOWED, *each))


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
        copies = (ALIKE.put(number), resubmit(FLOOD_COPIES.number))
        if groups:
            judged += (*asking(groups), *copies, ALLOWED.put(0))
        passed += copies
        out = tuple(chain.from_iterable(map(_copy, keys)))
        yield Flow(FLOOD_COPIES, USUAL, (bits((BLOCK, block), (ALIKE, number)), ALLOWED.match(1), here), out)
    yield Flow(FLOOD_JUDGE, USUAL, (BLOCK.match(block), ALLOWED.match(0), here), tuple(judged))
    yield Flow(FLOOD_JUDGE, USUAL, (BLOCK.match(block), ALLOWED.match(1), here), tuple(passed))


@lru_cache(MEMO)
def _copy(key: int) -> tuple[Action, Action]:
    """A copy for the port with this key."""
    return OUT_KEY.put(key), _COPIED


def _alike(network_id: str, block: int, see: Reader) -> dict[tuple[int, ...], list[int]]:
    """The groups' numbers -> keys of the block's filtered ports that have just these groups."""
    found: dict[tuple[int, ...], list[int]] = {}
    asked: dict[tuple[str, ...], tuple[int, ...]] = {}  # found out once for all ports with the same groups
    for copy in see.copies(see.switch_id, network_id, block):
        if not copy.filtered:
            continue
        groups = asked.get(copy.security_groups)
        if groups is None:
            groups = asked[copy.security_groups] = numbers(copy, see)
        found.setdefault(groups, []).append(copy.port_key)
    return found


HERE = {"switch": switch, "network": network, "block": block}
