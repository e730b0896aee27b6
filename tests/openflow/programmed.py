"""A real switch that a programmer keeps right, and that no audit will come to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import count

from apps.pipeline import LOCAL, PERMIT
from controller.flow import Flow, field, put
from controller.openflow import framework
from controller.reconcile.audits import AuditIntervals
from controller.reconcile.programmer import Programmer
from controller.reconcile.target import Target
from controller.runtime import hub
from tests.openflow.flows import Heard, until
from tests.ovs import PrivateOvs

_numbers = count(1)


class Plan:
    """What is wanted; every round is over."""

    revision = 1

    def __init__(self, wanted: set[Flow]) -> None:
        self.wanted = wanted

    def comparing(self, switch_id: str) -> AbstractContextManager[None]:
        return nullcontext()

    def compare(self, switch_id: str, target: Target, right: set[int], wrong: set[int]) -> int:
        return target.compare(right, wrong, self.wanted)

    def confirmed(self, switch_id: str, revision: int, current: bool) -> None: ...

    def refused(self, switch_id: str, refusals: dict[int, str]) -> None: ...


class Programmed:
    """A real switch with 100 flows, and its programmer."""

    def __init__(self, ovs: PrivateOvs, heard: Heard, name: str) -> None:
        self.ovs, self.heard, self.name = ovs, heard, name
        self.wanted = {plain(number) for number in range(100)}
        self.session = next(iter(heard.sessions.values()))
        self.programmer = Programmer("h1", self.session, Plan(self.wanted), AuditIntervals(3600.0, 3600.0))

    def ofctl(self, command: str, *arguments: str) -> str:
        return self.ovs.ofctl(command, self.name, *arguments)

    def right(self) -> bool:
        held = self.session.held()
        return held.right == {flow.cookie for flow in self.wanted} and not held.wrong

    def run(self) -> None:
        hub.spawn(self.programmer.run)
        until(lambda: self.programmer.synchronised)
        assert self.right()


@contextmanager
def programmed(ovs: PrivateOvs) -> Iterator[Programmed]:
    """A new bridge, connected to a server of its own."""
    heard, number = Heard(), next(_numbers)
    server = framework.serve(("127.0.0.1", 0), heard)
    ovs.add_bridge(f"kept{number}", number, f"tcp:127.0.0.1:{server.address[1]}")
    until(lambda: heard.sessions)
    made = Programmed(ovs, heard, f"kept{number}")
    made.run()
    yield made
    made.programmer.end()
    server.close()
    ovs.vsctl("del-br", made.name)


def plain(number: int, does: int = 1) -> Flow:
    return Flow(LOCAL, 100, (field("eth_dst", number),), (put("reg7", does),), goto=PERMIT)
