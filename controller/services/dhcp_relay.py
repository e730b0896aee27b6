"""DHCP relay agent: clients of networks that say so are answered by servers elsewhere (RFC 1542, RFC 3046, RFC 8415).

The process that masters the client's switch asks the servers from its own address.  It believes an answer only where it
has asked: from that server, about that client, in that transaction, with an address that the port may use.  Open
transactions are bounded, of a port, of a project and in all; nothing outlives them, so another member goes on with the
next message.
"""

from __future__ import annotations

import logging
import socket
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, NoReturn

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from apps.packets import dhcp_relayed, udp
from apps.packets.dhcp4 import MalformedDhcp
from apps.packets.dhcp_relayed import RelayedAnswer
from apps.packets.udp import Datagram
from apps.pipeline import DHCP4, DHCP6
from apps.services.address import ADDRESS4, ADDRESS6, MAC
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import Network, Port, Subnet
from controller.runtime import hub
from controller.runtime.errors import Misconfigured
from controller.runtime.logpace import LogPace, times
from controller.services.dispatch import Ignored, Later, asker, to_asker
from controller.services.places import Places
from controller.switches.packet_in import Answer, FrameOut, PuntedFrame

log = logging.getLogger("tenet.dhcp")

OPEN, OF_PROJECT, OF_PORT = 1024, 256, 4  # open transactions: in all, of a project, of a port
PATIENCE = 4.0  # seconds; clients ask again after 4 s at the earliest (RFC 2131, 4.1)
PORTS = {4: 67, 6: 547}  # of servers and relay agents
_CLIENT = {4: 68, 6: 546}
_MAC = bytes.fromhex(MAC.replace(":", ""))
_OWN = {4: ip_address(ADDRESS4).packed, 6: ip_address(ADDRESS6).packed}
_TO_ALL, _TO_ALL_MAC = b"\xff" * 4, b"\xff" * 6
_NAK = 6
_Key = tuple[int, str, bytes]  # version, port, transaction


@dataclass
class _Transaction:
    """`client`: hardware address (IPv4) or address (IPv6) of the client; `servers`: those that were asked."""

    client: bytes
    servers: Sequence[str]
    answered: hub.Signal = field(default_factory=hub.Signal)
    answer: RelayedAnswer | None = None


def bound(addresses: Sequence[str]) -> dict[int, Any]:
    """Sockets by IP version, at which servers answer.  Raises Misconfigured."""
    found: dict[int, Any] = {}
    for address in addresses:
        version = ip_address(address).version
        sock = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        try:
            sock.bind((address, PORTS[version]))
        except OSError as error:
            sock.close()
            raise Misconfigured(f"[services] dhcp_relay_address: {address}: {error.strerror or error}") from error
        found[version] = sock
    return found


