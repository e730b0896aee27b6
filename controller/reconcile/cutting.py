"""Cutting of a large change into several bundles, where no mixture of old and new flows lets a wrong packet through.

Open vSwitch commits a bundle in one go and forwards nothing meanwhile; between two bundles it does.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.flow import Flow

from .needs import NONE
from .target import Batch

MOST = 1000  # flows of one part


def cut(batch: Batch, leaving: Mapping[int, Flow], most: int = MOST) -> list[Batch]:
    """The parts of `batch`, to be sent one after the other, each with `most` flows; one if it must be in force at once.

    `leaving`: the flows of `batch.drop`, as far as they were wanted before.

    Additions go from the last table of the pipeline to the first, in each table from the highest priority down: no
    packet is led to a flow before all is there that it meets afterwards.  Removals go the other way: what no longer
    gets in meets nothing that is half gone.  A flow that replaces one of the same match counts as neither, and goes
    with the additions.  A change that both adds and removes is one bundle: an object's new flows never meet those of
    its predecessor, which may have had its port, address or key.  So is one that removes flows which nobody here knows.
    """
    if len(batch.put) + len(batch.drop) <= most or not leaving.keys() >= batch.drop:
        return [batch]
    replaced: dict[bytes, set[int]] = {flow.key: set() for flow in batch.put}
    removed = []
    for cookie in batch.drop:
        if (key := leaving[cookie].key) in replaced:
            replaced[key].add(cookie)
        else:
            removed.append(cookie)
    if removed and not all(replaced.values()):
        return [batch]
    put = sorted(batch.put, key=lambda flow: (-flow.table.number, -flow.priority))
    removed.sort(key=lambda cookie: (leaving[cookie].table.number, -leaving[cookie].priority))
    added = [put[start : start + most] for start in range(0, len(put), most)]
    parts = [Batch(some, {cookie for flow in some for cookie in replaced[flow.key]}) for some in added]
    parts += [Batch([], set(removed[start : start + most])) for start in range(0, len(removed), most)]
    return _with_needs(parts, batch)


def _with_needs(parts: list[Batch], batch: Batch) -> list[Batch]:
    """`parts`, with what flows refer to before the first of them, and what none refers to any more after the last."""
    groups, meters, zones = batch.groups, batch.meters, batch.zones
    first = parts[0]._replace(
        groups=groups._replace(gone=NONE.gone), meters=meters._replace(gone=NONE.gone), zones=zones._replace(ended=())
    )
    parts = [first, *parts[1:]]
    last = parts.pop()
    last_groups, last_meters = last.groups._replace(gone=groups.gone), last.meters._replace(gone=meters.gone)
    last_zones = last.zones._replace(ended=zones.ended)
    return [*parts, last._replace(groups=last_groups, meters=last_meters, zones=last_zones)]
