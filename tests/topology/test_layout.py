"""Where switches are drawn: in rows, none on another, the edge at the bottom."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.bench.paths_fat_tree import edges
from topology.layout import natural, places

NAMES = [f"s{n}" for n in range(1, 13)]
PAIRS = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda pair: pair[0] != pair[1])


@given(st.lists(PAIRS, max_size=20), st.dictionaries(st.sampled_from(NAMES), st.integers(1, 4)))
def test_nothing_is_on_anything_else_and_what_is_attached_is_below(
    wires: list[tuple[str, str]], attached: dict[str, int]
) -> None:
    hanging = {switch: [f"{switch}-h{n}" for n in range(count)] for switch, count in attached.items()}
    found = places(dict(zip(NAMES, NAMES, strict=True)), wires, hanging, [])
    assert found.keys() == set(NAMES) | {key for keys in hanging.values() for key in keys}
    assert all(place.x > 0 and place.row >= 0 for place in found.values())
    rows: dict[int, list[float]] = {}
    for place in found.values():
        rows.setdefault(place.row, []).append(place.x)
    assert all(right - left > 0.99 for row in rows.values() for left, right in pairwise(sorted(row)))
    for switch, keys in hanging.items():
        assert all(found[key].row == found[switch].row + 1 for key in keys)


def test_a_fat_tree_has_its_three_rows() -> None:
    wires = edges(4)
    names = {name: name for pair in wires for name in pair}
    found = places(names, wires, {}, [name for name in names if name.startswith("e")])
    assert {name[0]: place.row for name, place in found.items()} == {"c": 0, "a": 1, "e": 2}


def test_a_line_is_in_its_order() -> None:
    found = places(dict(zip(NAMES, NAMES, strict=True)), list(pairwise(NAMES)), {}, NAMES)
    assert sorted(NAMES, key=lambda name: found[name].x) == NAMES == sorted(NAMES, key=natural)
