"""Services that the ports of networks ask: answers to frames that `apps/services/` hands over."""

from __future__ import annotations

from collections.abc import Mapping

from controller.switches.packet_in import Answer

ANSWERS: Mapping[int, tuple[str, Answer]] = {}  # by the number in SERVICE (apps/pipeline.py): name, answer
