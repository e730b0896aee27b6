"""Sockets are green, as in `tenet run`."""

from __future__ import annotations

from controller import hub

hub.patch()
