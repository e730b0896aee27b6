"""A large change in several bundles: equal at the end, and on the way never a packet where it should not be."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.pipeline import CLASSIFY, DELIVER, LOCAL, PERMIT, SOURCE
from controller.flow import Flow, OwnedConnections, Table, field, output
from controller.flow.group import Bucket, Group
from controller.flow.meter import Meter
from controller.reconcile.cutting import MOST, cut
from controller.reconcile.needs import Difference
from controller.reconcile.target import Batch
from controller.reconcile.zones import ZoneChanges

TABLES = (CLASSIFY, SOURCE, LOCAL, PERMIT, DELIVER)


def flow(table: Table, number: int, does: int = 1, priority: int = 100) -> Flow:
    name = {"classify": "in_port", "source": "reg6", "local": "eth_dst", "permit": "reg7", "deliver": "reg7"}[
        table.name
    ]
    return Flow(table, priority, (field(name, number + 1),), (output(does),))


def leaving(flows: Iterable[Flow]) -> dict[int, Flow]:
    return {one.cookie: one for one in flows}


def objects(count: int, does: int = 1) -> list[Flow]:
    """Of each object a flow in every table."""
    return [flow(table, number, does) for number in range(count) for table in TABLES]


def places(flows: Iterable[Flow]) -> list[int]:
    return [one.table.number for one in flows]


def test_a_short_change_is_one_bundle() -> None:
    batch = Batch(objects(MOST // len(TABLES)), set())
    assert cut(batch, {}) == [batch]


def test_additions_come_from_the_last_table_to_the_first() -> None:
    put = objects(100)
    parts = cut(Batch(put, set()), {}, 40)
    assert [len(part.put) for part in parts] == [40] * 12 + [20] and not any(part.drop for part in parts)
    sent = [one for part in parts for one in part.put]
    assert set(sent) == set(put) and places(sent) == sorted(places(put), reverse=True)


def test_in_a_table_the_higher_priority_comes_first() -> None:
    """An exception that drops is there before the rule that it is an exception from."""
    put = [flow(SOURCE, number, priority=priority) for number in range(30) for priority in (10, 100, 50)]
    sent = [one for part in cut(Batch(put, set()), {}, 7) for one in part.put]
    assert [one.priority for one in sent] == [100] * 30 + [50] * 30 + [10] * 30


def test_removals_go_from_the_first_table_to_the_last() -> None:
    gone = leaving(objects(100))
    parts = cut(Batch([], set(gone)), gone, 40)
    assert [len(part.drop) for part in parts] == [40] * 12 + [20] and not any(part.put for part in parts)
    for one, following in pairwise(parts):
        assert max(places(map(gone.get, one.drop))) <= min(places(map(gone.get, following.drop)))  # type: ignore[arg-type]


def test_what_is_replaced_goes_with_its_successor() -> None:
    """Else its cookie would count as installed when the flow is long overwritten."""
    old, new = objects(50, does=1), [*objects(50, does=2), *(flow(LOCAL, number) for number in range(50, 100))]
    gone = leaving(old)
    parts = cut(Batch(new, set(gone)), gone, 40)
    assert len(parts) == 8 and set().union(*(part.drop for part in parts)) == set(gone)
    for part in parts:
        assert {gone[cookie].key for cookie in part.drop} <= {one.key for one in part.put}


def test_replacements_come_before_removals() -> None:
    """A flood no longer mentions the ports that then go."""
    gone = leaving([flow(LOCAL, 1), *objects(100)[5 * 10 :]])
    parts = cut(Batch([flow(LOCAL, 1, does=2)], set(gone)), gone, 40)
    assert parts[0] == Batch([flow(LOCAL, 1, does=2)], {flow(LOCAL, 1).cookie})
    assert sum(len(part.drop) for part in parts) == len(gone) and not any(part.put for part in parts[1:])


def test_what_adds_and_removes_is_one_bundle() -> None:
    """A port's new owner never meets the flows of the one before."""
    gone = leaving(objects(100)[:1])
    batch = Batch(objects(100)[5:], set(gone))
    assert cut(batch, gone, 40) == [batch]


def test_what_removes_unknown_flows_is_one_bundle() -> None:
    batch = Batch(objects(100), {77})
    assert cut(batch, {}, 40) == [batch]


def test_what_flows_refer_to_comes_first_and_goes_last() -> None:
    group = Group("select", (Bucket((output(1),)),))
    groups = Difference((group,), frozenset({5}), frozenset({6}))
    meters = Difference((Meter(70_000, 5, 1, 1),), frozenset({70_001}))
    parts = cut(
        Batch(objects(20), set(), groups, meters, ZoneChanges((OwnedConnections(3),), (OwnedConnections(4),))), {}, 40
    )
    assert [part.zones for part in parts] == [(((3, 0),), ()), ((), ()), ((), ((4, 0),))]
    assert len(parts) == 3
    assert [part.groups.missing for part in parts] == [(group,), (), ()]
    assert [part.meters.missing for part in parts] == [meters.missing, (), ()]
    assert [part.groups.gone for part in parts] == [frozenset(), frozenset(), frozenset({5})]
    assert [part.meters.gone for part in parts] == [frozenset(), frozenset(), frozenset({70_001})]
    assert parts[0].groups.clashing == {6}


_flows = st.dictionaries(
    st.tuples(st.sampled_from(TABLES), st.integers(0, 8), st.sampled_from([50, 100])), st.integers(1, 2), max_size=60
)


@settings(deadline=None)
@given(_flows, _flows, st.integers(1, 9), st.sampled_from(["as it is", "only more", "only less"]))
def test_the_parts_come_to_the_same(
    before: dict[tuple[Table, int, int], int], after: dict[tuple[Table, int, int], int], most: int, how: str
) -> None:
    after = {**before, **after} if how == "only more" else after
    after = {key: does for key, does in after.items() if key in before} if how == "only less" else after
    old, new = (
        {flow(table, number, does, priority) for (table, number, priority), does in some.items()}
        for some in (before, after)
    )
    gone = leaving(old - new)
    parts = cut(Batch(sorted(new - old, key=lambda one: one.cookie), set(gone)), gone, most)
    held = {one.key: one for one in old}
    for part in parts:
        held |= {one.key: one for one in part.put}
        held = {key: one for key, one in held.items() if one.cookie not in part.drop}
        if len(parts) > 1:
            assert set(held) <= {one.key for one in old} | {one.key for one in new}
            assert len(part.put) <= most and len(part.drop) <= most
    assert held == {one.key: one for one in new}
    if how != "as it is" and max(len(new - old), len(gone)) > most:
        assert len(parts) > 1
