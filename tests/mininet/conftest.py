"""These tests run in namespaces of their own."""

from __future__ import annotations

import os

import pytest

from tests.mininet import find

find()


@pytest.fixture(scope="session", autouse=True)
def alone() -> None:
    """Refuse to run beside others: `make test-mininet` gives these tests namespaces of their own."""
    if os.environ.get("TENET_ALONE") != "1":
        pytest.exit("tests/mininet: use make test-mininet", returncode=2)
