"""Counts of a metering label (GET /tenet/v1/metering-labels/ID): its owner's and operators' to see."""

from __future__ import annotations

from controller.intent.metering import missing
from controller.model.rows import MeteringLabel

from .answer import Response, as_json
from .ask import Ask


def show(ask: Ask, label_id: str) -> Response:
    """Raises `NotFound` for a label of another project, too."""
    label = ask.context.replica.model.get(MeteringLabel, label_id)
    if label is None or not (ask.caller.operator or label.project_id == ask.caller.project_id):
        raise missing(label_id)
    return as_json(200, {"metering": ask.context.metering.of(label)})
