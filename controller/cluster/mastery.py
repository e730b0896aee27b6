"""Mastership of switches: computed by every member from the same rows, and fenced by this member's lease.

Two members at one revision compute the same masters; a member can be late, but never wrong for its revision.  So the
revision is the `generation_id` of the role request, and a switch refuses a late member.  `holds` adds what only this
process knows: whether its lease is certain to be valid still.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from controller.cluster.shares import share
from controller.model.model import Dependency, Model
from controller.model.rows import Member, Presence, Reach
from controller.store.replica import Replica

log = logging.getLogger("tenet.cluster")


class Mastery(Protocol):
    """Mastership, as the parts that talk to switches and databases need it."""

    shared: bool  # whether there may be other members: then roles are requested, and masters change

    def holds(self, switch_id: str) -> bool:
        """Whether this process may write to the switch, now."""
        ...

    def owns(self, system_id: str) -> bool:
        """Whether this process may write to the hypervisor's database and store what it observes there, now."""
        ...

    def speaks(self, switch_id: str) -> bool:
        """Whether this process reports the switch's state to other systems, whether it is connected or not."""
        ...

    @property
    def generation(self) -> int: ...

    def reached(self, switch_id: str, session: object) -> None: ...

    def unreached(self, switch_id: str, session: object) -> None: ...

    def database(self, system_id: str, connected: bool) -> None: ...

    def take(self, switch_id: str) -> None:
        """The switch has confirmed this process as its master."""
        ...

    def release(self, switch_id: str) -> None: ...

    def listen(self, moved: Callable[[], None]) -> None:
        """Have `moved` called when masters may have changed.  It must not wait."""
        ...


class Alone:
    """Mastership without a cluster: this process is master of every switch."""

    shared = False
    generation = 0

    def holds(self, switch_id: str) -> bool:
        return True

    def owns(self, system_id: str) -> bool:
        return True

    def speaks(self, switch_id: str) -> bool:
        return True

    def reached(self, switch_id: str, session: object) -> None: ...

    def unreached(self, switch_id: str, session: object) -> None: ...

    def database(self, system_id: str, connected: bool) -> None: ...

    def take(self, switch_id: str) -> None: ...

    def release(self, switch_id: str) -> None: ...

    def listen(self, moved: Callable[[], None]) -> None: ...


class ClusterView:
    """Masters and owners computed from the cluster's rows, updated row by row."""

    def __init__(self) -> None:
        self.masters: dict[str, str] = {}  # switch -> member
        self.owners: dict[str, str] = {}  # hypervisor's system-id -> member
        self.present: dict[str, bool] = {}  # member -> draining
        self._switches: dict[str, frozenset[str]] = {}
        self._databases: dict[str, frozenset[str]] = {}

    def update(self, model: Model, members: Iterable[str]) -> None:
        """Recompute what depends on the rows of these members."""
        members = set(members)
        present = {each.id: _draining(model, each.id) for each in model.rows(Presence).values()}
        everything = present != self.present
        self.present = present
        switches: set[str] = set()
        databases: set[str] = set()
        for member in members:
            reach = model.get(Reach, member)
            now = frozenset(reach.switches if reach else ())
            switches |= self._switches.get(member, frozenset()) ^ now
            self._switches[member] = now
            now = frozenset(reach.databases if reach else ())
            databases |= self._databases.get(member, frozenset()) ^ now
            self._databases[member] = now
        if everything:
            switches |= set(self.masters).union(*self._switches.values())
            databases |= set(self.owners).union(*self._databases.values())
        self._settle(self.masters, self._switches, switches)
        self._settle(self.owners, self._databases, databases)

    def reaching(self, switch_id: str) -> list[str]:
        return sorted(member for member in self.present if switch_id in self._switches.get(member, ()))

    def _settle(self, have: dict[str, str], reached: dict[str, frozenset[str]], things: set[str]) -> None:
        for thing in things:
            able = [member for member in self.present if thing in reached.get(member, ())]
            # a draining member keeps what no other member reaches
            chosen = share(thing, [member for member in able if not self.present[member]] or able)
            if chosen:
                have[thing] = chosen
            else:
                have.pop(thing, None)


class Shared:
    """Mastership in a cluster.  `lease_until`: monotonic time until which our lease is certainly valid."""

    shared = True

    def __init__(
        self, me: str, replica: Replica, lease_until: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.me = me
        self.view = ClusterView()
        self.lease_until = lease_until
        self.instance = ""  # of our presence, once its rows are in the store
        self.frozen = ""  # why no switch may be programmed, or ""
        self.connected: dict[str, object] = {}  # switch -> session
        self.databases: set[str] = set()
        self.held: set[str] = set()
        self._publishers: list[Callable[[], None]] = []
        self._model = replica.model
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []
        replica.listen(self._heard)

    @property
    def generation(self) -> int:
        return self._model.revision

    @property
    def alive(self) -> bool:
        """Whether our lease is valid, and our replica shows our presence under it."""
        return self._clock() < self.lease_until() and self.present

    @property
    def present(self) -> bool:
        """Whether our presence row is in the replica."""
        if not self.instance:
            return False
        presence = self._model.get(Presence, self.me)
        return presence is not None and presence.instance == self.instance

    def holds(self, switch_id: str) -> bool:
        return self.view.masters.get(switch_id) == self.me and not self.frozen and self.alive

    def owns(self, system_id: str) -> bool:
        return self.view.owners.get(system_id) == self.me and not self.frozen and self.alive

    def speaks(self, switch_id: str) -> bool:
        speaker = self.view.masters.get(switch_id) or share(switch_id, self.view.present)
        return speaker == self.me and not self.frozen and self.alive

    def reached(self, switch_id: str, session: object) -> None:
        self.connected[switch_id] = session
        self._publish()

    def unreached(self, switch_id: str, session: object) -> None:
        if self.connected.get(switch_id) is session:
            del self.connected[switch_id]
            self._publish()

    def database(self, system_id: str, connected: bool) -> None:
        (self.databases.add if connected else self.databases.discard)(system_id)
        self._publish()

    def take(self, switch_id: str) -> None:
        self.held.add(switch_id)
        self._publish()

    def release(self, switch_id: str) -> None:
        self.held.discard(switch_id)
        self._publish()

    def listen(self, moved: Callable[[], None]) -> None:
        self._listeners.append(moved)

    def listen_published(self, changed: Callable[[], None]) -> None:
        """`changed` is called when what a member publishes of itself (connected, held) is other than before."""
        self._publishers.append(changed)

    def _publish(self) -> None:
        for changed in self._publishers:
            changed()

    def tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _heard(self, touched: set[Dependency]) -> None:
        members = {str(each[1]) for each in touched if each[0] in (Member, Presence, Reach) and len(each) == 2}
        if members:
            self.view.update(self._model, members)
            self.tell()


def _draining(model: Model, member: str) -> bool:
    row = model.get(Member, member)
    return row is not None and row.draining
