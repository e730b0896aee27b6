"""Three members over one etcd: members are killed, stand still and lose their way to it, and it is killed itself."""

from __future__ import annotations

import http.client
import random
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from controller.model.model import Model
from controller.store import archive
from controller.store.replica import applied
from tests.cluster.engine import ETCD
from tests.cluster.site import LEASE, Member, Site, site
from tests.lab import Reply
from tests.lab.netns import inside, run
from tests.soak.stage import Disturbance, switches


class Members:
    fault = "Traceback|CRITICAL"  # that etcd is not there, or a lease has lapsed, is an error and as it should be

    def __init__(self, made: Site) -> None:
        self.lab = made.lab
        self.disturbances: dict[str, tuple[int, Disturbance]] = {
            "member": (4, self._kill),
            "pause": (2, self._pause),
            "cut": (2, self._cut),
            "etcd": (1, self._kill_etcd),
            **switches(made.lab),
        }
        self._site = made
        self._dice = random.Random(0)
        self._repaired = 0.0

    def api(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Reply:
        return self._dice.choice(self._site.members).api(method, path, body, headers, timeout)

    def settled(self, within: float) -> str:
        try:
            self._site.settled(within)
        except AssertionError as fault:
            return str(fault)
        return ""

    def stored(self) -> Model:
        model, path = Model(), self.lab.directory / "backup"
        path.unlink(missing_ok=True)
        tenet = str(Path(sys.executable).with_name("tenet"))
        run(
            inside(
                self._site.members[0].machine.namespace,
                [tenet, "store", "backup", str(path), "--url", self._site.etcd.url],
            )
        )
        model.apply([applied(1, key, value) for key, value in archive.read(path).items()])
        return model

    def repaired(self) -> float:
        return self._repaired + sum(member.metric("tenet_flows_repaired_total") for member in self._site.members)

    def text(self) -> str:
        return "\n".join(member.text() for member in self._site.members)

    def _kill(self, dice: random.Random) -> None:
        member = dice.choice(self._site.members)
        self._note_repairs(member)
        member.restart()

    def _pause(self, dice: random.Random) -> None:
        """For less than its lease, or for longer."""
        member = dice.choice(self._site.members)
        member.pause()
        try:
            time.sleep(dice.choice((LEASE / 2, LEASE * 2)))
        finally:
            member.go_on()

    def _cut(self, dice: random.Random) -> None:
        member = dice.choice(self._site.members)
        member.machine.cut(ETCD)
        try:
            time.sleep(dice.choice((LEASE / 2, LEASE * 2)))
        finally:
            member.machine.heal(ETCD)

    def _kill_etcd(self, _: random.Random) -> None:
        self._site.etcd.kill()
        self._site.etcd.start()

    def _note_repairs(self, member: Member) -> None:
        try:
            self._repaired += member.metric("tenet_flows_repaired_total")
        except (OSError, http.client.HTTPException):
            return


@contextmanager
def members(audit: int) -> Iterator[Members]:
    with site(3, 3, {"openflow": {"audit_interval": audit, "verify_interval": audit}}) as made:
        yield Members(made)
