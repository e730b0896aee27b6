"""Announcements of gateway addresses and floating IPs: at once where their place changes, and again and again."""

from __future__ import annotations

from apps.announcements import EVERY, announced, announcements
from controller.switches.packet_in import FrameOut
from controller.switches.periodic import Job, Work

ANNOUNCING = Work(
    "announcements",
    lambda see: [Job(port_id, EVERY) for port_id in announced(see)],
    lambda port_id, see: [FrameOut(*each) for each in announcements(port_id, see)],
    at_once=True,
)
