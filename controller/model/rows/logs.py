"""Logs: which packets that security groups let through or drop are to be told of."""

from __future__ import annotations

from .base import BY_OWNER, Reference, Standard, row
from .ports import Port


@row(
    "log",
    index=("resource_id", "target_id", "whole_project"),
    lookup=("project_id", "name"),
    refers=(Reference("resource_id", "security_group", "log"), Reference("target_id", "port", "log")),
    seen=BY_OWNER,
    quota=10,
)
class Log(Standard, frozen=True, kw_only=True):
    """A request to log what security groups decide (Networking API v2.0, /log/logs).

    `resource_type`: what decides, so far only "security_group".  `resource_id`: the group whose ports are logged, ""
    for any; `target_id`: the only port, "" for any; with neither, all ports of the project.  `event`: ACCEPT, DROP or
    ALL.  `by_operator`: covers ports of all projects; without it, only those of the project that made it.
    """

    resource_type: str
    resource_id: str = ""
    target_id: str = ""
    event: str = "ALL"
    enabled: bool = True
    by_operator: bool = False

    @property
    def whole_project(self) -> str:
        """The project whose ports are all logged; "" when the log names a group or a port."""
        return "" if self.resource_id or self.target_id else self.project_id

    def covers(self, port: Port) -> bool:
        """Whether what is decided at this port is logged.  Depends on no other row."""
        if not self.enabled or self.target_id not in ("", port.id):
            return False
        if self.resource_id and self.resource_id not in (port.security_groups or ()):
            return False
        elsewhere = self.by_operator and not self.whole_project
        return elsewhere or port.project_id == self.project_id
