"""The server under test runs in this process, in green threads."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.runtime import hub

hub.patch()

from controller.model.rows import Bridge  # noqa: E402
from controller.ovsdb.seen import SeenHypervisor  # noqa: E402
from controller.ovsdb.server import OvsdbServer, serve  # noqa: E402
from tests.ovsdb.private import PrivateHypervisor, until  # noqa: E402

OPENFLOW_PORT = 6653


class Watched(logging.Handler):
    """A server, what its observer was told, and what it logged from its start on."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None):
        super().__init__()
        self.told: list[SeenHypervisor] = []
        self.bridges: dict[str, tuple[Bridge, ...]] = {}  # by system-id, as last told
        self.messages: list[str] = []
        self._log = logging.getLogger("tenet.ovsdb")
        self._log.addHandler(self)
        self._log.setLevel(logging.INFO)
        self.server: OvsdbServer = serve(
            (host, 0), self.told.append, controller_port=OPENFLOW_PORT, tls=tls, watch=self.bridges.__setitem__
        )
        self.port = self.server.address[1]
        self.host = f"[{host}]" if ":" in host else host
        self.remote = f"{'ssl' if tls else 'tcp'}:{self.host}:{self.port}"
        self.target = f"{'ssl' if tls else 'tcp'}:{self.host}:{OPENFLOW_PORT}"

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def close(self) -> None:
        self._log.removeHandler(self)
        self.server.close()
        super().close()

    @property
    def last(self) -> SeenHypervisor | None:
        return self.told[-1] if self.told else None

    def logged(self, text: str) -> list[str]:
        return [message for message in self.messages if text in message]

    def repaired(self) -> list[str]:
        return self.logged("put right:")

    def settled(self, hypervisor: PrivateHypervisor, *tunnels: str) -> None:
        """Wait until the hypervisor is right, the tunnels have numbers, and the observer knows."""
        until(lambda: hypervisor.get("Controller", "br-int", "target") == self.target, "the controller is set")
        until(lambda: self.last and [t.type for t in self.last.tunnels] == list(tunnels), f"tunnels {tunnels}")


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    yield made
    made.close()


@pytest.fixture
def hypervisor(watched: Watched, tmp_path: Path) -> Iterator[PrivateHypervisor]:
    """Two tunnels, connected and right."""
    with PrivateHypervisor(tmp_path / "hv1") as made:
        made.encap("127.0.0.1", "vxlan,geneve")
        made.vsctl("set-manager", watched.remote)
        watched.settled(made, "vxlan", "geneve")
        yield made
