"""Recovery after a restart of ovs-vswitchd, which forgets all connections: TCP that goes on is let through.

Of a connection whose client speaks next, the tracker learns anew from that packet.  Where the server does, its segment
looks like a new connection in the wrong direction.  So for a bounded time (controller/reconcile/recovery.py) a segment
that opens nothing (no SYN) passes without being remembered; the client's answer then is (decision 106).
"""

from __future__ import annotations

from controller.flow import Flow, field, in_order, masked

from ..matches import IPV4, IPV6
from ..pipeline import ALLOWED, USUAL
from .stages import CLEARED, NEW, STAGES

_TCP = field("ip_proto", 6)
_NO_SYN = masked("tcp_flags", 0, 0x02)  # RFC 9293, 3.1

FLOWS = tuple(
    Flow(stage.judged, USUAL, in_order(family, _TCP, _NO_SYN, NEW, ALLOWED.match(0)), CLEARED, goto=stage.goto)
    for stage in STAGES
    for family in (IPV4, IPV6)
)
