"""Every test is accounted for: it passed, or the repository says that it does not run, and why; pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

OF_CLASS = re.compile(r"(setUpClass|tearDownClass) \((.+)\)")


class Outcome(NamedTuple):
    """`test` may be `setUpClass (module.Class)`: so it went with all tests of that class.  `what` is success, skip or
    fail, `why` the reason of a skip or the end of a traceback.
    """

    test: str
    what: str
    why: str = ""


class Account(NamedTuple):
    """`skipped`, `failed`: why, by test.  `lost`: neither ran nor are listed.  `stale`: are listed and do not exist."""

    passed: list[str]
    skipped: dict[str, str]
    failed: dict[str, str]
    lost: list[str]
    stale: list[str]

    @property
    def well(self) -> bool:
        return not (self.skipped or self.failed or self.lost or self.stale)


def plain(test: str) -> str:
    """Without what Tempest puts behind the name: `a.C.test[id-5ad0,smoke]`."""
    return test.partition("[")[0]


def listed(text: str) -> dict[str, str]:
    """Why each listed test does not run.  Lines: `## why`, below it tests; a `#` and a blank begins a remark.

    Raises ValueError for a test that is there twice or for no reason.
    """
    found: dict[str, str] = {}
    why = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("## "):
            why = line.removeprefix("## ")
        elif not line.startswith("#"):
            if not why or line in found:
                raise ValueError(f"{line} is listed twice, or for no reason")
            found[line] = why
    return found


def reasons(not_run: Mapping[str, str]) -> list[tuple[int, str]]:
    """How many tests do not run, by reason; most first."""
    counts: dict[str, int] = {}
    for why in not_run.values():
        counts[why] = counts.get(why, 0) + 1
    return sorted(((count, why) for why, count in counts.items()), key=lambda each: (-each[0], each[1]))


def account(tests: Collection[str], not_run: Mapping[str, str], outcomes: Iterable[Outcome]) -> Account:
    """Of all `tests`, by their plain names."""
    passed: list[str] = []
    bad: dict[str, dict[str, str]] = {"skip": {}, "fail": {}}
    for test, what, why in _each(sorted(tests), outcomes):
        if what == "success":
            passed.append(test)
        else:
            bad.get(what, bad["fail"])[test] = why
    seen = {*passed, *bad["skip"], *bad["fail"]}
    return Account(
        passed=[test for test in passed if test not in bad["fail"]],
        skipped=bad["skip"],
        failed=bad["fail"],
        lost=sorted({*tests} - seen - not_run.keys()),
        stale=sorted(not_run.keys() - {*tests}),
    )


def _each(tests: Sequence[str], outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """With a class's own outcome told of each of its tests; that it failed to clean up, of itself."""
    for outcome in outcomes:
        found = OF_CLASS.fullmatch(outcome.test)
        if found is None:
            yield outcome._replace(test=plain(outcome.test))
        elif found[1] == "tearDownClass":
            yield outcome
        else:
            of_class = [test for test in tests if test.rpartition(".")[0] == found[2]]
            yield from (outcome._replace(test=test) for test in of_class)
