"""Requests to log what a port's security groups decide."""

from __future__ import annotations

from typing import Any, Protocol

from .rows import Log, Port


class Finds(Protocol):
    """A model, or a recorded view of one."""

    def find(self, kind: Any, index: str, value: object) -> list[Any]: ...


def logs_of(reads: Finds, port: Port, *events: str) -> list[Log]:
    """Those that cover the port and one of the events, or all, by id."""
    found: list[Log] = [*reads.find(Log, "target_id", port.id), *reads.find(Log, "whole_project", port.project_id)]
    for group_id in port.security_groups or ():
        found += reads.find(Log, "resource_id", group_id)
    named = {log.id: log for log in found if log.event in (*events, "ALL") and log.covers(port)}
    return [named[log_id] for log_id in sorted(named)]
