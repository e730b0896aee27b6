"""Members of a cluster on a lab: each in a namespace and at an address of its own, one etcd between them.

A member's namespace can lose its way to etcd, to the hypervisors or to the other members by routes that drop.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.lab import Controller, Lab
from tests.lab.cloud import Cloud, until
from tests.lab.controller import Options
from tests.lab.netns import inside, ip, run, socket_in
from tests.lab.processes import Process

LEASE = 3.0
ETCD = "192.0.2.254"
_roles = re.compile(r"role\s*:\s*(\w+)")


class Place(NamedTuple):
    """What a Controller asks of a lab."""

    namespace: str
    controller_address: str
    directory: Path
    at_end: Callable[[Callable[[], None]], None]


class Member(Controller):
    def __init__(self, lab: Lab, number: int, options: Options | None = None) -> None:
        self.name = f"m{number}"
        self.number = number
        self._site = lab
        namespace, address = f"{lab.prefix}-{self.name}", f"192.0.2.{200 + number}"
        lab._namespaces.append(namespace)
        ip([f"netns add {namespace}"])
        ip([f"link add name m{number} netns {lab.namespace} type veth peer name eth0 netns {namespace}"])
        ip([f"link set m{number} master underlay up"], lab.namespace)
        ip([f"addr add {address}/24 dev eth0", "link set lo up", "link set eth0 up"], namespace)
        run(inside(namespace, ["ethtool", "-K", "eth0", "tx", "off"]))
        own: dict[str, dict[str, object]] = {
            "store": {"url": f"etcd://{ETCD}:2379/tenet"},
            "cluster": {"member": self.name, "lease": LEASE},
        }
        for section, given in (options or {}).items():
            own.setdefault(section, {}).update(given)
        super().__init__(Place(namespace, address, lab.directory, lab.at_end), own)  # type: ignore[arg-type]

    def running(self) -> bool:
        return self.process is not None and self.process.running()

    def pause(self) -> None:
        assert self.process is not None
        self.process.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.signal(signal.SIGCONT)

    def cut(self, *addresses: str) -> None:
        """From now on nothing goes from here to these addresses."""
        ip([f"route add blackhole {address}/32" for address in addresses], self.lab.namespace)

    def heal(self, *addresses: str) -> None:
        ip([f"route del blackhole {address}/32" for address in addresses], self.lab.namespace)

    def cluster(self) -> dict[str, Any]:
        return dict(self.api("GET", "/tenet/v1/cluster").json["cluster"])

    def held(self) -> list[str]:
        """The switches that this member is in fact master of, as it sees it."""
        return [each["id"] for each in self.cluster()["switches"] if each["held_by"] == self.name]


class Etcd:
    """One etcd in the underlay's namespace."""

    def __init__(self, lab: Lab, options: tuple[str, ...] = ()) -> None:
        self._lab = lab
        self._options = options
        self.process: Process | None = None
        lab.at_end(self.kill)

    def start(self) -> None:
        url = f"http://{ETCD}:2379"
        argv = ["etcd", "--name", "e", "--data-dir", str(self._lab.directory / "etcd"), "--logger", "zap",
                "--log-level", "error", "--listen-client-urls", url, "--advertise-client-urls", url,
                "--listen-peer-urls", f"http://{ETCD}:2380", "--initial-advertise-peer-urls", f"http://{ETCD}:2380",
                "--initial-cluster", f"e=http://{ETCD}:2380", *self._options]  # fmt: skip
        self.process = Process(inside(self._lab.namespace, argv), self._lab.directory / "etcd.log")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def call(self, path: str, body: Mapping[str, str]) -> Any:
        """The gateway's answer to POST /v3/PATH."""
        connection = http.client.HTTPConnection(ETCD, 2379)
        connection.sock = socket_in(self._lab.namespace, socket.AF_INET, socket.SOCK_STREAM)
        with contextlib.closing(connection):
            connection.sock.settimeout(10)
            connection.sock.connect((ETCD, 2379))
            connection.request("POST", f"/v3/{path}", json.dumps(body))
            return json.load(connection.getresponse())

    def empty(self) -> None:
        """Delete every key there is."""
        nothing = base64.b64encode(b"\0").decode()
        self.call("kv/deleterange", {"key": nothing, "range_end": nothing})


class Site:
    def __init__(self, lab: Lab, etcd: Etcd, members: list[Member]) -> None:
        self.lab = lab
        self.etcd = etcd
        self.members = members
        self.cloud = Cloud(lab, members[0])

    def master(self, switch: str, among: list[Member] | None = None) -> Member:
        """The member that holds a switch, by what the living say."""
        found: list[Member] = []

        def look() -> bool:
            asked = among or [member for member in self.members if member.running()]
            found[:] = [member for member in asked if self._holds(member, switch)]
            return len(found) == 1

        assert until(look, 60.0), [member.text()[-1500:] for member in self.members]
        return found[0]

    def settled(self, within: float = 90.0, members: list[Member] | None = None) -> None:
        """Wait until every hypervisor is held by its master and nothing is behind."""
        asked = (members or self.members)[0]
        names = {hypervisor.system_id for hypervisor in self.lab}

        def all_there() -> bool:
            try:
                cluster = asked.cluster()
            except OSError:
                return False
            switches = {each["id"]: each for each in cluster["switches"]}
            present = [each for each in cluster["members"] if each["present"]]
            return (
                names <= switches.keys()
                and all(each["master"] and each["master"] == each["held_by"] for each in switches.values())
                and len(present) == len(members or self.members)
                and all(len(switches[name]["reached_by"]) == len(present) for name in names)
                and not any(each["switches_behind"] for each in present)
            )

        assert until(all_there, within), (asked.cluster(), asked.text()[-3000:])

    def use(self, member: Member) -> None:
        """Ask this member from now on."""
        self.cloud.controller = member

    def right(self) -> None:
        """Every switch holds just what its master, compiling from nothing, wants it to hold."""
        for hypervisor in self.lab:
            master = self.master(hypervisor.system_id)
            shown = master.api("GET", f"/tenet/v1/switches/{hypervisor.system_id}/flows").json["flows"]
            held = re.findall(r"cookie=(0x[0-9a-f]+)", hypervisor.ofctl("dump-flows"))
            assert sorted(int(each["cookie"], 16) for each in shown) == sorted(int(each, 16) for each in held)

    def _holds(self, member: Member, switch: str) -> bool:
        try:
            return switch in member.held()
        except OSError:
            return False


@contextmanager
def site(hypervisors: int, members: int, options: Mapping[str, Mapping[str, object]] | None = None) -> Iterator[Site]:
    with Lab(hypervisors) as lab:
        etcd = Etcd(lab)
        etcd.start()
        made = [Member(lab, number, options) for number in range(1, members + 1)]
        for member in made:
            member.start()
        for hypervisor in lab:
            hypervisor.configure(["vxlan"], manager=made[0].manager)
        ready = Site(lab, etcd, made)
        ready.settled()
        yield ready


def messages(members: list[Member]) -> float:
    """Flow messages that these members have sent to switches."""
    return sum(member.metric("tenet_flow_messages_total") for member in members)
