"""Operators' calls on gateways of routers: which hosts they are, drain, designation."""

from __future__ import annotations

from .answer import Response, as_json, as_large_json
from .ask import Ask


def show(ask: Ask) -> Response:
    return as_large_json(200, ask.context.gateways.gateways())


def drain(ask: Ask, switch_id: str) -> Response:
    return as_json(200, {"gateway": ask.context.gateways.drain(switch_id, True)})


def undrain(ask: Ask, switch_id: str) -> Response:
    return as_json(200, {"gateway": ask.context.gateways.drain(switch_id, False)})


def designate(ask: Ask, switch_id: str) -> Response:
    return as_json(200, {"gateway": ask.context.gateways.designate(switch_id, True)})


def dismiss(ask: Ask, switch_id: str) -> Response:
    return as_json(200, {"gateway": ask.context.gateways.designate(switch_id, False)})


def rebalance(ask: Ask) -> Response:
    return as_json(200, {"rebalance": ask.context.gateways.rebalance()})
