"""Interfaces of the OpenFlow side: listeners to switches, the connection below a session, ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from controller.openflow.wire import PacketIn

if TYPE_CHECKING:
    from controller.openflow.session import Session


class PortDesc(NamedTuple):
    """OpenFlow port.  `mac`: text; `state`: OFPPS bits (1: link down); `speed`: kbit/s, 0 if unknown."""

    number: int
    name: str
    mac: str
    state: int
    speed: int = 0


class SwitchEvents(Protocol):
    """Listener to switches.

    `connected` runs in a green thread of its own and may wait; when it raises, its connection is closed.  The others
    are called from the connection's reader and must not wait.  `disconnected` comes exactly once for each session that
    `connected` was called with, possibly while `connected` still runs: its waits then raise `Unreachable`.
    """

    def connected(self, session: Session) -> None: ...

    def disconnected(self, session: Session) -> None: ...

    def packet_in(self, session: Session, packet: PacketIn) -> None: ...

    def ports_changed(self, session: Session) -> None: ...

    def permits(self, session: Session) -> bool:
        """Whether this process may write to the switch; asked before every write."""
        ...

    def refused(self, address: str, why: str, duplicate: bool) -> None:
        """A connection ended before its handshake was complete; `duplicate`: a live switch has its datapath id."""


class SwitchLink(Protocol):
    """Connection that a session writes to."""

    address: str

    def write(self, data: bytes) -> None:
        """Queue bytes for sending, in order; never waits.  Nothing happens on a closed connection."""
        ...

    def drain(self, timeout: float) -> None:
        """Wait until the queue is short; raises `Unreachable`."""
        ...

    def close(self, why: str) -> None: ...
