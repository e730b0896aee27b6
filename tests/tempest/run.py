"""Tempest's and neutron-tempest-plugin's API tests with a real Keystone and a running Tenet: `make test-tempest`.

Every test runs that `not_run.txt` does not list, and all of them are to pass: the exit status is 1 when one fails, is
skipped, or neither ran nor is listed, or when one is listed that there is not.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .account import Account, Outcome, account, listed, plain, reasons
from .site import running

HERE = Path(__file__).parent
VENV = HERE.parents[1] / ".venv-tempest" / "bin"
NOT_RUN = HERE / "not_run.txt"
TESTS = r"^(tempest\.api\.network|neutron_tempest_plugin\.api)\."
WORKERS = 2
PATIENCE = 3600.0  # seconds for all of them


class Tempest:
    """A workspace of Tempest's in a directory."""

    def __init__(self, directory: Path, configuration: str) -> None:
        self.directory = directory / "work"
        self._environment = {**os.environ, "PATH": f"{VENV}:{os.environ['PATH']}", "HOME": str(directory)}
        subprocess.run([VENV / "tempest", "init", self.directory], check=True, env=self._environment, timeout=120,
                       capture_output=True)  # fmt: skip
        (self.directory / "etc" / "tempest.conf").write_text(configuration)

    def tests(self) -> list[str]:
        """All that there are, as Tempest names them."""
        lines = self._output("tempest", "run", "--list-tests", "--regex", TESTS).splitlines()
        return [line for line in lines if re.match(TESTS, line)]

    def run(self, tests: Sequence[str]) -> list[Outcome]:
        chosen = self.directory / "chosen"
        chosen.write_text("".join(f"{test}\n" for test in tests))
        argv = [VENV / "tempest", "run", "--concurrency", str(WORKERS), "--load-list", chosen]
        subprocess.run(argv, cwd=self.directory, env=self._environment, check=False, timeout=PATIENCE)
        told = self._output("python", str(HERE / "outcomes.py"), str(self.directory))
        return [Outcome(each["test"], each["outcome"], each["why"]) for each in map(json.loads, told.splitlines())]

    def _output(self, program: str, *arguments: str) -> str:
        return subprocess.run([VENV / program, *arguments], cwd=self.directory, env=self._environment, check=True,
                              stdout=subprocess.PIPE, text=True, timeout=120).stdout  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tempest.run", description=__doc__)
    parser.add_argument("directory", type=Path, help="a new one, for what the run leaves behind")
    parser.add_argument("--only", default="", metavar="REGEX", help="only tests whose names it is found in")
    parser.add_argument("--listed", action="store_true",
                        help="run what is listed instead: is there nothing among it that would pass?")  # fmt: skip
    chosen = parser.parse_args()
    not_run = listed(NOT_RUN.read_text())
    directory = chosen.directory.absolute()
    with running(directory) as configuration:
        tempest = Tempest(directory / "tempest", configuration)
        tests = {plain(test): test for test in tempest.tests()}
        here = {test for test in tests if re.search(chosen.only, test)}
        left_out = {test: why for test, why in not_run.items() if test in here or not chosen.only}
        if chosen.listed:
            outcomes = tempest.run([tests[test] for test in sorted(left_out.keys() & here)])
            return tell_listed(account(left_out, {}, outcomes), left_out)
        outcomes = tempest.run([tests[test] for test in sorted(here - left_out.keys())])
    return tell(account(here, left_out, outcomes), left_out)


def tell(found: Account, left_out: Mapping[str, str]) -> int:
    """What to know of a run, and its exit status."""
    ran = len(found.passed) + len(found.skipped) + len(found.failed)
    print(f"{len(left_out)} do not run:")
    for count, why in reasons(left_out):
        print(f"{count:6}  {why}")
    for heading, tests in (("skipped", found.skipped), ("failed", found.failed)):
        for test, why in sorted(tests.items()):
            print(f"{heading}: {test}: {(why.splitlines() or [''])[-1]}")
    for heading, names in (("neither ran nor listed", found.lost), ("listed, and not there", found.stale)):
        for test in names:
            print(f"{heading}: {test}")
    print(f"{ran} run, {len(found.passed)} passed, {len(found.skipped)} skipped, {len(found.failed)} failed")
    return 0 if found.well else 1


def tell_listed(found: Account, left_out: Mapping[str, str]) -> int:
    for test, why in sorted((found.skipped | found.failed).items()):
        print(json.dumps({"test": test, "listed": left_out.get(test, ""), "why": why[-300:]}))
    for test in found.passed:
        print(f"listed, and passes: {test}")
    return 1 if found.passed else 0


if __name__ == "__main__":
    sys.exit(main())
