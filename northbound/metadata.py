"""Calls about metadata: the hosts that serve it, and what a metadata server asks for an instance."""

from __future__ import annotations

from controller.runtime.errors import NotFound
from controller.services.instance import instance_at

from .answer import Response, as_json
from .ask import Ask


def hosts(ask: Ask) -> Response:
    return as_json(200, {"metadata_hosts": ask.context.metadata_hosts.hosts()})


def name_host(ask: Ask, switch_id: str) -> Response:
    return as_json(200, {"metadata_host": ask.context.metadata_hosts.name(switch_id)})


def dismiss_host(ask: Ask, switch_id: str) -> Response:
    ask.context.metadata_hosts.dismiss(switch_id)
    return Response(204)


def instance(ask: Ask, number: str, key: str) -> Response:
    """The instance behind a logical port, by the number of its switch and the port's key there."""
    found = None
    if _is_number(number) and _is_number(key):
        found = instance_at(ask.context.replica.model, int(number), int(key))
    if found is None:
        raise NotFound("No port has this logical port.", "PortNotFound")
    return as_json(200, {"instance": found})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 8
