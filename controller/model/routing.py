"""Routers of ports: rows decide, never a port's `device_id` or `device_owner`, which a tenant may write."""

from __future__ import annotations

from controller.model.rows import FloatingIp, Port, Router, RouterInterface
from controller.model.rows.base import Reads


def router_of(reads: Reads, port: Port) -> Router | None:
    """The router that the port is an interface or a gateway of."""
    interface = reads.get(RouterInterface, port.id)
    if interface is not None:
        return reads.get(Router, interface.router_id)
    return next(iter(reads.find(Router, "gateway_ports", port.id)), None)


def is_served(reads: Reads, port: Port) -> bool:
    """Whether a router or a floating IP made the port its own: then it has no interface on any host."""
    return router_of(reads, port) is not None or bool(reads.find(FloatingIp, "floating_port_id", port.id))
