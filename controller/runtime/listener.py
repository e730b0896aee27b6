"""TCP or TLS listener with a green thread for each peer: OpenFlow's and OVSDB's alike.

Connections that have not been admitted yet are bounded.  Beyond that bound they are closed, counted, and logged with
back-off: a flood of connections is no flood of lines.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable

from controller.runtime import hub
from controller.runtime.certificates import Names, names_of
from controller.runtime.errors import Misconfigured
from controller.runtime.logpace import LogPace, times

AGAIN = 0.1  # seconds after `accept` failed: out of file descriptors, say


class Listener:
    """Accepts peers and has `talk(socket, address, names)` converse with each.

    `names` are those of the peer's certificate, None over plain text.  `tls` adds TLS, whose handshake may take
    `patience` seconds; a peer that shows one of `barred` (certificates in DER form) is refused.  `admitted` counts the
    peers that have proven who they are, of which there may be any number; of others, at most `strangers`.  `refused` is
    told of each that is turned away.  `section` is the configuration's for this listener.  Raises `Misconfigured` when
    it cannot listen.
    """

    def __init__(
        self,
        section: str,
        listen: tuple[str, int],
        talk: Callable[[socket.socket, str, Names], None],
        *,
        tls: ssl.SSLContext | None,
        barred: frozenset[bytes],
        patience: float,
        strangers: int,
        admitted: Callable[[], int],
        refused: Callable[[str, str], None],
    ) -> None:
        self._log = logging.getLogger(f"tenet.{section}")
        self._talk = talk
        self._tls = tls
        self._barred = barred
        self._patience = patience
        self._strangers = strangers
        self._admitted = admitted
        self._refused = refused
        self._pace = LogPace()
        self._threads: set[hub.GreenThread] = set()
        self._socket = _listen(section, listen)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        if tls:
            # a renegotiation would have reader and sender wait for the same socket in the same way
            tls.options |= ssl.OP_NO_RENEGOTIATION
        self._accepting = hub.keep(self._accept)

    @property
    def connections(self) -> int:
        return len(self._threads)

    def close(self) -> None:
        """Stop listening and end every conversation; returns when the last one has cleaned up."""
        hub.kill(self._accepting)
        self._socket.close()
        for thread in list(self._threads):
            hub.kill(thread)
        deadline = time.monotonic() + self._patience
        while self._threads and time.monotonic() < deadline:
            hub.sleep(0.001)  # a thread that was killed still cleans up, and waits while it does

    def _accept(self) -> None:
        while True:
            try:
                sock, peer = self._socket.accept()
            except OSError as problem:
                # out of file descriptors, or the peer left before it was accepted: neither ends the listener
                self._log.warning("accepting a connection failed: %s", problem)
                hub.sleep(AGAIN)
                continue
            if len(self._threads) - self._admitted() >= self._strangers:
                sock.close()
                self._turn_away(peer[0], f"{self._strangers} other connections have not been admitted yet")
                continue
            thread = hub.spawn(self._attend, sock, f"{peer[0]}:{peer[1]}")
            self._threads.add(thread)
            thread.link(self._threads.discard)  # at once when it has ended already

    def _turn_away(self, peer: str, why: str) -> None:
        """Count and log a peer with which no conversation began."""
        self._refused(peer, why)
        if count := self._pace.due(why):
            self._log.warning("connection from %s refused%s: %s", peer, times(count), why)

    def _attend(self, sock: socket.socket, address: str) -> None:
        try:
            secured = self._secure(sock) if self._tls else sock
        except (OSError, hub.Timeout) as problem:
            self._turn_away(address, f"TLS: {problem}")
            return
        try:
            self._talk(secured, address, names_of(secured.getpeercert()) if self._tls else None)  # type: ignore[attr-defined]
        except OSError as problem:
            self._log.info("connection from %s closed: %s", address, problem)
        finally:
            secured.close()

    def _secure(self, sock: socket.socket) -> ssl.SSLSocket:
        assert self._tls is not None
        secured = hub.serve_tls(sock, self._tls)
        try:
            with hub.Timeout(self._patience, ConnectionError(f"no handshake within {self._patience:g} s")):
                secured.do_handshake()
            if secured.getpeercert(binary_form=True) in self._barred:
                raise ConnectionError("it shows the certificate of the controller itself")
        except BaseException:
            secured.close()  # it owns the plain socket now
            raise
        return secured


def _listen(section: str, listen: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
    try:
        sock: socket.socket = hub.listen(listen, family=family)
    except (OSError, OverflowError) as problem:
        raise Misconfigured(f"[{section}] cannot listen on {listen[0]} port {listen[1]}: {problem}") from problem
    return sock
