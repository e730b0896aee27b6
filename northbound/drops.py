"""Drops of a port's security groups (GET /tenet/v1/ports/ID/drops): its owner's and operators' to see."""

from __future__ import annotations

from controller.model.rows import Port
from controller.runtime.errors import NotFound

from .answer import Response, as_json
from .ask import Ask


def show(ask: Ask, port_id: str) -> Response:
    """Raises `NotFound` for a port of another project, too."""
    port = ask.context.replica.model.get(Port, port_id)
    if port is None or not (ask.caller.operator or port.project_id == ask.caller.project_id):
        raise NotFound(f"Port {port_id[:64]} could not be found.", "PortNotFound")
    return as_json(200, {"drops": ask.context.drops.of(port)})
