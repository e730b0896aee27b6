"""End-to-end tests need root and Open vSwitch, show the controller's log where they fail, and leave nothing behind."""

import os
from collections.abc import Iterator

import pytest

from tests.lab import leftovers
from tests.lab.cloud import Cloud

LOG = 6000  # characters


@pytest.fixture(scope="session", autouse=True)
def nothing_stays_behind() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.exit("the end-to-end tests make network namespaces: run them as root", returncode=1)
    yield
    assert leftovers() == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.failed:  # type: ignore[attr-defined]
        for made in getattr(item, "funcargs", {}).values():
            cloud = made[0] if isinstance(made, tuple) else getattr(made, "cloud", made)
            if isinstance(cloud, Cloud):
                report.sections.append(("controller's log", cloud.controller.text()[-LOG:]))  # type: ignore[attr-defined]
    return report
