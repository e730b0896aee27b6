"""JSON-RPC 1.0 over one accepted connection, with us as the client (RFC 7047, section 4).

A green thread of its own reads: it answers and counts echoes, hands replies to whoever waits for them, and updates to
`heard`.  `ovs.jsonrpc.Message` says what is a message, `ovs.reconnect` when to probe a silent peer and when it is dead.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any

import msgspec
from ovs import reconnect, timeval
from ovs.jsonrpc import Message

from controller.ovsdb.decoding import decode
from controller.ovsdb.framing import LENGTH_LIMIT, STRANGER_LIMIT, Framer, MalformedJson
from controller.runtime import hub
from controller.runtime.errors import Rejected, SwitchError, Unreachable

log = logging.getLogger("tenet.ovsdb")

SEND_LIMIT = 10.0  # s in which a peer must read what was sent
PROBE_INTERVAL = 5000  # ms of silence until an echo request, and from there until the peer counts as dead

_CHUNK = 1 << 16
_PROBE = "echo"  # id of inactivity probes


class Rpc:
    """Connection to one peer.  `heard(method, params)` runs in the reading thread, which reads no further meanwhile;
    `ended()` is called at its end and must not wait.

    `over` is why the connection ended, None while it lives.
    """

    def __init__(
        self, sock: socket.socket, name: str, heard: Callable[[str, list[Any]], None], ended: Callable[[], None]
    ) -> None:
        self.over: SwitchError | None = None
        self._sock = sock
        self._heard = heard
        self._ended = ended
        self._sending = hub.Semaphore()
        self._waiting: dict[int, tuple[Callable[[Message], None], hub.Signal]] = {}
        self._alive = _Liveness(name)
        self._framer = Framer(STRANGER_LIMIT)
        self._reader = hub.spawn(self._read)

    def call(
        self, method: str, params: list[Any], seconds: float, take: Callable[[Any], None] = lambda result: None
    ) -> Any:
        """Result of a request, after `take(result)` has run in the reading thread, before it reads later messages.

        An exception of `take` ends the connection.

        Raises `Rejected` if the peer replies with an error, `Unreachable` if it does not reply in time.
        """
        request = Message.create_request(method, params)
        answers: list[Any] = []
        errors: list[Any] = []
        done = hub.Signal()

        def answered(reply: Message) -> None:
            if reply.type == Message.T_ERROR:
                errors.append(reply.error)
            else:
                take(reply.result)
                answers.append(reply.result)
            done.set()

        self._waiting[request.id] = (answered, done)
        try:
            self._send(request)
            done.wait(seconds)
        finally:
            del self._waiting[request.id]
        if answers:
            return answers[0]
        if errors:
            raise Rejected({}, f"{method}: {str(errors[0])[:400]}")
        raise self.over or Unreachable(f"no answer to {method} within {seconds:g} s")

    def trust(self) -> None:
        """Accept long messages from now on: the peer has been admitted."""
        self._framer.length_limit = LENGTH_LIMIT

    def close(self, why: SwitchError) -> None:
        """End the connection; not for the reading thread.  `over` keeps the reason."""
        self.over = self.over or why
        hub.kill(self._reader)
        self._end()
        with self._sending:  # eventlet never wakes whoever waits for a closed socket; one that is shut down it does
            self._sock.close()

    def _send(self, message: Message) -> None:
        if self.over:
            raise self.over
        data = msgspec.json.encode(message.to_json())
        try:
            with hub.Timeout(SEND_LIMIT, Unreachable(f"nothing read for {SEND_LIMIT:g} s")), self._sending:
                self._sock.sendall(data)
        except OSError as fault:
            raise Unreachable(f"cannot send: {fault}") from fault
        except Unreachable as fault:  # part of the message may be sent: nothing can follow it
            self.over = self.over or fault
            raise

    def _read(self) -> None:
        try:
            while True:
                data = self._receive()
                for text in self._framer.feed(data):
                    self._take(_message(text))
                if data:
                    hub.sleep(0)  # other green threads run, even if a peer never stops sending
                self._alive.check(bool(data), self._probe)
        except SwitchError as fault:
            self.over = self.over or fault
        except (OSError, EOFError) as fault:  # eventlet's EOFError: closed by another green thread
            self.over = self.over or Unreachable(f"cannot receive: {fault}")
        except Exception as fault:  # a fault of ours ends this connection and no other
            log.exception("reading from a database failed")
            self.over = self.over or Unreachable(f"{type(fault).__name__}: {fault}")
        finally:
            self._end()

    def _end(self) -> None:
        self.over = self.over or Unreachable("closed")
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        for _, done in list(self._waiting.values()):
            done.set()
        self._ended()

    def _receive(self) -> bytes:
        """Data from the peer, or nothing if its liveness is to be checked.  Raises `Unreachable` at the end."""
        with hub.Timeout(self._alive.seconds(), False):
            data = self._sock.recv(_CHUNK)
            if not data:
                raise Unreachable("the peer closed the connection")
            return data
        return b""

    def _probe(self) -> None:
        request = Message.create_request("echo", [])
        request.id = _PROBE
        self._send(request)

    def _take(self, message: Message) -> None:
        if message.type == Message.T_REQUEST:
            if message.method == "echo":
                self._send(Message.create_reply(message.params, message.id))
            else:
                self._send(Message.create_error("unknown method", message.id))
        elif message.type == Message.T_NOTIFY:
            self._heard(message.method, message.params)
        elif isinstance(message.id, int) and (waiting := self._waiting.get(message.id)):
            waiting[0](message)


class _Liveness:
    """Liveness of the peer: `ovs.reconnect`'s state machine for an accepted connection."""

    def __init__(self, name: str) -> None:
        now = timeval.msec()
        self._machine = reconnect.Reconnect(now)
        self._machine.set_name(name)
        self._machine.set_quiet(True)
        self._machine.set_passive(True, now)
        self._machine.set_probe_interval(PROBE_INTERVAL)
        self._machine.enable(now)
        self._machine.connected(now)

    def seconds(self) -> float:
        """Seconds to wait for the peer before `check`."""
        left = self._machine.timeout(timeval.msec())
        return max(0.0 if left is None else left / 1000, 0.01)

    def check(self, heard: bool, probe: Callable[[], None]) -> None:
        now = timeval.msec()
        self._machine.receive_attempted(now)
        if heard:
            self._machine.activity(now)
        action = self._machine.run(now)
        if action == reconnect.PROBE:
            probe()
        elif action == reconnect.DISCONNECT:
            raise Unreachable(f"no answer to an echo request within {PROBE_INTERVAL / 1000:g} s")


def _message(text: bytes) -> Message:
    try:
        message = Message.from_json(decode(text))
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise MalformedJson(f"not JSON: {fault}") from fault
    if not isinstance(message, Message):
        raise MalformedJson(f"not a JSON-RPC message: {message}")
    return message
