"""A new resource is a declaration: the suites that enumerate resources take a toy in without a line of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# suite -> which of its tests; those that enumerate are told apart by the toy's names
SUITES: dict[str, tuple[str, int]] = {
    "tests/model/test_rows.py": ("shelf or book or every_kind", 3),
    "tests/api/test_every_resource.py": ("shelf or book or sample", 19),
    "tests/api/test_standard.py": ("shelf or book", 8),
    "tests/api/test_isolation_everywhere.py": ("shelves or shelf or book or nothing_else", 20),
    "tests/api/test_bad_input.py": ("shelf or book", 20),
    "tests/api/test_openapi.py": ("", 8),
    "tests/api/test_http.py": ("resources or extension", 2),
    "tests/api/test_policy.py": ("attribute", 1),
    "tests/api/test_events_fold.py": ("1-3 or 1-7 or 2-4 or 2-7", 4),
    "tests/compile/test_history.py": ("incremental or out_and_back or nothing_is_left or two_minds", 4),
    "tests/model/test_model.py": ("whatever or indexes", 2),
}


def run(suite: str, which: str, *more: str) -> tuple[int, str]:
    """The suite with the toy declared, in a process of its own: a declaration is for good."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.toy", "-p", "no:cacheprovider", suite, *more]
    done = subprocess.run([*command, "-k", which] if which else command, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES)
def test_the_toy_passes(suite: str) -> None:
    which, least = SUITES[suite]
    code, said = run(suite, which)
    assert code == 0, said[-5000:]
    passed = re.search(r"(\d+) passed", said)
    assert passed is not None and int(passed[1]) >= least, said[-2000:]
    flows = re.search(r"toy: (\d+) flows", said)
    assert flows is not None and (int(flows[1]) > 50 or "history" not in suite), said[-2000:]
