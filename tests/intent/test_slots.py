"""Quotas as slots: which numbers may be drawn, and that no order of commits passes a limit."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.intent import quotas, slots
from controller.intent.env import Means, means
from controller.model.model import Applied, Model
from controller.model.rows import Network, Quota, RbacPolicy, Row
from controller.runtime.errors import Changed, Conflict
from controller.store.codec import decode
from controller.store.transaction import Transaction

MEANS = means()


@given(held=st.sets(st.integers(0, 40)), left=st.integers(1, 30), count=st.integers(1, 10), seed=st.integers(0, 99))
def test_what_is_drawn_is_among_the_lowest_free(held: set[int], left: int, count: int, seed: int) -> None:
    count = min(count, left)
    bits = sum(1 << number for number in held)
    drawn = slots.draw(bits, left, count, MEANS._replace(below=random.Random(seed).randrange))
    lowest = [number for number in range(100) if number not in held][:left]
    assert len(set(drawn)) == count
    assert set(drawn) <= set(lowest)


def test_every_one_of_them_can_be_drawn() -> None:
    assert {slots.draw(0b1011, 3, 1, MEANS)[0] for _ in range(500)} == {2, 4, 5}


class Stores:
    """A store that holds nothing but what Transaction reads and writes: checked and applied at once."""

    def __init__(self) -> None:
        self.revision = 0
        self.data: dict[str, tuple[int, bytes]] = {}
        self.feed: list[list[tuple[int, str, bytes | None]]] = []

    def commit(self, tx: Transaction) -> None:
        for key, revision in tx.read.items():
            now = self.data.get(key, (0, b""))[0]
            if now != revision:
                raise Changed([key], self.revision)
        self.revision += 1
        for key, value in tx.write.items():
            if value is None:
                self.data.pop(key, None)
            else:
                self.data[key] = (self.revision, value)
        self.feed.append([(self.revision, key, value) for key, value in tx.write.items()])


def catch_up(model: Model, store: Stores) -> None:
    for changes in store.feed[model.revision :]:
        model.apply([Applied(revision, key, _row(key, value)) for revision, key, value in changes])


def _row(key: str, value: bytes | None) -> Row | str | None:
    if value is None:
        return None
    return value.decode() if key.startswith("taken/") else decode(key, value)


class Member:
    """A member of a cluster, whose replica follows when it is told: what it writes in between relies on what was."""

    def __init__(self, store: Stores) -> None:
        self.store = store
        self.model = Model()

    def write(self, do: str, nth: int, limit: int) -> None:
        tx = Transaction(self.model)
        there = sorted(self.model.rows(Network).values(), key=lambda row: row.id)
        if do == "limit":
            quotas.change(tx, "p", {"network": limit}, forced=True)
        elif do == "delete" and there:
            tx.delete(there[nth % len(there)])
        elif do == "create":
            for _ in range(1 + nth % 3):
                tx.put(_network())
        try:
            slots.settle(tx, {"network": 4}, MEANS)
            self.store.commit(tx)
        except (Conflict, Changed):
            return


def _network() -> Network:
    return Network(id=MEANS.new_id(), project_id="p", mtu=1450, network_type="vxlan", segment=1)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "create", "create", "create", "delete", "limit", "follow", "follow"]),
        st.integers(0, 2),
        st.integers(0, 50),
        st.integers(-1, 8),
    ),
    min_size=20,
    max_size=80,
)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_no_order_of_commits_makes_more_than_the_limit(steps: list[tuple[str, int, int, int]]) -> None:
    """Every commit that makes something leaves the project within the limit that is in force."""
    store = Stores()
    members = [Member(store) for _ in range(3)]
    truth = Model()
    for do, who, nth, limit in steps:
        if do == "follow":
            catch_up(members[who].model, store)
            continue
        before = truth.count(Network, "project_id", "p")
        members[who].write(do, nth, limit)
        catch_up(truth, store)
        after = truth.count(Network, "project_id", "p")
        now = quotas.limits(truth.rows(Quota).get("p"), {"network": 4})["network"]
        assert after <= before or now < 0 or after <= now


def test_what_is_deleted_gives_its_slot_back_and_what_is_not_counted_holds_none() -> None:
    store = Stores()
    member = Member(store)
    member.write("create", 0, 0)
    catch_up(member.model, store)
    assert sum(key.startswith("taken/quota/p/network/") for key in store.data) == 1
    member.write("delete", 0, 0)
    catch_up(member.model, store)
    assert not store.data and not member.model.slots.held("quota/p/network")


def test_projects_and_resources_do_not_share(means: Means = MEANS) -> None:
    """Names that would run into each other as keys are told apart."""
    tx = Transaction(Model())
    for project in ("p", "p/network", "q"):
        tx.put(Network(id=means.new_id(), project_id=project, mtu=1, network_type="gre", segment=1))
        tx.put(RbacPolicy(id=means.new_id(), project_id=project, object_type="network", object_id="n", action="a",
                          target=project))  # fmt: skip
    slots.settle(tx, {"network": 1, "rbac_policy": 1}, means)
    taken = {key for key in tx.write if key.startswith("taken/quota/")}
    assert taken == {
        f"taken/quota/{project}/{name}/0"
        for project in ("p", "p%2Fnetwork", "q")
        for name in ("network", "rbac_policy")
    }
