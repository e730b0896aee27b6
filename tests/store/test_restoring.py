"""While a restore is under way nobody else writes the model, whatever was known when the rules ran."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controller.model.rows import Network
from controller.runtime.errors import Unavailable
from controller.store.replica import Replica
from controller.store.store import RESTORING, Store
from controller.store.transaction import Transaction, transact


@pytest.fixture
def replica(store: Store) -> Iterator[Replica]:
    made = Replica(store)
    made.start()
    yield made
    made.stop()


def network(transaction: Transaction) -> None:
    transaction.put(Network(id="n", project_id="p", name="", mtu=1500, network_type="vxlan", segment=1))


def test_writers_are_told_to_come_again(store: Store, replica: Replica) -> None:
    replica.wait(store.commit({}, {RESTORING: b""}))
    with pytest.raises(Unavailable, match="being restored"):
        transact(store, replica, network)
    assert store.get("network/n") is None
    replica.wait(store.commit({}, {RESTORING: None}))
    transact(store, replica, network)
    assert store.get("network/n") is not None


def test_a_restore_that_begins_while_rules_run_wins(store: Store, replica: Replica) -> None:
    def rules(transaction: Transaction) -> None:
        network(transaction)
        store.commit({}, {RESTORING: b""})

    with pytest.raises(Unavailable, match="being restored"):
        transact(store, replica, rules)
    assert store.get("network/n") is None
