"""Groups by which a packet gets to the gateway that is alive, and by which one gateway acts towards the outside."""

from __future__ import annotations

from msgspec.structs import replace

from apps.gateways import in_turn, takes, to_gateway
from apps.pipeline import OUTBOUND, TO_SWITCH
from controller.flow import Action, Bucket, Group, resubmit, to_group
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import GatewayRanking, Link, Row, WatchPort
from tests.apps.clouds import switch
from tests.world import change

HERE, OWN, OTHERS = (resubmit(3),), (resubmit(4),), (resubmit(5),)


def cloud(*ranked: str, leaving: str = "", used: bool = True) -> Model:
    """Three switches; each has heard each of the others: switch 1 hears switch 2 at port 12."""
    model = Model()
    rows: list[Row] = [switch(number) for number in (1, 2, 3)]
    rows += [
        WatchPort(switch_id=f"h{one}", far_switch_id=f"h{other}", ofport=10 * one + other)
        for one in (1, 2, 3)
        for other in (1, 2, 3)
        if one != other
    ]
    change(model, *rows, GatewayRanking(id="r", switches=ranked, leaving=leaving, used=used))
    return model


def to(number: int) -> tuple[Action, ...]:
    return TO_SWITCH.put(number), resubmit(OUTBOUND.number)


def choice(*buckets: Bucket) -> bytes:
    """The last bucket watches the tunnel port for all peers, which is always alive."""
    buckets = (*buckets[:-1], buckets[-1]._replace(watch=900))
    return said((to_group(Group("fast_failover", buckets)),))


def said(actions: tuple[Action, ...]) -> bytes:
    """As the switch is told; a group's number is a digest of it."""
    return b"".join([action.wire for action in actions])


def towards(model: Model, switch_id: str) -> bytes:
    return said(to_gateway("r", Reader(model, switch_id), HERE))


def outside(model: Model, switch_id: str) -> bytes | None:
    actions = in_turn("r", Reader(model, switch_id), OWN, OTHERS)
    return None if actions is None else said(actions)


def test_who_uses_a_gateway_turns_to_the_next_one_alive() -> None:
    model = cloud("h2", "h3")
    assert towards(model, "h1") == choice(Bucket(to(2), 12), Bucket(to(3)))
    assert towards(model, "h3") == choice(Bucket(to(2), 32), Bucket(HERE))
    assert towards(model, "h2") == said(HERE), "whatever comes after it"
    assert towards(cloud("h2"), "h1") == said(to(2))
    assert to_gateway("s", Reader(model, "h1"), HERE) == ()


def test_who_may_be_the_gateway_acts_when_those_before_it_are_dead() -> None:
    model = cloud("h2", "h3", "h1")
    assert outside(model, "h2") == said(OWN)
    assert outside(model, "h3") == choice(Bucket(OTHERS, 32), Bucket(OWN))
    assert outside(model, "h1") == choice(Bucket(OTHERS, 12), Bucket(OTHERS, 13), Bucket(OWN))
    assert outside(cloud("h2", "h3"), "h1") is None
    assert in_turn("s", Reader(model, "h1"), OWN) is None


def test_a_former_gateway_takes_what_comes_back_but_does_not_answer_for_the_address() -> None:
    model = cloud("h2", leaving="h3")
    assert outside(model, "h3") is None and outside(model, "h1") is None
    assert [takes("r", Reader(model, name)) for name in ("h1", "h2", "h3")] == [False, True, True]
    assert not takes("r", Reader(cloud("h2", "h3"), "h2"))


def test_until_the_next_gateway_is_ready_the_former_is_used_and_both_take_what_comes() -> None:
    model = cloud("h2", "h1", leaving="h3", used=False)
    assert towards(model, "h1") == choice(Bucket(to(3), 13), Bucket(to(2), 12), Bucket(HERE))
    assert towards(model, "h2") == choice(Bucket(to(3), 23), Bucket(HERE)) and towards(model, "h3") == said(HERE)
    assert outside(model, "h3") == said(OWN) and outside(model, "h2") == choice(Bucket(OTHERS, 23), Bucket(OWN))
    assert [takes("r", Reader(model, name)) for name in ("h1", "h2", "h3")] == [False, True, True]
    standby = choice(Bucket(OTHERS, 13), Bucket(OTHERS, 12), Bucket(OWN))
    assert outside(model, "h1") == standby


def test_a_switch_that_has_not_been_heard_counts_as_alive() -> None:
    model = cloud("h2", "h3")
    change(model, "watch_port/h1/h2", "watch_port/h3/h2")
    assert towards(model, "h1") == said(to(2))
    assert towards(model, "h3") == said(to(2))
    assert outside(model, "h3") == said(OTHERS)


def test_no_flow_changes_as_a_session_goes_down() -> None:
    model = cloud("h2", "h3")
    see = Reader(model, "h1")
    to_gateway("r", see, HERE)
    down = WatchPort(switch_id="h1", far_switch_id="h2", ofport=12, up=False)
    assert not change(model, down) & see.deps
    assert change(model, replace(down, ofport=99)) & see.deps


def test_over_wires_the_next_one_is_the_first_that_a_route_leads_to() -> None:
    model = Model()
    plain = [replace(switch(number), encap_ip="", tunnels=()) for number in (1, 2, 3)]
    wires = [(1, 2), (2, 1), (1, 3), (3, 1)]
    links = [Link(switch_id=f"h{a}", ofport=b, far_switch_id=f"h{b}", far_ofport=a) for a, b in wires]
    change(model, *plain, *links, GatewayRanking(id="r", switches=("h2", "h3")))
    assert towards(model, "h1") == said(to(2)) and outside(model, "h3") == said(OTHERS)
    see = Reader(model, "h1")
    to_gateway("r", see, HERE)
    assert change(model, "link/h1/2", "link/h2/1") & see.deps
    assert towards(model, "h1") == said(to(3))
    assert outside(model, "h3") == said(OWN)
