"""Calls about metadata: the hosts that serve it, and what a metadata server asks for an instance."""

from __future__ import annotations

from controller.model.rows import Port
from controller.runtime.errors import NotFound
from controller.services.instance import instance_of, port_at

from .answer import Response, as_json
from .ask import Ask
from .body import raw
from .errors import bad_request

MOST_QUESTION = 65_535  # bytes: a message over TCP has a length of 16 bits (RFC 1035, 4.2.2)
DNS_MESSAGE = "application/dns-message"


def hosts(ask: Ask) -> Response:
    return as_json(200, {"metadata_hosts": ask.context.metadata_hosts.hosts()})


def name_host(ask: Ask, switch_id: str) -> Response:
    return as_json(200, {"metadata_host": ask.context.metadata_hosts.name(switch_id)})


def dismiss_host(ask: Ask, switch_id: str) -> Response:
    ask.context.metadata_hosts.dismiss(switch_id)
    return Response(204)


def instance(ask: Ask, number: str, key: str) -> Response:
    """The instance behind a logical port, by the number of its switch and the port's key there."""
    statuses = ask.context.statuses
    found = instance_of(ask.context.replica.model, _port(ask, number, key), lambda network: statuses.mtu(network)[0])
    return as_json(200, {"instance": found})


def resolve(ask: Ask, number: str, key: str) -> Response:
    """The answer to a DNS message of that port, as over TCP (RFC 8484 has messages in HTTP)."""
    port = _port(ask, number, key)
    question = raw(ask.request)
    if not 0 < len(question) <= MOST_QUESTION:
        raise bad_request(f"A DNS message has 1 to {MOST_QUESTION} bytes.")
    answer = ask.context.names(port, question)
    if answer is None:
        raise bad_request("This is no DNS message that could be answered.")
    return Response(200, answer, DNS_MESSAGE)


def _port(ask: Ask, number: str, key: str) -> Port:
    found = None
    if _is_number(number) and _is_number(key):
        found = port_at(ask.context.replica.model, int(number), int(key))
    if found is None:
        raise NotFound("No port has this logical port.", "PortNotFound")
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 8
