"""Operators' calls: health, metrics, switches and their flows.  Policies are in `endpoints`."""

from __future__ import annotations

from controller.runtime.errors import NotFound

from .answer import Response, as_json, as_large_json
from .ask import Ask
from .errors import bad_request

METRICS = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus' text exposition format


def health(ask: Ask) -> Response:
    """200: this process serves.  Only the operator is told more than that."""
    report = ask.context.operators.health()
    return as_json(200, report if ask.caller.operator else {"status": report["status"]})


def ready(ask: Ask) -> Response:
    """200 when requests should be sent here, 503 when not.  Only the operator is told why not."""
    why = ask.context.operators.unready()
    report = {"status": "unready" if why else "ok"}
    return as_json(503 if why else 200, {**report, "reason": why} if why and ask.caller.operator else report)


def metrics(ask: Ask) -> Response:
    return Response(200, ask.context.operators.metrics(), METRICS)


def switches(ask: Ask) -> Response:
    return as_large_json(200, {"switches": ask.context.operators.switches()})


def switch(ask: Ask, switch_id: str) -> Response:
    found = ask.context.operators.switch(switch_id)
    if found is None:
        raise missing(switch_id)
    return as_json(200, {"switch": found})


def flows(ask: Ask, switch_id: str) -> Response:
    found = ask.context.operators.flows(switch_id)
    if found is None:
        raise missing(switch_id)
    return as_large_json(200, {"flows": found})


def links(ask: Ask) -> Response:
    return as_large_json(200, {"links": ask.context.operators.fabric.links()})


def topology(ask: Ask) -> Response:
    return as_large_json(200, {"topology": ask.context.operators.fabric.topology()})


def refused(ask: Ask) -> Response:
    return as_json(200, {"refused": ask.context.operators.refused()})


def claims(ask: Ask) -> Response:
    return as_json(200, {"claims": ask.context.operators.claims()})


def trace(ask: Ask) -> Response:
    """`?from=...&to=...`: what would become of a packet from a port to another, or to an address."""
    query = ask.query()
    if not query.keys() >= {"from", "to"}:
        raise bad_request(
            "A trace needs ?from= and &to=: each a port by id, name or interface; to may be an address outside."
        )
    more = {name: query[name][0] for name in ("protocol", "port", "state") if query.get(name, [""])[0]}
    return as_large_json(200, {"trace": ask.context.operators.fabric.trace(query["from"][0], query["to"][0], **more)})


def unreachable(ask: Ask) -> Response:
    return as_large_json(200, {"unreachable": ask.context.operators.fabric.unreachable()})


def forget(ask: Ask, switch_id: str) -> Response:
    """An operator removes a switch that is gone for good."""
    ask.context.operators.forget(switch_id)
    return Response(204)


def missing(switch_id: str) -> NotFound:
    return NotFound(f"Switch {switch_id[:64]} could not be found.", "SwitchNotFound")
