"""Ranking of the switches that may be a router's gateway."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from controller.gateways.ranking import MOST, rank

HOSTS = [f"h{number}" for number in range(10)]
ROUTERS = [f"router-{number}" for number in range(1000)]
some = st.sets(st.sampled_from(HOSTS[:5]))


def fresh(router_id: str, hosts: list[str]) -> tuple[str, ...]:
    return rank(router_id, (), hosts, hosts, ())


def test_gateways_share_routers_evenly() -> None:
    shares = Counter(fresh(each, HOSTS)[0] for each in ROUTERS)
    assert set(shares) == set(HOSTS) and all(65 <= share <= 135 for share in shares.values())


def test_the_loss_of_one_moves_its_routers_only_and_to_all_others() -> None:
    before = {each: fresh(each, HOSTS) for each in ROUTERS}
    alive = set(HOSTS) - {"h3"}
    after = {each: rank(each, ranked, HOSTS, alive, ()) for each, ranked in before.items()}
    for each in ROUTERS:
        was, now = before[each], after[each]
        usable = [one for one in was if one != "h3"]
        assert now[0] == usable[0], "the next one is active, as the switches have it by themselves"
        assert set(usable) <= set(now) and len(now) == MOST
    shares = Counter(after[each][0] for each in ROUTERS if before[each][0] == "h3")
    assert set(shares) == alive and max(shares.values()) < 3 * sum(shares.values()) / len(alive)


def test_one_that_comes_back_becomes_a_standby() -> None:
    hosts = ["a", "b", "c"]
    first = fresh("r", hosts)
    gone = rank("r", first, hosts, set(hosts) - {first[0]}, ())
    assert gone == (*first[1:], first[0])
    assert rank("r", gone, hosts, hosts, ()) == gone


def test_a_new_switch_moves_nothing_that_has_a_gateway() -> None:
    for each in ROUTERS[:50]:
        held = fresh(each, HOSTS[:5])
        assert rank(each, held, HOSTS, HOSTS, ()) == held
        assert rank(each, held[:1], HOSTS, HOSTS, ())[0] == held[0]


def test_a_draining_one_leaves_unless_there_is_no_other() -> None:
    held = fresh("r", HOSTS)
    now = rank("r", held, HOSTS, HOSTS, (held[0],))
    assert now[:2] == held[1:] and held[0] not in now
    assert rank("r", ("a",), ["a"], ["a"], ["a"]) == ("a",)
    assert rank("r", ("a", "b"), ["a", "b"], ["a"], ["a"])[0] == "a"


def test_a_ranking_outlasts_the_death_of_all() -> None:
    assert rank("r", ("a", "b"), ["a", "b", "c"], (), ()) == ("a", "b")
    assert rank("r", (), (), (), ()) == ()


def test_a_standby_that_alone_does_not_hear_the_active_one_is_left_out() -> None:
    hosts = ["a", "b", "c"]
    held = fresh("r", hosts)
    severed = (held[1], held[0])
    assert rank("r", held, hosts, hosts, (), lambda *pair: pair == severed) == (held[0], held[2])


@given(st.lists(st.sampled_from(HOSTS[:5]), unique=True, max_size=3), some, some, some)
def test_as_said(current: list[str], candidates: set[str], alive: set[str], draining: set[str]) -> None:
    ranked = rank("r", tuple(current), candidates, alive, draining)
    assert len(set(ranked)) == len(ranked) <= MOST and set(ranked) <= candidates
    assert bool(ranked) == bool(candidates)
    best = (candidates & alive) - draining or candidates & alive
    if best:
        assert ranked[0] in best
        kept = [each for each in current if each in best]
        assert not kept or ranked[0] == kept[0]
        order = [each in best for each in ranked]
        assert order == sorted(order, reverse=True), "the dead are behind the living"
    assert rank("r", ranked, candidates, alive, draining) == ranked, "nothing moves when nothing changes"
