from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.identity.cloud import Keystone, Tenet, User


@pytest.fixture(scope="session")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    keystone = Keystone(tmp_path_factory.mktemp("keystone"))
    keystone.start()
    yield keystone
    keystone.stop()


@pytest.fixture(scope="session")
def tenet(tmp_path_factory: pytest.TempPathFactory, keystone: Keystone) -> Iterator[Tenet]:
    tenet = Tenet(tmp_path_factory.mktemp("tenet"), keystone)
    tenet.start()
    token = keystone.token(keystone.admin)
    service = keystone.make("services", {"type": "network", "name": "tenet"}, token)
    keystone.make(
        "endpoints",
        {"service_id": service, "interface": "public", "url": tenet.url, "region_id": "here"},
        token,
    )
    yield tenet
    assert tenet.stop() == 0


@pytest.fixture(scope="session")
def red(keystone: Keystone) -> User:
    return keystone.enrol("rose", "red", "member")


@pytest.fixture(scope="session")
def red_reader(keystone: Keystone, red: User) -> User:
    return keystone.enrol("ruby", "red", "reader")


@pytest.fixture(scope="session")
def blue(keystone: Keystone) -> User:
    return keystone.enrol("bert", "blue", "member")
