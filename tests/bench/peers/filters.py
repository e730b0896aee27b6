"""Stateful filters of a system's ports, as an OpenStack cloud has them made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Filters(Protocol):
    """Groups are named by strings.  Calls return when every switch has confirmed."""

    def group(self, ports: Sequence[str]) -> str:
        """A group of ports, so far open, with a default group's rules: out to everybody, in from the group itself."""

    def rule(self, group: str, *numbers: int, remote: bool = False) -> None:
        """In to these TCP ports, from everybody, or with `remote` from the group's members: a rule each."""

    def remove(self, group: str) -> None:
        """Remove a group with its rules.  Its ports are open again, those that are there still."""
