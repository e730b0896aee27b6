"""A member whose wall clock is set while it runs (libfaketime), as an operator or a bad NTP server sets a machine's.

Only CLOCK_REALTIME moves, as when a clock is set: CLOCK_MONOTONIC never does.  etcd's cannot be set like that: Go reads
the clock without libc.  Its leases run by the monotonic one (etcd 3.4, lease/lessor.go: `time.Until` of a time that has
Go's monotonic reading).
"""

from __future__ import annotations

from pathlib import Path

from tests.cluster.site import Member
from tests.lab.netns import run

_LIBRARY = "libfaketime.so.1"


class WallClock:
    """`member` is restarted with a clock of its own, which is right until it is set."""

    def __init__(self, member: Member, file: Path) -> None:
        self._file = file
        self._member = member
        self.set(0)
        member.environment = {
            "LD_PRELOAD": _library(),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        member.stop()
        member.start()

    def set(self, offset: int) -> None:
        """To so many seconds off the right time."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{offset:+d}\n")
        draft.replace(self._file)

    def end(self) -> None:
        """The member goes on with the machine's clock."""
        self._member.environment = {}
        self._member.stop()
        self._member.start()


def _library() -> str:
    listed = run(["dpkg", "-L", "libfaketime"]).split()
    return next(path for path in listed if path.endswith("/" + _LIBRARY))
