"""Cutting subnets out of a pool, against a search of every place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controller.intent import pools, ranges, subnets
from controller.model.rows import Subnet, SubnetPool
from controller.runtime.errors import Conflict

from .world import World

LENGTH = 26  # the longest prefix that is cut here


def free(pool: SubnetPool, taken: list[Subnet], length: int) -> set[str]:
    """Every block of this length that is free."""
    size = 1 << (32 - length)
    found = set()
    for prefix in pool.prefixes:
        first, last = ranges.whole(prefix)
        for start in range(first, last + 2 - size, size):
            block = (start, start + size - 1)
            if not any(ranges.overlap(block, ranges.whole(subnet.cidr)) for subnet in taken):
                found.add(f"{ranges.text(4, start)}/{length}")
    return found


steps = st.lists(st.one_of(st.integers(24, LENGTH), st.integers(-6, -1)), max_size=25)


@given(st.sampled_from([("10.0.0.0/23",), ("10.0.0.0/24", "10.2.0.0/24"), ("10.0.0.0/25", "10.1.0.0/24")]), steps)
def test_a_cut_is_free_and_there_is_one_while_anything_is(prefixes: tuple[str, ...], steps: list[int]) -> None:
    """A positive step cuts a prefix of that length, a negative one deletes a subnet."""
    world = World()
    pool = world.run(lambda tx: pools.create(tx, "red", {"prefixes": prefixes, "min_prefixlen": 24}, world.means))
    there: list[Subnet] = []
    for step in steps:
        if step < 0:
            if there:
                gone = there.pop(step % len(there))
                world.run(lambda tx, gone=gone: subnets.delete(tx, gone.id, world.means))  # type: ignore[misc]
            continue
        network = world.network()
        request = subnets.SubnetRequest(network_id=network.id, subnetpool_id=pool.id, prefixlen=step)
        places = free(pool, there, step)
        try:
            made = world.run(lambda tx, request=request: subnets.create(tx, "red", request, world.means))  # type: ignore[misc]
        except Conflict as refused:
            assert refused.kind == "SubnetAllocationError" and not places
        else:
            assert made.cidr in places
            there.append(made)
    held = {key for key in world.model.taken if key.startswith("taken/pool/")}
    assert held == {f"taken/pool/{pool.id}/{subnet.id}" for subnet in there}
