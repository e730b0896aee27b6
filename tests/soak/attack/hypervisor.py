"""A hypervisor with a certificate of its own that lies, and strangers at the ports for switches and databases."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable

from tests.lab import Hypervisor
from tests.lab.netns import CommandFailed
from tests.soak.attack.target import OPENFLOW, OVSDB, Attacker, Target

HELLO = struct.pack("!BBHI", 4, 0, 8, 1)
FEATURES_REQUEST, FEATURES_REPLY = 5, 6  # OpenFlow 1.3.5, A.1
CHANGES = {4: "a bundle", 13: "a packet", 14: "a flow", 15: "a group", 29: "a meter"}  # only a switch is sent these
ECHO = b'{"method":"echo","id":"echo","params":[]}'
PAUSE = 0.5  # seconds between two lies: a database that changes


class Liar(Attacker):
    """Real Open vSwitch whose operator claims what is another hypervisor's, `victim`, and lets go of it again."""

    name = "liar"

    def __init__(self, target: Target, seed: int, at: Hypervisor, victim: Hypervisor, vifs: list[str]) -> None:
        """`vifs`: of ports that are on other hypervisors."""
        super().__init__(target, seed)
        self._at = at
        self._victim = victim
        self._vifs = vifs
        self._lies: tuple[Callable[[], object], ...] = (
            lambda: self._say(hostname=self._victim.system_id),
            lambda: self._say(**{"tenet-encap-ip": self._victim.address6}),
            lambda: self._say(**{"system-id": self._victim.system_id}),
            lambda: self._say(**{"tenet-underlay-mtu": self.dice.choice(("600", "1", "99999999", "x"))}),
            lambda: self._say(**{"tenet-bridge-mappings": "a:b,c:br-int,:,x"}),
            *[self._plug] * 3,
            self._many,
            self.tell_the_truth,
        )

    def attack(self, until: threading.Event) -> None:
        lie = self.dice.choice(self._lies)
        try:
            lie()
            self.answers["told"] += 1
        except CommandFailed:
            self.answers["failed"] += 1
        until.wait(PAUSE)

    def tell_the_truth(self) -> None:
        own = self._at.system_id
        ids = {"hostname": own, "tenet-encap-ip": self._at.address6, "system-id": own}
        self._say(**ids)
        for name in ("tenet-underlay-mtu", "tenet-bridge-mappings"):
            self._at.vsctl("--no-wait", "remove", "Open_vSwitch", ".", "external_ids", name)
        ports = self._at.vsctl("--no-wait", "list-ports", "br-int").split()
        if lies := [name for name in ports if name.startswith("lie")]:
            self._at.remove(lies, wait=False)

    def _say(self, **ids: str) -> None:
        said = [f'external_ids:{name}="{value}"' for name, value in ids.items()]
        self._at.vsctl("--no-wait", "set", "Open_vSwitch", ".", *said)

    def _plug(self) -> None:
        """An interface with the VIF of somebody else's port."""
        self._interface(f"lie{self.dice.randrange(4)}", self.dice.choice(self._vifs))

    def _many(self) -> None:
        for number in range(10, 30):
            self._interface(f"lie{number}", self.dice.choice((f"vif-{number}", "x" * 2000, " ", '\\"')))

    def _interface(self, name: str, vif: str) -> None:
        self._at.vsctl("--no-wait", "--may-exist", "add-port", "br-int", name, "--", "set", "Interface", name,
                       "type=internal", f'external_ids:iface-id="{vif}"')  # fmt: skip


class Strangers(Attacker):
    """Who comes to the ports for switches and databases without a certificate, or with one that is another's."""

    name = "strangers"

    def __init__(self, target: Target, seed: int, dpid: int) -> None:
        """`dpid`: the datapath of another hypervisor."""
        super().__init__(target, seed)
        self._dpid = dpid

    def attack(self, until: threading.Event) -> None:
        self.dice.choice((self._plain, self._no_certificate, self._impostor, self._database, self._endless))()
        until.wait(0.02)

    def _plain(self) -> None:
        with self.target.dial(self.member(), self.dice.choice((OPENFLOW, OVSDB)), 5.0) as peer:
            peer.sendall(self.dice.choice((HELLO, ECHO, bytes(5000), b"GET / HTTP/1.1\r\n\r\n")))
            self._ends(peer.recv(100), "plain")

    def _no_certificate(self) -> None:
        with self.target.secured(self.member(), self.dice.choice((OPENFLOW, OVSDB)), timeout=5.0) as peer:
            peer.sendall(HELLO)
            self._ends(peer.recv(100), "no certificate")

    def _impostor(self) -> None:
        """The datapath of another, with a certificate of the right authority."""
        with self.target.secured(self.member(), OPENFLOW, self.target.own, 5.0) as peer:
            peer.sendall(HELLO)
            reply = struct.pack("!BBHIQIBBHII", 4, FEATURES_REPLY, 32, 0, self._dpid, 0, 254, 0, 0, 0, 0)
            with peer.makefile("rb") as told:
                while head := told.read(8):
                    told.read(int.from_bytes(head[2:4], "big") - 8)
                    if head[1] == FEATURES_REQUEST:
                        peer.sendall(reply[:4] + head[4:] + reply[8:])
                    if head[1] in CHANGES:
                        self.faults.append(f"who says to be datapath {self._dpid:016x} is sent {CHANGES[head[1]]}")
            self.answers["impostor refused"] += 1

    def _database(self) -> None:
        """A message that does not end, and more than a stranger may send."""
        with self.target.secured(self.member(), OVSDB, self.target.own, 5.0) as peer:
            for _ in range(40):
                peer.sendall(b'{"id":0,"result":"' + b"x" * 65_536)
            self._ends(peer.recv(100_000), "endless")

    def _endless(self) -> None:
        """Messages that say that they are longer, or shorter, than any."""
        with self.target.secured(self.member(), OPENFLOW, self.target.own, 5.0) as peer:
            peer.sendall(HELLO + struct.pack("!BBHI", 4, 19, self.dice.choice((0, 7, 65535)), 1) * 1000)
            self._ends(peer.recv(100), "malformed")

    def _ends(self, said: bytes, what: str) -> None:
        self.answers[f"{what}: {'heard' if said else 'ended'}"] += 1
