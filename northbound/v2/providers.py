"""`/service-providers`: what service profiles may name as their driver (the extension service-type)."""

from __future__ import annotations

from controller.intent.flavors import DRIVERS, L3

from ..answer import Response, as_json
from ..ask import Ask

PROVIDERS = [
    {"service_type": L3, "name": driver.split(".")[-2], "default": kind.ha and kind.distributed}
    for driver, kind in DRIVERS.items()
]


def list_all(ask: Ask) -> Response:
    """Those that have one of the values asked for, of each attribute that is asked for."""
    ask.context.policy.check(ask.caller, "get_service_provider", {})
    query = {name: [value.lower() for value in values] for name, values in ask.query().items()}
    found = [
        each for each in PROVIDERS if all(str(each[name]).lower() in query[name] for name in each if name in query)
    ]
    return as_json(200, {"service_providers": found})
