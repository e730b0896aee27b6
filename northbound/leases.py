"""Operators' view of DHCP leases (GET /tenet/v1/leases): as the member that is asked has given them since its start."""

from __future__ import annotations

from .answer import Response, as_large_json
from .ask import Ask


def show(ask: Ask) -> Response:
    return as_large_json(200, ask.context.leases())
