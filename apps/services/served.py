"""Frames for services of the network, handed over to the controller: by a meter of each logical port, and then by one
of its project.

So each port has its own share, which no other port can use up, and however many ports of a project ask without end,
those of others are heard (docs/decisions/0180-shares-of-projects.md).  Which service is meant, SERVICE says.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from controller.flow import Flow, Rates, to_service
from controller.flow.fields import KEYS
from controller.flow.meter import Meter, limit
from controller.model.reader import Reader
from controller.model.rows import Port

from ..pipeline import IN_KEY, SERVED, USUAL

SERVICE = "services"  # by which they are dispatched (controller/services/dispatch.py)
AT_ONCE = 4  # seconds of a project's rate: its VMs on a switch may boot together


def port(port: Port, see: Reader, rates: Rates) -> Iterator[Flow]:
    """Ports without an address have nothing to be told: those of v1.1 are among them."""
    at = see.binding(port)
    if at is not None and port.fixed_ips:
        yield _handed_over(at.port_key, port.project_id, rates.services, rates.project_services)


@lru_cache(KEYS)
def _handed_over(key: int, project: str, rate: int, of_project: int) -> Flow:
    """What one port asks beyond its own share is not its project's."""
    shared = limit(f"{SERVICE} of {project}", of_project, AT_ONCE * of_project)
    return Flow(SERVED, USUAL, (IN_KEY.match(key),), (to_service(SERVICE, shared),), meter=of_asker(key, rate))


def of_asker(key: int, rate: int) -> Meter:
    """The meter of what one logical port asks."""
    return limit(f"{SERVICE} {key}", rate)


ON_SWITCH = {"port": port}
