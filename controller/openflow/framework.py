"""OpenFlow application on os-ken or ryu; the only module that knows the framework.

The framework does what it is good at, the handshake, the keeping of port descriptions and the routing of its events to
other applications in this process.  What it reads is checked first: its parsers loop for ever on some malformed
messages.
TENET_FRAMEWORK picks it: os_ken, ryu, or auto (os_ken where it is installed).
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar

from controller.openflow import wire
from controller.openflow.connection import Connection
from controller.openflow.session import PortDesc, Session, SwitchEvents
from controller.runtime import hub
from controller.runtime.certificates import Names
from controller.runtime.errors import Misconfigured
from controller.runtime.listener import Listener
from controller.runtime.logpace import LogPace, times

log = logging.getLogger("tenet.openflow")

STRANGERS = 1024  # connections that have not shown a datapath id, beyond which no more are let in
Admit = Callable[[int, Names], str]

_MOST_PORTS = 16_384  # of a switch; port numbers have 32 bits, and a hostile peer would use them
# Mininet's RemoteController asks with telnet whether we are there.  It falls over an answer that is not UTF-8, and
# waits for ever after one with a byte 1 (a marker of its own) or 127 (its prompt): so the first numbers of messages,
# which the framework would draw at random, have none
_FIRST_XID = 0x7E404040
_UNANSWERED = 2  # echo requests in a row
_PROOF = 2.0  # seconds for a sign of life when another connection claims to be the same switch
# what its parsers are given; echoes are not: a thousand switches have hundreds a second
_FRAMEWORKS = frozenset({wire.HELLO, wire.FEATURES_REPLY, wire.PORT_STATUS})


def _picked() -> str:
    name = os.environ.get("TENET_FRAMEWORK", "auto")
    if name == "auto":
        name = "os_ken" if importlib.util.find_spec("os_ken") else "ryu"
    if name not in ("os_ken", "ryu"):
        raise Misconfigured(f"TENET_FRAMEWORK is {name!r}: it may be os_ken, ryu or auto")
    return name


def _module(name: str) -> Any:
    return importlib.import_module(f"{FRAMEWORK}.{name}")


FRAMEWORK = _picked()
_app_manager = _module("base.app_manager")
_event = _module("controller.ofp_event")
_handler = _module("controller.handler")
_OFPHandler: Any = _module("controller.ofp_handler").OFPHandler
_Datapath: Any = _module("controller.controller").Datapath
_ofp = _module("ofproto.ofproto_v1_3")
_parser = _module("ofproto.ofproto_v1_3_parser")


def error_name(type_: int, code: int) -> str:
    """Name of an error (OpenFlow 1.3.5, 7.4.4), as "OFPBAC_BAD_OUT_PORT"; "" if the framework knows none."""
    name: str = _ofp.ofp_error_code_to_str(type_, code).partition("(")[0]
    return "" if name == "Unknown" else name


_Method = TypeVar("_Method", bound=Callable[..., None])


def _on(event: Any, state: Any) -> Callable[[_Method], _Method]:
    """Framework's decorator for handlers that run in the thread of the event's connection."""
    decorator: Callable[[_Method], _Method] = _handler.set_ev_handler(event, state)
    return decorator


class OpenFlow(_OFPHandler):  # type: ignore[misc]
    """The Ryu application: the framework's own handshake, with the listeners of `serve` in place of its controller."""

    LOGGER_NAME = "tenet.openflow"
    OFP_VERSIONS = (_ofp.OFP_VERSION,)

    def start(self) -> None:
        super(_OFPHandler, self).start()

    @_on(_event.EventOFPSwitchFeatures, _handler.CONFIG_DISPATCHER)
    def switch_features_handler(self, ev: Any) -> None:
        if ev.msg.datapath.take_dpid(ev.msg.datapath_id):
            super().switch_features_handler(ev)

    @_on(_event.EventOFPPortDescStatsReply, _handler.CONFIG_DISPATCHER)
    def multipart_reply_handler(self, ev: Any) -> None:
        super().multipart_reply_handler(ev)
        if ev.msg.datapath.state == _handler.MAIN_DISPATCHER:
            ev.msg.datapath.introduce()

    @_on(_event.EventOFPPortStatus, _handler.MAIN_DISPATCHER)
    def port_status_handler(self, ev: Any) -> None:
        super().port_status_handler(ev)
        ev.msg.datapath.port_changed(ev.msg.desc.port_no)


