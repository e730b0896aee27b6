"""The engines that the contract's tests run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from controller.runtime import hub

hub.patch()  # before anything opens a socket: etcd is spoken to over HTTP

from controller.store import open_store  # noqa: E402
from controller.store.store import Store  # noqa: E402
from tests.store.etcd_process import Cluster  # noqa: E402

ENGINES = ("etcd", "sqlite")


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One etcd for all tests that leave it as it is; each uses a prefix of its own."""
    cluster = Cluster(tmp_path_factory.mktemp("etcd"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(params=ENGINES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store of the test's own is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tenet.db"
    return str(request.getfixturevalue("etcd").url(f"test/{uuid4()}"))


@pytest.fixture
def store_factory(store_url: str) -> Iterator[Callable[[], Store]]:
    """Opens the test's store: empty the first time, later with what is in it.  Close one before opening the next."""
    opened: list[Store] = []

    def open_again() -> Store:
        opened.append(open_store(store_url))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture
def store(store_factory: Callable[[], Store]) -> Store:
    return store_factory()
