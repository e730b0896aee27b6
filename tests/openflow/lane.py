"""A real Open vSwitch that packets are sent through, one at a time, and what leaves it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from controller.flow import Flow, Table, field, output
from controller.flow.interpret import Frame, Sent
from controller.openflow import framework
from controller.openflow.session import Holdings, Session
from tests.openflow.flows import Heard, until
from tests.openflow.packets import packed, unpacked
from tests.ovs import PrivateOvs
from tests.world import World

PORTS = (1, 2, 3, 4, 5)
_FENCE = 9  # the port that the frame leaves by which is sent after each: then all before it has been done
_FENCE_TYPE = 0x88B5
_FENCE_FLOW = Flow(Table(0, "fence", frozenset()), 0xFFFF, (field("eth_type", _FENCE_TYPE),), (output(_FENCE),))


class Lane:
    """One bridge of dummy ports with captures."""

    def __init__(self, heard: Heard, address: str) -> None:
        self.ovs = PrivateOvs()
        self._heard = heard
        self._address = address
        self._installed: set[Flow] = set()

    def __enter__(self) -> Lane:
        self.ovs.__enter__()
        self.ovs.add_bridge("lane", 911, self._address)
        command: list[str] = []
        for port in (*PORTS, _FENCE):
            command += ["--", "add-port", "lane", f"l{port}", "--", "set", "interface", f"l{port}", "type=dummy"]
            command += [f"ofport_request={port}", f"options:tx_pcap={self._path(port)}"]
        self.ovs.vsctl(*command[1:])
        until(lambda: 911 in self._heard.sessions)
        return self

    def __exit__(self, *raised: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.ovs.close()

    @property
    def session(self) -> Session:
        return self._heard.sessions[911]

    def install(self, flows: set[Flow], *, forget: bool = True) -> None:
        """Exactly these flows, and no connection known unless those of before are to be kept."""
        wanted = {*flows, _FENCE_FLOW}
        gone = [flow.cookie for flow in self._installed - wanted]
        self.session.apply([flow.wire for flow in wanted - self._installed], gone)
        self._installed = wanted
        assert self.session.held() == Holdings({flow.cookie for flow in wanted}, set())
        self.ovs.appctl("revalidator/purge")  # what the datapath remembers of the flows before
        if forget:
            self.ovs.appctl("dpctl/flush-conntrack")

    def send(self, frame: Frame) -> list[Sent]:
        """What leaves because of a frame."""
        return [Sent(port, unpacked(data)) for port, data in self.send_bytes(frame["in_port"], [packed(frame)])]

    def send_bytes(self, in_port: int, sent: list[bytes]) -> list[tuple[int, bytes]]:
        """Ports and bytes of what leaves because of several frames."""
        before = {port: len(captured(self._path(port))) for port in PORTS}
        fenced = len(captured(self._path(_FENCE)))
        fence = {"eth_src": 1, "eth_dst": 2, "eth_type": _FENCE_TYPE}
        for data in (*sent, packed(fence)):
            self.ovs.appctl("netdev-dummy/receive", f"l{in_port}", data.hex())
        until(lambda: len(captured(self._path(_FENCE))) > fenced)
        return [(port, data) for port in PORTS for data in captured(self._path(port))[before[port] :]]

    def _path(self, port: int) -> Path:
        return self.ovs.directory / f"l{port}.pcap"


def captured(path: Path) -> list[bytes]:
    """The frames of a capture that Open vSwitch writes; none where the last is not yet whole."""
    content, offset, frames = path.read_bytes() if path.exists() else b"", 24, []
    while offset + 16 <= len(content):
        (size,) = struct.unpack_from("<I", content, offset + 8)
        frames.append(content[offset + 16 : offset + 16 + size])
        offset += 16 + size
    return frames


@contextmanager
def lane_of_its_own() -> Iterator[Lane]:
    """A lane that is connected to a listener of its own."""
    heard = Heard()
    server = framework.serve(("127.0.0.1", 0), heard)
    with Lane(heard, f"tcp:127.0.0.1:{server.address[1]}") as made:
        yield made
    server.close()


def unmetered(world: World) -> set[Flow]:
    """The flows of switch h1 but for those that limit and hand over, which no frame of these tests needs."""
    return {flow for flow in world.compiler.wanted("h1") if not flow.meters}