class DhcpRelay:
    """`sockets`: by IP version, bound to this process's address for relaying; see `bound`."""

    def __init__(self, model: Model, sockets: Mapping[int, Any]) -> None:
        self._model = model
        self._sockets = dict(sockets)
        self._open: dict[_Key, _Transaction] = {}
        self._asked: set[str] = set()  # servers that have been asked; operators name them
        self._places = Places(OPEN, OF_PROJECT, OF_PORT)
        self._outcomes: Counter[tuple[str, str]] = Counter()  # (version, outcome) -> messages of servers
        self._pace = LogPace()

    def start(self) -> None:
        for version in self._sockets:
            hub.keep(self._receive, version)

    def around(self, answers: Mapping[int, tuple[str, Answer]]) -> dict[int, tuple[str, Answer]]:
        """All of a process's services, with those of DHCP relayed where a network says so."""
        versions = {DHCP4: 4, DHCP6: 6}
        return {
            number: (name, self.before(versions[number], answer) if number in versions else answer)
            for number, (name, answer) in answers.items()
        }

    def before(self, version: int, own: Answer) -> Answer:
        """A service's answer: by the servers of a network that is relayed, else by `own`."""

        def answer(frame: PuntedFrame, see: Reader) -> Iterable[FrameOut]:
            if not self._model.count(Network, "relayed", True):
                return own(frame, see)
            port = asker(frame, see)
            network = self._model.get(Network, port.network_id) if port is not None else None
            servers = [each for each in network.dhcp_relay if (":" in each) == (version == 6)] if network else []
            if port is None or not servers:
                return own(frame, see)
            return self._relay(version, frame, see, port, servers)

        return answer

    def metrics(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        answers = CounterMetricFamily(
            "tenet_dhcp_relay_answers", "Messages of DHCP servers to this relay agent, by outcome.",
            labels=["version", "outcome"],
        )  # fmt: skip
        for labels, count in sorted(self._outcomes.items()):
            answers.add_metric(list(labels), count)
        yield answers
        yield GaugeMetricFamily("tenet_dhcp_relay_open", "Clients that wait for a DHCP server.", value=len(self._open))

    # --- to servers ---

    def _relay(self, version: int, frame: PuntedFrame, see: Reader, port: Port, servers: list[str]) -> NoReturn:
        """Raises Later, and Ignored for what is not relayed."""
        datagram = udp.read(frame.data)
        if datagram is None:
            raise Ignored("malformed")
        if version not in self._sockets:
            if count := self._pace.due("no address"):
                log.warning("network %s: no [services] dhcp_relay_address for IPv%d: its clients get no address%s",
                            port.network_id, version, times(count))  # fmt: skip
            raise Ignored("no relay address")
        try:
            message = self._forwarded(version, datagram, port)
        except MalformedDhcp as error:
            raise Ignored(f"malformed: {error}") from None
        silent = version == 4 and dhcp_relayed.kind4(datagram.payload) in dhcp_relayed.SILENT
        key = version, port.id, datagram.payload[4:8] if version == 4 else datagram.payload[1:4]
        if silent or key in self._open:  # nobody answers it, or who waits will have the answer
            raise Later(lambda: self._send_only(version, message, servers))
        if not self._places.take(port):
            raise Ignored("busy")
        client = datagram.payload[28:34] if version == 4 else datagram.source
        transaction = self._open[key] = _Transaction(client, servers)

        def run() -> Iterable[FrameOut]:
            try:
                self._send(version, message, servers)
                transaction.answered.wait(PATIENCE)
            finally:
                del self._open[key]
                self._places.give_back(port)
            if transaction.answer is None:
                raise Ignored("no server answers")
            now = asker(frame, see)
            if now is None or now.id != port.id:  # the key may be another port's by now
                raise Ignored("gone")
            return (to_asker(frame, _frame(version, datagram, transaction.answer)),)

        raise Later(run)

    def _forwarded(self, version: int, datagram: Datagram, port: Port) -> bytes:
        link, own = self._link(version, port), ip_address(self._sockets[version].getsockname()[0]).packed
        if version == 6:
            return dhcp_relayed.relayed6(datagram.payload, port.id.encode(), link, datagram.source)
        message = dhcp_relayed.relayed4(datagram.payload, own, port.id.encode(), link)
        if message[28:34] != bytes.fromhex(port.mac_address.replace(":", "")):
            raise Ignored("hardware address of another")
        return message

    def _link(self, version: int, port: Port) -> bytes:
        """The first address of the subnet that a port's address is in, by which servers know where it is."""
        for fixed in port.fixed_ips:
            subnet = self._model.get(Subnet, fixed.subnet_id)
            if subnet is not None and subnet.ip_version == version and subnet.enable_dhcp:
                return ip_network(subnet.cidr).network_address.packed
        raise Ignored("no address")

    def _send_only(self, version: int, message: bytes, servers: Sequence[str]) -> NoReturn:
        self._send(version, message, servers)
        raise Ignored("passed on")

    def _send(self, version: int, message: bytes, servers: Sequence[str]) -> None:
        self._asked.update(servers)
        for server in servers:
            try:
                self._sockets[version].sendto(message, (server, PORTS[version]))
            except OSError as error:
                self._count(version, "unreached")
                if count := self._pace.due(server):
                    log.warning("DHCP server %s: %s%s", server, error.strerror or error, times(count))

    # --- from servers ---

    def _receive(self, version: int) -> None:
        while True:
            data, source = self._sockets[version].recvfrom(65_535)
            self.received(version, data, source[0], source[1])

    def received(self, version: int, data: bytes, address: str, port: int) -> None:
        """Take a message from a server's address and port; never waits.  Whoever was not asked is not read."""
        if port != PORTS[version] or address not in self._asked:
            return self._count(version, "stranger")
        try:
            own = ip_address(self._sockets[version].getsockname()[0]).packed
            answer = dhcp_relayed.answer4(data, own) if version == 4 else dhcp_relayed.answer6(data)
        except MalformedDhcp:
            return self._count(version, "malformed")
        port_id = answer.circuit.decode("ascii", "replace")
        transaction = self._open.get((version, port_id, answer.xid))
        if transaction is None:
            return self._count(version, "unasked")
        if address not in transaction.servers or answer.peer != transaction.client:
            return self._count(version, "stranger")
        asking = self._model.get(Port, port_id)
        if asking is None or not _may_use(asking, answer.addresses):
            if count := self._pace.due(port_id):
                log.warning("port %s: DHCP server %s gives it an address that it may not use%s",
                            port_id, address, times(count))  # fmt: skip
            return self._count(version, "address")
        if transaction.answer is None:
            transaction.answer = answer
            transaction.answered.set()
            return self._count(version, "taken")
        return self._count(version, "late")

    def _count(self, version: int, outcome: str) -> None:
        self._outcomes[str(version), outcome] += 1


def _may_use(port: Port, addresses: Iterable[bytes]) -> bool:
    """Whether a port may send from all of these; without port security it may from any."""
    if not port.port_security:
        return True
    own = {ip_address(each).packed for each in (*port.addresses, *port.paired)}
    return own.issuperset(addresses)


def _frame(version: int, asked: Datagram, answer: RelayedAnswer) -> bytes:
    """The frame that brings an answer to the client that asked."""
    mac, address = asked.eth_src, asked.source
    if version == 4:
        mac, address = _destination4(answer.message)
    ports = PORTS[version], _CLIENT[version]
    return udp.write(Datagram(_MAC, mac, _OWN[version], address, *ports, answer.message))


def _destination4(message: bytes) -> tuple[bytes, bytes]:
    """MAC and address that an answer goes to (RFC 2131, 4.1)."""
    ciaddr, yiaddr, chaddr = message[12:16], message[16:20], message[28:34]
    if message[10] & 0x80 or dhcp_relayed.kind4(message) == _NAK:
        return _TO_ALL_MAC, _TO_ALL
    if ciaddr != bytes(4):
        return chaddr, ciaddr
    return (chaddr, yiaddr) if yiaddr != bytes(4) else (_TO_ALL_MAC, _TO_ALL)
