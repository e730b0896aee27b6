"""What operators ask: health, metrics, and each switch with its flows."""

from __future__ import annotations

from controller.errors import NotFound

from .answer import Answer, as_json
from .ask import Ask

METRICS = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus' text exposition format


def health(ask: Ask) -> Answer:
    """200 when all is well, 503 when not; the body says what."""
    well, report = ask.context.operators.health()
    return as_json(200 if well else 503, report)


def metrics(ask: Ask) -> Answer:
    return Answer(200, ask.context.operators.metrics(), METRICS)


def switches(ask: Ask) -> Answer:
    return as_json(200, {"switches": ask.context.operators.switches()})


def switch(ask: Ask, switch_id: str) -> Answer:
    for each in ask.context.operators.switches():
        if each["id"] == switch_id:
            return as_json(200, {"switch": each})
    raise missing(switch_id)


def flows(ask: Ask, switch_id: str) -> Answer:
    found = ask.context.operators.flows(switch_id)
    if found is None:
        raise missing(switch_id)
    return as_json(200, {"flows": found})


def forget(ask: Ask, switch_id: str) -> Answer:
    ask.context.operators.forget(switch_id)
    return Answer(204)


def missing(switch_id: str) -> NotFound:
    return NotFound(f"Switch {switch_id[:64]} could not be found.", "SwitchNotFound")
