"""A port that peers connect to, over TCP or TLS: each has a green thread of its own from its first byte on."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable

from controller.runtime import hub
from controller.runtime.errors import Misconfigured

log = logging.getLogger("tenet.openflow")

STRANGERS = 1024  # connections that have not said who they are, beyond which no more are let in


class Listener:
    """Accepts peers and has `talk(socket, address)` converse with each.

    `tls` adds TLS, whose handshake may take `patience` seconds.  `known` counts the peers that have said who they are,
    of which there may be any number.  Raises `Misconfigured` when `listen` is not to be had.
    """

    def __init__(
        self,
        listen: tuple[str, int],
        talk: Callable[[socket.socket, str], None],
        tls: ssl.SSLContext | None,
        patience: float,
        known: Callable[[], int],
    ) -> None:
        self._known = known
        self._turned_away = 0
        self._talk = talk
        self._tls = tls
        self._patience = patience
        self._threads: set[hub.GreenThread] = set()
        self._socket = _listen(listen)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        if tls:
            # a renegotiation would have reader and sender wait for the same socket in the same way
            tls.options |= ssl.OP_NO_RENEGOTIATION
        self._accepting = hub.keep(self._accept)

    def close(self) -> None:
        """Stop listening and end every conversation; returns when the last has cleaned up."""
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
                # out of file descriptors, or a peer that was gone before it was accepted: neither ends the listener
                log.warning("accepting a connection failed: %s", problem)
                hub.sleep(0.1)
                continue
            if len(self._threads) - self._known() >= STRANGERS:
                sock.close()
                self._tell_turned_away(peer[0])
                continue
            thread = hub.spawn(self._attend, sock, f"{peer[0]}:{peer[1]}")
            self._threads.add(thread)
            thread.link(self._threads.discard)  # at once when it has ended already

    def _tell_turned_away(self, peer: str) -> None:
        self._turned_away += 1
        if self._turned_away & (self._turned_away - 1) == 0:  # the first, second, fourth, ...: a flood is not logged
            log.warning("connection from %s refused (the %d. that is): %d others have not said who they are",
                        peer, self._turned_away, STRANGERS)  # fmt: skip

    def _attend(self, sock: socket.socket, address: str) -> None:
        try:
            secured = self._secure(sock) if self._tls else sock
        except (OSError, hub.Timeout) as problem:
            log.info("connection from %s closed: TLS handshake failed: %s", address, problem)
            return
        try:
            self._talk(secured, address)
        except OSError as problem:
            log.info("connection from %s closed: %s", address, problem)
        finally:
            secured.close()

    def _secure(self, sock: socket.socket) -> socket.socket:
        assert self._tls is not None
        secured = hub.serve_tls(sock, self._tls)
        try:
            with hub.Timeout(self._patience):
                secured.do_handshake()
        except BaseException:
            secured.close()  # it has taken the plain socket over
            raise
        return secured


def _listen(listen: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
    try:
        sock: socket.socket = hub.listen(listen, family=family)
    except (OSError, OverflowError) as problem:
        raise Misconfigured(f"cannot listen for OpenFlow on {listen[0]}:{listen[1]}: {problem}") from problem
    return sock