class ConnectedDatapath(_Datapath):  # type: ignore[misc]
    """The framework's datapath over a hardened connection."""

    def __init__(self, sock: socket.socket, connection: Connection, server: OpenFlowServer, names: Names) -> None:
        super().__init__(sock, connection.address)
        sock.settimeout(None)  # the framework's five seconds would end a quiet connection
        self.connection = connection
        self.server = server
        self.names = names
        self.session: Session | None = None
        self.ports: dict[int, Any] = {}
        self.duplicate = False
        self.xid = _FIRST_XID
        self._introduced = False
        self._answered = hub.Signal()

    def send(self, buf: Any, close_socket: bool = False) -> bool:
        """Replaces the framework's queue of 16 messages, on which its reader can wait for ever."""
        self.connection.write(bytes(buf))
        if close_socket:
            self.connection.close_when_sent("no common OpenFlow version")
        return not self.connection.closed

    def close(self) -> None:
        self.connection.close("closed by an application")

    def serve(self) -> None:
        """Serve the switch until the connection ends, in the connection's own green thread."""
        watch = hub.keep(self._watch)
        self.send_msg(self.ofproto_parser.OFPHello(self))
        try:
            self.connection.read(self._received)
        except wire.Malformed as problem:
            self.connection.close(f"it sent {problem}")
        except Exception as problem:
            # a parser or a listener failed on this message: end this connection only
            log.debug("reader of %s", self.address, exc_info=True)
            self.connection.close(f"{type(problem).__name__}: {problem}")
        finally:
            hub.kill(watch)
            self._end()

    def take_dpid(self, dpid: int) -> bool:
        """Register the peer as this datapath.  False, and it is closed, if it may not be or a live connection is."""
        if self.id is not None:
            raise wire.Malformed("a second features reply")
        if why := self.server.admit(dpid, self.names):
            self._refuse(why)
            return False
        while (first := self.server.switches.setdefault(dpid, self)) is not self:
            if first.answers():
                self.duplicate = True
                self._refuse(f"datapath {dpid:016x} is already connected from {first.connection.address}")
                return False
            # a switch that was cut off comes back long before its old connection is given up
            first.connection.close("silent, and its switch has connected anew")
            if self.server.switches.get(dpid) is first:
                del self.server.switches[dpid]
        return True

    def _refuse(self, why: str) -> None:
        if count := self.server.pace.due(why):
            log.warning("connection from %s refused%s: %s",
                        self.connection.address, times(count), why)  # fmt: skip
        self.connection.close(why)

    def answers(self) -> bool:
        """Whether the switch answers an echo request now."""
        self._answered.clear()
        self._request_echo()
        return self._answered.wait(_PROOF) and not self.connection.closed

    def _request_echo(self) -> None:
        self.xid = (self.xid + 1) & self.ofproto.MAX_XID  # the framework's own messages count on
        self.unreplied_echo_requests.append(self.xid)
        self.connection.write(wire.message(wire.ECHO_REQUEST, self.xid))

    def introduce(self) -> None:
        """Begin a session: the handshake is complete."""
        self.session = Session(self.id, self.connection, self.server.events, self.names)
        self.session.ports = {number: _port(desc) for number, desc in self.ports.items()}
        log.info("switch %016x connected from %s", self.id, self.connection.address)
        hub.spawn(self._connected, self.session)

    def port_changed(self, number: int) -> None:
        """Take over a port that the framework has updated in `ports`."""
        if self.session is None:
            return
        if number in self.ports:
            self.session.ports[number] = _port(self.ports[number])
        else:
            self.session.ports.pop(number, None)
        if self._introduced:
            self.server.events.ports_changed(self.session)

    def _connected(self, session: Session) -> None:
        if session.closed:
            return
        self._introduced = True
        try:
            self.server.events.connected(session)
        except Exception as problem:
            if not session.closed:
                log.exception("switch %016x: what follows a connect failed", session.dpid)
            session.close(f"{type(problem).__name__}: {problem}")

    def _received(self, message: bytes) -> None:
        if self.connection.ending:
            return  # the peer was refused, and the connection is closing
        version, kind, length, xid = wire.HEADER.unpack_from(message)
        if kind == wire.HELLO:
            wire.check_hello(message)
        elif self.state == _handler.HANDSHAKE_DISPATCHER and kind != wire.ERROR:
            raise wire.Malformed(f"message type {kind} before a HELLO")
        elif version != wire.VERSION:
            raise wire.Malformed(f"a message of OpenFlow version {version:#x}")
        if kind == wire.ECHO_REPLY:
            self.acknowledge_echo_reply(xid)
        elif kind == wire.ECHO_REQUEST:
            self.connection.write(wire.message(wire.ECHO_REPLY, xid, message[wire.HEADER.size :]))
        elif kind in _FRAMEWORKS or _is_port_desc(message):
            _check(kind, message)
            self._dispatch(_parser.msg_parser(self, version, kind, length, xid, message))
        elif self.session:
            self.session.received(message)

    def _dispatch(self, msg: Any) -> None:
        """Dispatch a parsed message as the framework's reader does."""
        event = _event.ofp_msg_to_ev(msg)
        state = self.state
        self.ofp_brick.send_event_to_observers(event, state)
        for handle in self.ofp_brick.get_handlers(event, state):
            handle(event)
        if len(self.ports) > _MOST_PORTS:
            raise wire.Malformed(f"more than {_MOST_PORTS} ports")

    def _watch(self) -> None:
        """Close the connection if its handshake takes too long, and later if echo requests stay unanswered."""
        hub.sleep(self.server.handshake_timeout)
        if self.session is None:
            self.connection.close(f"no complete handshake in {self.server.handshake_timeout:g} s")
        while not self.connection.closed:
            if len(self.unreplied_echo_requests) >= _UNANSWERED:
                hub.sleep(0)  # replies that are in the socket's buffer count, however late this thread runs
            if len(self.unreplied_echo_requests) >= _UNANSWERED:
                self.connection.close(f"{_UNANSWERED} echo requests without an answer")
                return
            self._request_echo()
            hub.sleep(self.server.echo_interval)

    def acknowledge_echo_reply(self, xid: int) -> None:
        if xid in self.unreplied_echo_requests:
            self.unreplied_echo_requests.clear()
            self._answered.set()

    def _end(self) -> None:
        # otherwise the peer hung up before a handshake: nothing to report
        given_up = self.connection.closed or self.connection.ending
        self.connection.release()
        self.is_active = False
        self.set_state(_handler.DEAD_DISPATCHER)
        log.info("connection from %s closed: %s", self.connection.address, self.connection.why)
        try:
            if self.session:
                self.session.lost()
            if self.session and self._introduced:
                self.server.events.disconnected(self.session)
            elif self.session is None and given_up:
                why = self.connection.ending or self.connection.why
                self.server.events.refused(self.connection.address, why, self.duplicate)
        except Exception:
            log.exception("what follows a disconnect failed")
        finally:
            if self.id is not None and self.server.switches.get(self.id) is self:
                del self.server.switches[self.id]


