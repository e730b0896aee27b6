"""Who is master of which switch, as every member concludes from the same rows; and whether that is sure for us now.

A member's conclusion may be late, never wrong for its revision: two members at one revision agree.  So the revision is
the `generation_id` of the role request, and a switch refuses whoever is late.  `holds` adds what only we know: that our
lease cannot be over yet.
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
    """What the parts that talk to switches ask."""

    shared: bool  # whether there may be other members: roles are asked for, and shares move

    def holds(self, switch_id: str) -> bool:
        """Whether this process may write to the switch, now."""
        ...

    def owns(self, system_id: str) -> bool:
        """Whether this process may write to the hypervisor's database, and what it observes there, now."""
        ...

    def speaks(self, switch_id: str) -> bool:
        """Whether this process is the one to tell others of what is at the switch, connected or not."""
        ...

    @property
    def generation(self) -> int: ...

    def reached(self, switch_id: str, session: object) -> None: ...

    def unreached(self, switch_id: str, session: object) -> None: ...

    def database(self, system_id: str, connected: bool) -> None: ...

    def take(self, switch_id: str) -> None:
        """The switch has made us its master."""
        ...

    def release(self, switch_id: str) -> None: ...

    def listen(self, moved: Callable[[], None]) -> None:
        """`moved` is called when shares may have moved; it must not wait."""
        ...


class Alone:
    """The one process there is: it holds everything."""

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


class View:
    """Who is to have what, from the rows alone; kept up row by row."""

    def __init__(self) -> None:
        self.masters: dict[str, str] = {}  # switch -> member
        self.owners: dict[str, str] = {}  # hypervisor's system-id -> member
        self.present: dict[str, bool] = {}  # member -> draining
        self._switches: dict[str, frozenset[str]] = {}
        self._databases: dict[str, frozenset[str]] = {}

    def update(self, model: Model, members: Iterable[str]) -> None:
        """Rows of these members have changed."""
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
            # those that drain keep what nobody else can reach
            chosen = share(thing, [member for member in able if not self.present[member]] or able)
            if chosen:
                have[thing] = chosen
            else:
                have.pop(thing, None)


class Shared:
    """`Mastery` in a cluster.  `lease_until`: monotonic time until which our lease is sure to be ours."""

    shared = True

    def __init__(
        self, me: str, replica: Replica, lease_until: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.me = me
        self.view = View()
        self.lease_until = lease_until
        self.instance = ""  # ours, once its rows are in the store
        self.frozen = ""  # why nothing may be written
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
        """Our lease holds, and what we know includes that we are there under it."""
        return self._clock() < self.lease_until() and self.present

    @property
    def present(self) -> bool:
        """Our rows are in the model."""
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
