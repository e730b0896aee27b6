"""A small cloud with names, and questions about them."""

from __future__ import annotations

import dns.message
import dns.rcode
from dns.rdatatype import RdataType
from msgspec.structs import replace

from controller.model.model import Applied, Model
from controller.model.names import Naming
from controller.model.rows import FixedIp, Network, Port, Row, Subnet
from controller.services.dns import Forward, resolve
from controller.services.own_answers import Resolver

HERE = "here.test."
ALONE, RECURSIVE = Resolver(Naming(HERE)), Resolver(Naming(HERE), recursive=True)


class Site:
    """Networks n1 and n2 of project red, n3 of blue, with the same subnets; ports are put in by `port`."""

    def __init__(self) -> None:
        self.model = Model()
        for name, project in (("n1", "red"), ("n2", "red"), ("n3", "blue")):
            network = Network(id=name, project_id=project, mtu=1450, network_type="vxlan", segment=int(name[1:]))
            four, six = f"{name}-4", f"{name}-6"
            subnets = (
                Subnet(id=four, project_id=project, network_id=name, ip_version=4, cidr="10.0.0.0/24"),
                Subnet(id=six, project_id=project, network_id=name, ip_version=6, cidr="2001:db8::/64"),
            )
            self.put(network, *subnets)
        self.asker = self.port("asker", "n1", "10.0.0.2")

    def put(self, *rows: Row) -> None:
        for row in rows:
            self.model.apply([Applied(self.model.revision + 1, row.key, row)])

    def delete(self, row: Row) -> None:
        self.model.apply([Applied(self.model.revision + 1, row.key, None)])

    def port(
        self, port_id: str, network_id: str, *addresses: str, name: str = "", domain: str = "", project: str = ""
    ) -> Port:  # fmt: skip
        network = self.model.get(Network, network_id)
        assert network is not None
        fixed = tuple(FixedIp(f"{network_id}-{6 if ':' in each else 4}", each) for each in addresses)
        port = Port(
            id=port_id, project_id=project or network.project_id, network_id=network_id,
            mac_address="02:00:00:00:00:01", fixed_ips=fixed, dns_name=name, dns_domain=domain,
        )  # fmt: skip
        self.put(port)
        return port

    def domain(self, network_id: str, domain: str) -> None:
        network = self.model.get(Network, network_id)
        assert network is not None
        self.put(replace(network, dns_domain=domain))

    def ask(
        self, name: str, kind: str = "A", asker: Port | None = None, resolver: Resolver = ALONE, *, tcp: bool = False
    ) -> dns.message.Message | Forward:  # fmt: skip
        return self.answer(question(name, kind), asker, resolver, tcp=tcp)

    def answer(
        self, wire: bytes, asker: Port | None = None, resolver: Resolver = ALONE, *, tcp: bool = False
    ) -> dns.message.Message | Forward:  # fmt: skip
        found = resolve(wire, asker or self.asker, self.model, resolver, tcp)
        return found if isinstance(found, Forward) else dns.message.from_wire(found)

    def values(self, name: str, kind: str = "A", asker: Port | None = None) -> list[str]:
        """The records of an answer, as text; how it failed where it did; or that it is for others."""
        answer = self.ask(name, kind, asker)
        assert not isinstance(answer, Forward)
        if answer.rcode():
            return [dns.rcode.to_text(answer.rcode())]
        return [each.to_text() for rrset in answer.answer for each in rrset]


def question(name: str, kind: str = "A", payload: int = 0, **options: object) -> bytes:
    """A question's wire; with EDNS where a payload is said."""
    said = {"use_edns": 0, "payload": payload} if payload else {}
    return dns.message.make_query(name, RdataType[kind], **said, **options).to_wire()  # type: ignore[arg-type]


def mangled(wire: bytes, changes: list[tuple[int, int]], kept: int) -> bytes:
    """A message with other bytes at some places, cut short."""
    octets = bytearray(wire)
    for place, value in changes:
        octets[place % len(octets)] = value
    return bytes(octets[: kept + 5])
