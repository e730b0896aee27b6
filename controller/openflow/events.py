"""Interfaces of the OpenFlow side: listeners to switches, the connection below a session, ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from controller.openflow.wire import PacketIn

if TYPE_CHECKING:
    from controller.openflow.session import Session


class PortDesc(NamedTuple):
    """An OpenFlow port: `mac` as text, `state` the OFPPS bits (1: link down), `speed` in kbit/s (0: not told)."""

    number: int
    name: str
    mac: str
    state: int
    speed: int = 0


class SwitchEvents(Protocol):
    """Who hears about switches.

    `connected` runs in a green thread of its own and may wait; when it raises, its connection is closed.  The others
    are called from the connection's reader and must not wait.  `disconnected` comes exactly once for each session that
    `connected` was called with, possibly while `connected` still runs: its waits then raise `Unreachable`.
    """

    def connected(self, session: Session) -> None: ...

    def disconnected(self, session: Session) -> None: ...

    def packet_in(self, session: Session, packet: PacketIn) -> None: ...

    def ports_changed(self, session: Session) -> None: ...

    def permits(self, session: Session) -> bool:
        """Whether the switch may be written to; asked right before every write."""
        ...

    def refused(self, address: str, why: str, duplicate: bool) -> None:
        """A connection ended before its handshake did; `duplicate`: a live switch has its datapath id."""


class SwitchLink(Protocol):
    """The connection under a session."""

    address: str

    def write(self, data: bytes) -> None:
        """Queue bytes to be sent, in order; never waits, does nothing on a closed connection."""
        ...

    def drain(self, timeout: float) -> None:
        """Wait until little is queued; raises `Unreachable`."""
        ...

    def close(self, why: str) -> None: ...