class OpenFlowServer:
    """Connected switches, and the listener for them."""

    def __init__(self, events: SwitchEvents, admit: Admit, echo_interval: float, handshake_timeout: float) -> None:
        self.events = events
        self.admit = admit
        self.pace = LogPace()
        self.echo_interval = echo_interval
        self.handshake_timeout = handshake_timeout
        self.switches: dict[int, ConnectedDatapath] = {}  # by datapath id
        self._listener: Listener | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Address on which it listens; the actual port if 0 was asked for."""
        return self._listener.address if self._listener else ("", 0)

    def open(self, listen: tuple[str, int], tls: ssl.SSLContext | None, barred: frozenset[bytes]) -> None:
        self._listener = Listener(
            "openflow", listen, self._talk, tls=tls, barred=barred, patience=self.handshake_timeout,
            strangers=STRANGERS, admitted=lambda: len(self.switches), refused=self._turned_away,
        )  # fmt: skip

    def close(self) -> None:
        """Stop listening and end all connections; returns after every `disconnected`."""
        if self._listener:
            self._listener.close()

    def _talk(self, sock: socket.socket, address: str, names: Names) -> None:
        ConnectedDatapath(sock, Connection(sock, address), self, names).serve()

    def _turned_away(self, address: str, why: str) -> None:
        self.events.refused(address, why, False)


def serve(
    listen: tuple[str, int],
    events: SwitchEvents,
    *,
    tls: ssl.SSLContext | None = None,
    barred: frozenset[bytes] = frozenset(),
    admit: Admit = lambda dpid, names: "",
    echo_interval: float = 5.0,
    handshake_timeout: float = 10.0,
) -> OpenFlowServer:
    """Listen for switches and report them to `events` until the server is closed.

    `listen` is an IP address and a port, 0 for any free one.  With `tls`, whether a peer needs a certificate is the
    context's to say; who shows one of `barred` is refused.  `admit` says why a peer whose certificate has these names
    may not be a datapath, "" when it may.  Times are in seconds.  Raises `Misconfigured` when the address cannot be
    listened on.
    """
    _application()
    server = OpenFlowServer(events, admit, echo_interval, handshake_timeout)
    server.open(listen, tls, barred)
    log.info("listening for switches on %s:%d with %s", *server.address, FRAMEWORK)
    return server


def _application() -> None:
    """Start the application, once for the process."""
    if _app_manager.lookup_service_brick(_event.NAME) is None:
        _app_manager.AppManager.get_instance().instantiate(OpenFlow).start()


def _is_port_desc(message: bytes) -> bool:
    return message[1] == wire.MULTIPART_REPLY and wire.multipart(message)[0] == wire.PORT_DESC


def _check(kind: int, message: bytes) -> None:
    """Raise for a message that the framework's parsers cannot cope with."""
    if kind == wire.FEATURES_REPLY:
        wire.check_size(message, _ofp.OFP_SWITCH_FEATURES_SIZE, "a features reply")
    elif kind == wire.PORT_STATUS:
        wire.check_size(message, _ofp.OFP_PORT_STATUS_SIZE, "a port status")
    elif kind == wire.MULTIPART_REPLY and (len(message) - _ofp.OFP_MULTIPART_REPLY_SIZE) % _ofp.OFP_PORT_SIZE:
        raise wire.Malformed(f"port descriptions of {len(message)} bytes")


def _port(desc: Any) -> PortDesc:
    return PortDesc(desc.port_no, desc.name.decode("utf-8", "replace"), desc.hw_addr, desc.state, desc.curr_speed)
