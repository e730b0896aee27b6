"""Operators' call on external DNS."""

from __future__ import annotations

from .answer import Response, as_large_json
from .ask import Ask


def show(ask: Ask) -> Response:
    return as_large_json(200, {"external_dns": ask.context.external_dns.report()})
