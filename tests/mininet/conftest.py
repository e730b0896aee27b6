"""Mininet is Debian's, for Debian's Python: its directory comes last on the path, after all that Tenet has."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_WHERE = "import mininet, os; print(os.path.dirname(mininet.__path__[0]))"


def _find() -> None:
    for python in ("/usr/bin/python3", "python3"):
        found = subprocess.run([python, "-c", _WHERE], capture_output=True, text=True)
        if found.returncode == 0:
            sys.path.append(found.stdout.strip())
            return


_find()


@pytest.fixture(scope="session", autouse=True)
def alone() -> None:
    """Refuse to run beside others: `make test-mininet` gives these tests namespaces of their own."""
    if os.environ.get("TENET_ALONE") != "1":
        pytest.exit("tests/mininet: use make test-mininet", returncode=2)
