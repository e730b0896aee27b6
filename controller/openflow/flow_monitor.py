"""Flow monitor: a switch tells of changes that others made to its flows (ONF extension 187 for OpenFlow 1.3).

The request is an experimenter multipart whose replies go on, with xid 0, until the monitor is cancelled.  A change made
over the connection that asked comes abbreviated: Open vSwitch 3.1 sends one entry of 8 bytes for a whole bundle.
Where replies gather unread (128 KB), it pauses the monitor until they are read, then tells of everything that was added
or modified meanwhile, changes of the own connection among them.
"""

from __future__ import annotations

import logging
import struct
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from controller.openflow import wire
from controller.openflow.errornames import reason
from controller.openflow.events import SwitchLink
from controller.openflow.wire import Malformed

log = logging.getLogger("tenet.openflow")

Changed = Callable[[int], None]

MONITOR: Final = 1870  # experimenter type of the multipart, and of the message that cancels it
PAUSED: Final = 1871
RESUMED: Final = 1872

_ID = 0  # of the one monitor on a connection
_ADDED, _REMOVED, _MODIFIED = 0x2, 0x4, 0x8  # no initial dump (0x1), no actions (0x10), own changes abbreviated (0x20)
_WAS_REMOVED, _ABBREVIATED = 1, 3  # events: the latter of an own change; 0 added, 2 modified

_EXPERIMENTER = struct.Struct("!II")  # experimenter, its type
_REQUEST = struct.Struct("!IHHIB3x")  # monitor, flags, length of the match, output port, table
_CANCEL = struct.Struct("!III")  # experimenter, its type, monitor
_UPDATE = struct.Struct("!HHH")  # length, event; of a removed flow why (OFPRR_*)
_EXPIRED = 0, 1  # why: its idle or its hard timeout; no flow that is to stay has one
_ANY_MATCH = b"\0\1\0\4\0\0\0\0"  # OFPMT_OXM, length 4, padded to 8


def request(xid: int) -> bytes:
    """Ask to be told of every flow that is added, removed or modified, in any table, from now on."""
    flags = _ADDED | _REMOVED | _MODIFIED
    asked = _REQUEST.pack(_ID, flags, 4, wire.ANY, wire.ALL_TABLES) + _ANY_MATCH
    return wire.multipart_request(xid, wire.EXPERIMENTER_MULTIPART, _EXPERIMENTER.pack(wire.ONF, MONITOR) + asked)


def cancel(xid: int) -> bytes:
    """End the monitor; there is no reply, but an error where there is none."""
    return wire.message(wire.EXPERIMENTER, xid, _CANCEL.pack(wire.ONF, MONITOR, _ID))


def foreign(body: bytes) -> int:
    """The number of changes that others made, in the body of one multipart reply.  Raises `Malformed`.

    0 for the reply to the request, for own changes, for flows that expired, and for what is no flow monitor's.
    """
    if len(body) < _EXPERIMENTER.size or _EXPERIMENTER.unpack_from(body) != (wire.ONF, MONITOR):
        return 0
    count, offset, end = 0, _EXPERIMENTER.size, len(body)
    while offset < end:
        if end - offset < 8:
            raise Malformed("a flow update that is cut off")
        length, event, why = _UPDATE.unpack_from(body, offset)
        if length < 8 or length % 8 or offset + length > end:
            raise Malformed(f"a flow update of length {length}")
        count += event != _ABBREVIATED and not (event == _WAS_REMOVED and why in _EXPIRED)
        offset += length
    return count


class FlowMonitor:
    """The flow monitor of one connection.  Nothing here waits: a switch that knows no such thing refuses it later."""

    def __init__(self, dpid: int, link: SwitchLink, xids: Iterator[int]) -> None:
        self._dpid = dpid
        self._link = link
        self._xids = xids
        self._changed: Changed | None = None
        self._asked: deque[int] = deque(maxlen=4)  # xids of requests and cancellations that may be refused
        self._refused = False
        self._paused = False

    def begin(self, changed: Changed) -> None:
        """Have `changed` called, from the reader, with the number of changes that others made; 0: it is not known how
        many.  It must not wait.
        """
        if not self._refused:
            self._changed, self._paused = changed, False
            self._send(request)

    def end(self) -> None:
        """Hear no more of it: the changes of another master would come one by one."""
        if self._changed is not None:
            self._changed = None
            self._send(cancel)

    def updated(self, body: bytes) -> None:
        """The body of an experimenter multipart reply came."""
        count = foreign(body)
        if count and self._changed is not None and not self._paused:
            self._changed(count)

    def notified(self, message: bytes) -> None:
        """An experimenter message came that is no reply."""
        if len(message) < 16:
            return
        experimenter, kind = _EXPERIMENTER.unpack_from(message, 8)
        if experimenter == wire.ONF and kind in (PAUSED, RESUMED):
            self._paused = kind == PAUSED
            if kind == RESUMED and self._changed is not None:
                self._changed(0)

    def refused(self, xid: int, error: wire.Error) -> bool:
        """Whether an error is about the monitor: then only audits find the changes of others."""
        if xid not in self._asked:
            return False
        if self._changed is not None:
            self._refused, self._changed = True, None
            log.info("switch %016x does not tell of changes by others, audits find them: %s", self._dpid, reason(error))
        return True

    def _send(self, message: Callable[[int], bytes]) -> None:
        xid = next(self._xids)
        self._asked.append(xid)
        self._link.write(message(xid))
