"""Cuts through a cluster whose etcd has three members: between those, and with members of Tenet on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.machine import Machine
from tests.cluster.pinging import Pinging, pinging
from tests.cluster.site import LEASE, Member, messages
from tests.lab.cloud import until

MOVES = 6.0  # seconds in which etcd chooses a new leader and its clients have found it


@pytest.fixture(scope="module")
def whole() -> Iterator[Pinging]:
    with pinging(engines=3) as made:
        yield made


@pytest.fixture
def spread(whole: Pinging) -> Iterator[Pinging]:
    whole.site.settled()
    yield whole
    whole.site.settled(40.0)
    whole.site.right()
    ports = whole.site.cloud.v2("acme").list("port")
    addresses = [fixed["ip_address"] for port in ports for fixed in port["fixed_ips"]]
    assert len(set(addresses)) == len(addresses)


@contextmanager
def cut(ones: list[Machine], others: list[Machine]) -> Iterator[None]:
    """Nothing goes between the two sides, in either direction."""
    sides = [(ones, others), (others, ones)]
    for machines, far in sides:
        for machine in machines:
            machine.cut(*(each.address for each in far))
    try:
        yield
    finally:
        for machines, far in sides:
            for machine in machines:
                machine.heal(*(each.address for each in far))


def create(spread: Pinging, member: Member, name: str) -> int:
    # of a service: no security group, so that a port that is plugged in nowhere has no flow anywhere
    service = {"device_owner": "network:tests"}
    body = {"port": {"network_id": spread.network["id"], "project_id": "acme", "name": name, **service}}
    return member.api("POST", "/v2.0/ports", body).status


def created(spread: Pinging, member: Member, name: str) -> bool:
    return until(lambda: create(spread, member, name) == 201, MOVES + LEASE)


def there(spread: Pinging, member: Member, *names: str) -> bool:
    found = [port["name"] for port in member.api("GET", "/v2.0/ports").json["ports"]]
    return all(found.count(name) == 1 for name in names)


def test_a_minority_of_etcd_with_the_member_beside_it(spread: Pinging) -> None:
    """Whoever is on the side of the minority stops; the other side takes over and goes on."""
    made = spread.site
    lonely = made.master("hv1")
    others = [member for member in made.members if member is not lonely]
    minority, *majority = made.etcd.members
    traffic, sent = spread.one.pinging(spread.address), messages(made.members)
    far = [*(each.machine for each in majority), *(member.machine for member in others)]
    with cut([lonely.machine, minority.machine], far):
        assert until(lambda: not lonely.cluster()["writing"], LEASE + MOVES)
        assert until(lambda: made._holds(others[0], "hv1") or made._holds(others[1], "hv1"), LEASE + MOVES)
        assert all(created(spread, member, f"cut-{member.name}") for member in others)
        refused = lonely.api(
            "POST", "/v2.0/ports", {"port": {"network_id": spread.network["id"], "project_id": "acme"}}
        )
        assert refused.status == 503 and refused.headers.get("retry-after")
        assert lonely.api("GET", "/v2.0/ports").status == 200
        assert not there(spread, lonely, f"cut-{others[0].name}")  # it knows what it knew
        assert messages(made.members) == sent
    assert until(lambda: there(spread, lonely, *(f"cut-{member.name}" for member in others)), 20.0)
    assert created(spread, lonely, "healed")
    assert traffic.stop() == []


def test_the_leader_of_etcd_is_cut_off_from_its_followers(spread: Pinging) -> None:
    """Every member still reaches every etcd: those that spoke to the old leader find another."""
    made = spread.site
    leader = made.etcd.leader()
    followers = [each for each in made.etcd.members if each is not leader]
    made.use(made.members[0])
    traffic, sent = spread.one.pinging(spread.address), messages(made.members)
    with cut([leader.machine], [each.machine for each in followers]):
        assert all(created(spread, member, f"led-{member.name}") for member in made.members)
        assert until(lambda: all(member.cluster()["writing"] for member in made.members), LEASE + MOVES)
        assert all(there(spread, member, *(f"led-{each.name}" for each in made.members)) for member in made.members)
        assert messages(made.members) == sent
    assert created(spread, made.members[0], "led-again")
    assert traffic.stop() == []


def test_etcd_without_a_majority(spread: Pinging) -> None:
    """Each alone: nobody can write, nobody loses anything."""
    made = spread.site
    one, two, three = (each.machine for each in made.etcd.members)
    traffic, sent = spread.one.pinging(spread.address), messages(made.members)
    with cut([one], [two, three]), cut([two], [three]):
        assert until(lambda: not any(member.cluster()["writing"] for member in made.members), LEASE + MOVES)
        assert [create(spread, member, "nowhere") for member in made.members] == [503] * 3
        assert all(member.api("GET", "/v2.0/ports").status == 200 for member in made.members)
    made.settled(40.0)
    assert messages(made.members) == sent
    assert all(created(spread, member, f"whole-{member.name}") for member in made.members)
    assert traffic.stop() == []
