"""One real switch and the controller's own path to it: handshake, dump, comparison, bundle."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.flow import Rates
from controller.model.model import Applied
from controller.openflow import framework
from controller.openflow.session import PacketIn, Session
from controller.reconcile.audits import AuditIntervals
from controller.reconcile.progress import Progress
from controller.reconcile.reconciler import Reconciler
from controller.runtime import garbage, hub
from controller.store import open_store
from controller.store.replica import Replica
from tests.bench.deployment import Shape, rows, switch_id
from tests.ovs import PrivateOvs

BRIDGE = "bench"
ONE = switch_id(0)
DPID = 1  # the switch's, as the deployment says
PATIENCE = 120.0  # seconds
# one switch that holds a hundred thousand flows: 100 networks of 77 ports each
SHAPE = Shape(switches=1, networks=100, ports=7_700, spread=1)


class Bench:
    """A reconciler that has compiled, and the server that a bridge connects to.  `took`: seconds from each handshake to
    the switch's confirmation, `messages`: flow messages that were sent for it.
    """

    def __init__(self, directory: Path) -> None:
        replica = Replica(open_store(f"sqlite:///{directory}/tenet.db"))
        replica.model.apply([Applied(1, row.key, row) for row in rows(SHAPE)])
        garbage.settle()
        self.progress = Progress(time.monotonic)
        self.reconciler = Reconciler(
            replica, Compiler(replica.model, apps(Rates())), self.progress, AuditIntervals(3600.0, 3600.0)
        )
        self.reconciler.compiler.include(ONE)
        self.reconciler.compiler.run()
        self.reconciler.start()
        self.took: list[float] = []
        self.messages: list[int] = []
        self.session: Session | None = None
        self._began = 0.0
        self.confirmed = hub.Signal()
        self.gone = hub.Signal()
        self.server = framework.serve(("127.0.0.1", 0), self)

    @property
    def count(self) -> int:
        return self.reconciler.compiler.count(ONE)

    @property
    def target(self) -> str:
        return f"tcp:127.0.0.1:{self.server.address[1]}"

    def connected(self, session: Session) -> None:
        self.session = session
        hub.spawn(self._await_confirmation, session, time.perf_counter())
        self.reconciler.attend(ONE, session)

    def disconnected(self, session: Session) -> None:
        self.reconciler.lost(session)
        self.gone.set()

    def packet_in(self, session: Session, packet: PacketIn) -> None: ...

    def ports_changed(self, session: Session) -> None: ...

    def permits(self, session: Session) -> bool:
        return True

    def refused(self, address: str, why: str, duplicate: bool) -> None: ...

    def await_confirmation(self) -> None:
        if not self.confirmed.wait(PATIENCE):
            raise TimeoutError("the switch did not confirm its flows")
        self.confirmed.clear()

    def _await_confirmation(self, session: Session, began: float) -> None:
        while not (programmer := self.reconciler.programmers.get(ONE)) or programmer.session is not session:
            self.progress.wait(PATIENCE)
        while not (len(programmer.target.installed) == self.count and programmer.target.right):
            self.progress.wait(PATIENCE)
        self.took.append(time.perf_counter() - began)
        self.messages.append(session.flow_messages_sent)
        self.confirmed.set()


@contextmanager
def bench() -> Iterator[tuple[Bench, PrivateOvs]]:
    directory = Path(tempfile.mkdtemp(prefix="tenet-bench-"))
    try:
        with PrivateOvs(dummy=False) as ovs:
            made = Bench(directory)
            try:
                yield made, ovs
            finally:
                made.server.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
