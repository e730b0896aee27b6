"""Open event streams: their number, and their projects' shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from .auth import Caller

MOST = 500  # of one process
OF_PROJECT = 20
FOR_OPERATORS = 20  # of MOST, that nobody else gets


class Streams:
    """Those that are open, by project; operators are bounded by MOST alone."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()  # by project, without the operators'
        self._all = 0

    def __len__(self) -> int:
        return self._all

    def refusal(self, caller: Caller) -> str:
        """Why the caller gets no more, or ""."""
        if not caller.operator and self._open[caller.project_id] >= OF_PROJECT:
            return f"{OF_PROJECT} streams of this project are open."
        if self._all >= (MOST if caller.operator else MOST - FOR_OPERATORS):
            return "Too many streams are open."
        return ""

    @contextmanager
    def open(self, caller: Caller) -> Iterator[None]:
        project = None if caller.operator else caller.project_id
        self._all += 1
        if project is not None:
            self._open[project] += 1
        try:
            yield
        finally:
            self._all -= 1
            if project is not None:
                self._open[project] -= 1
                self._open += Counter()  # which drops who has none
