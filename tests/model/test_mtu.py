"""How large a tenant's packet may be, by what switches tell; and that the bookkeeping equals a look at all of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from controller.model.mtu import LABELLED, OVERHEAD, Room, wire_mtu
from controller.model.rows import Switch

PLAIN = Switch(id="s", number=1, dpid=1)
FOUR, SIX = (replace(PLAIN, encap_ip=address) for address in ("192.0.2.1", "2001:db8::1"))


@pytest.mark.parametrize(
    ("switches", "wired", "most"),
    [
        ([], False, 1450),
        ([FOUR], False, 1450),
        ([FOUR], True, 1428),  # labelled frames go in tunnels, too
        ([PLAIN], True, 1450),
        ([replace(FOUR, underlay_mtu=9000)], False, 8950),
        ([replace(SIX, underlay_mtu=9000), replace(FOUR, underlay_mtu=8990)], False, 8930),
        ([replace(PLAIN, wire_mtu=1500)], True, 1450),
        ([replace(PLAIN, wire_mtu=1460), replace(PLAIN, wire_mtu=1470)], True, 1438),
        ([replace(PLAIN, wire_mtu=1460)], False, 1450),  # it was; there is none now
        ([replace(FOUR, underlay_mtu=9000, wire_mtu=1500)], True, 1478),
    ],
)
def test_the_most(switches: list[Switch], wired: bool, most: int) -> None:
    room = Room()
    for switch in switches:
        room.change(None, switch)
    assert room.most(1500, wired).mtu == most
    assert (f"carries {most + LABELLED}," in room.most(1500, wired).why) == (wired and most in (1438, 1478))


def test_wires_that_carry_what_they_are_to_carry_make_nothing_narrower() -> None:
    room = Room()
    room.change(None, replace(PLAIN, wire_mtu=wire_mtu(9000)))
    assert room.most(9000, wired=True).mtu == 9000 - OVERHEAD


SWITCHES = st.builds(
    Switch, id=st.just("s"), number=st.just(1), dpid=st.just(1), encap_ip=st.sampled_from(["", "192.0.2.1", "::1"]),
    underlay_mtu=st.sampled_from([0, 1500, 9000]), wire_mtu=st.sampled_from([0, 1400, 1500, 9100]),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 3), st.none() | SWITCHES), max_size=20), st.booleans())
def test_after_any_changes_it_is_as_from_nothing(changes: list[tuple[int, Switch | None]], wired: bool) -> None:
    room, rows = Room(), dict[int, Switch]()
    for key, new in changes:
        room.change(rows.pop(key, None), new)
        if new is not None:
            rows[key] = new
    anew = Room()
    for switch in rows.values():
        anew.change(None, switch)
    assert room.most(1500, wired) == anew.most(1500, wired)


def test_new_networks_have_what_most_tell_and_between_some_switches_is_what_these_tell() -> None:
    room = Room()
    assert room.usual(1500, False).mtu == 1450
    told = [replace(FOUR, underlay_mtu=mtu) for mtu in (9000, 9000, 1280)]
    for switch in told:
        room.change(None, switch)
    assert room.most(1500, False).mtu == 1230
    assert room.usual(1500, False).mtu == 8950, "one alone does not decide for everybody"
    assert room.between(told[:2], 1500, False).mtu == 8950
    assert room.between(told[1:], 1500, False).mtu == 1230
    assert room.between([FOUR, None], 1500, False).mtu == 8950, "who tells nothing is as most"
    assert room.between([], 1500, False).mtu == 8950
    room.change(told[0], replace(FOUR, underlay_mtu=8000))
    assert room.usual(1500, False).mtu == 1230, "of what as many tell, the smallest"
