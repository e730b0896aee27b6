"""Members of a cluster on a lab: each in a namespace and at an address of its own, one etcd between them.

A member's machine can lose its way to etcd, to the hypervisors or to the other members.
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.cluster.engine import Etcd
from tests.cluster.machine import machine
from tests.lab import Controller, Hypervisor, Lab
from tests.lab.cloud import Cloud, until
from tests.lab.controller import Options
from tests.lab.netns import ip
from tests.store.etcd_process import Tls

LEASE = 3.0
FILES = {"ca": "ca.pem", "certificate": "controller.pem", "private_key": "controller.key"}


class Place(NamedTuple):
    """What a Controller asks of a lab."""

    namespace: str
    controller_address: str
    directory: Path
    at_end: Callable[[Callable[[], None]], None]


class Member(Controller):
    def __init__(
        self,
        lab: Lab,
        number: int,
        store: str,
        options: Options | None = None,
        files: Path | None = None,
    ) -> None:
        """`store`: the URL of the model's.  `files`: a folder of certificates, see `site`."""
        self.name = f"m{number}"
        self.number = number
        self.machine = machine(lab, self.name, 200 + number)
        address = self.machine.address6 if files else self.machine.address
        own: dict[str, dict[str, object]] = {
            "store": {"url": store},
            "cluster": {"member": self.name, "lease": LEASE},
        }
        tls = {name: files / file for name, file in FILES.items()} if files else None
        if files:
            own |= {"northbound": {"listen": f"[{address}]:9696"}, "auth": {"insecure": "true"}}
        for section, given in (options or {}).items():
            own.setdefault(section, {}).update(given)
        place = Place(self.machine.namespace, address, lab.directory, lab.at_end)
        super().__init__(place, own, tls)  # type: ignore[arg-type]
        self.rest = address if files else "127.0.0.1"

    def running(self) -> bool:
        return self.process is not None and self.process.running()

    def pause(self) -> None:
        assert self.process is not None
        self.process.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.signal(signal.SIGCONT)

    def cluster(self) -> dict[str, Any]:
        return dict(self.api("GET", "/tenet/v1/cluster").json["cluster"])

    def held(self) -> list[str]:
        """The switches that this member is in fact master of, as it sees it."""
        return [each["id"] for each in self.cluster()["switches"] if each["held_by"] == self.name]


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
        """Every switch holds just what its master wants it to; one that has just become master computes it yet."""
        for hypervisor in self.lab:
            assert until(lambda at=hypervisor: self._differing(at) == [], 15.0), self._differing(hypervisor)

    def _differing(self, hypervisor: Hypervisor) -> list[str]:
        """The cookies that a switch holds and should not, or should and does not."""
        master = self.master(hypervisor.system_id)
        shown = master.api("GET", f"/tenet/v1/switches/{hypervisor.system_id}/flows").json["flows"]
        wanted = [int(each["cookie"], 16) for each in shown]
        held = [int(each, 16) for flow in hypervisor.flows() for each in re.findall(r"cookie=(0x[0-9a-f]+)", flow)]
        both = Counter(wanted) & Counter(held)
        return [f"{cookie:#x}" for cookie in (Counter(wanted) + Counter(held) - both - both)]

    def right_from_nothing(self) -> None:
        """New processes, which compile the whole model, find nothing to change on any switch."""
        for member in self.members:
            member.restart()
        self.settled()
        assert messages(self.members) == 0

    def _holds(self, member: Member, switch: str) -> bool:
        try:
            return switch in member.held()
        except OSError:
            return False


@contextmanager
def site(
    hypervisors: int,
    members: int,
    options: Mapping[str, Mapping[str, object]] | None = None,
    etcd: Sequence[str] = (),
    engines: int = 1,
    files: Path | None = None,
    wires: Sequence[tuple[int, int]] = (),
    token: str = "",
) -> Iterator[Site]:
    """`etcd`: its own options; `engines`: how many members it has.  `wires`: pairs of hypervisors that have a wire
    from br-int to br-int; then there are no tunnels.  `token`: of an operator, where the options ask for one.

    `files`: a folder with what tools/certificates.sh makes (`ca`, `controller`, a `hypervisor` each), so that all that
    is said goes over TLS with certificates on both sides, REST without a client's; and over IPv6, tunnels too.
    """
    with Lab(hypervisors) as lab:
        tls = Tls(files / "ca.pem", files / "controller.pem", files / "controller.key") if files else None
        engine = Etcd(lab, engines, etcd, tls, ipv6=files is not None)
        engine.start()
        made = [Member(lab, number, engine.url, options, files) for number in range(1, members + 1)]
        for member in made:
            member.token = token
            member.start()
        for hypervisor in lab:
            if files:
                own = files / hypervisor.system_id
                hypervisor.vsctl("set-ssl", f"{own}.key", f"{own}.pem", str(files / "ca.pem"))
            hypervisor.configure([] if wires else ["vxlan"], hypervisor.address6 if files else None, made[0].manager)
        for wire in wires:
            connect(lab, *wire)
        ready = Site(lab, engine, made)
        ready.settled()
        yield ready


def connect(lab: Lab, one: int, other: int) -> None:
    """A wire between two hypervisors, as a cable between two ports of their switches."""
    ends = [(lab[one], f"wire{one}{other}"), (lab[other], f"wire{other}{one}")]
    (near, name), (far, peer) = ends
    ip([f"link add name {name} netns {near.namespace} type veth peer name {peer} netns {far.namespace}"])
    for at, end in ends:
        ip([f"link set {end} up"], at.namespace)
        at.await_bridge()
        at.vsctl("add-port", "br-int", end)


def messages(members: list[Member]) -> float:
    """Flow messages that these members have sent to switches."""
    return sum(member.metric("tenet_flow_messages_total") for member in members)
