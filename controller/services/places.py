"""Places for what waits for other servers: so many in all, of one project, and of one port.

A project whose questions nobody answers holds its own places for as long as they wait, and leaves others theirs.
"""

from __future__ import annotations

from collections import Counter

from controller.model.rows import Port


class Places:
    """Bounded number of places.  Whoever takes one gives it back."""

    def __init__(self, most: int, of_project: int, of_port: int) -> None:
        self._most = most
        self._of_project = of_project
        self._of_port = of_port
        self._taken: Counter[tuple[str, str]] = Counter()  # ("project" or "port", id) -> places
        self.taken = 0

    def take(self, port: Port) -> bool:
        """Take a place for a port; False: there is none for it."""
        project, own = _shares(port)
        if self.taken >= self._most or self._taken[project] >= self._of_project or self._taken[own] >= self._of_port:
            return False
        self._taken.update((project, own))
        self.taken += 1
        return True

    def give_back(self, port: Port) -> None:
        """`port`: as it was when the place was taken."""
        self.taken -= 1
        for share in _shares(port):
            self._taken[share] -= 1
            if not self._taken[share]:
                del self._taken[share]


def _shares(port: Port) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("project", port.project_id), ("port", port.id)
