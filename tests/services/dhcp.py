"""A network with DHCP as rows, and a client at one of its ports, whose messages the service answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from apps.packets import udp
from controller.config.services import ServiceSettings
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import FixedIp, Port, Row, Subnet
from controller.services.dhcp4 import Dhcp4
from controller.services.dispatch import Ignored, to_asker
from controller.services.leases import Leases
from controller.switches.packet_in import PuntedFrame
from tests.apps.clouds import mac, network, plugged, port, switch
from tests.lab import dhcp, frames
from tests.world import change

SERVER, SERVER_MAC = "169.254.169.254", "0a:54:4e:f0:00:01"
KEY = 9  # logical port of p


def subnet(name: str = "s4", cidr: str = "10.0.0.0/24", **rest: Any) -> Subnet:
    given = {"network_id": "red", "ip_version": 4, "gateway_ip": cidr.replace(".0/24", ".254"), **rest}
    return Subnet(id=name, project_id="red", cidr=cidr, **given)


def rows() -> list[Row]:
    """p has 10.0.0.1 and 2001:db8::1 in red; q 10.0.0.2."""
    return [
        network("red"), switch(1), subnet(), port("p", "red", 1), plugged("p", 1, KEY), port("q", "red", 2),
        plugged("q", 1, 10),
    ]  # fmt: skip


class DhcpScene:
    """The service, and a client at port p with its MAC; `now` is its clock."""

    def __init__(self, *more: Row, settings: ServiceSettings | None = None) -> None:
        self.model = Model()
        self.now = 1000.0
        change(self.model, *rows(), *more)
        self.masters = {"h1"}  # the switches that this member tells of
        self.leases = Leases(self.model, lambda: self.now, lambda switch_id: switch_id in self.masters)
        self.service = Dhcp4(settings or ServiceSettings(), self.leases)

    def change(self, name: str = "p", **attributes: Any) -> None:
        found = self.model.get(Port, name)
        assert found is not None
        change(self.model, replace(found, **attributes))

    def frame(self, data: bytes, key: int = KEY) -> bytes | None:
        """The frame of the answer; None where there is none.  It goes to who asked, and to nobody else."""
        punted = PuntedFrame(key, 3, data, {})
        outs = list(self.service.answer(punted, Reader(self.model, "h1")))
        assert len(outs) < 2
        for out in outs:
            assert out == to_asker(punted, out.data)
            return out.data
        return None

    def ask(self, data: bytes, key: int = KEY) -> dhcp.Message | str | None:
        """The answer as a client reads it, or why there is none."""
        try:
            found = self.frame(data, key)
        except Ignored as why:
            return why.reason
        if found is None:
            return None
        message = dhcp.read(found)
        assert message is not None
        return message

    def told(self, data: bytes, key: int = KEY) -> dhcp.Message:
        found = self.ask(data, key)
        assert isinstance(found, dhcp.Message), found
        return found

    def lease(self, options: Mapping[int, bytes] | None = None, number: int = 1, key: int = KEY) -> dhcp.Message:
        """What a client has after DISCOVER and REQUEST."""
        offer = self.told(dhcp.discover(mac(number), 5, options), key)
        assert offer.kind == dhcp.OFFER
        return self.told(dhcp.request(mac(number), 6, offer), key)


def ends(frame: bytes) -> tuple[str, str, str]:
    """MAC and address that a frame goes to, and the address that it is from."""
    read = udp.read(frame)
    assert read is not None and (read.source_port, read.target_port) == (67, 68)
    assert read.eth_src == frames.mac(SERVER_MAC)
    return read.eth_dst.hex(":"), ".".join(map(str, read.target)), ".".join(map(str, read.source))


def with_address(row: Port, *more: FixedIp) -> Port:
    return replace(row, fixed_ips=(*row.fixed_ips, *more))
