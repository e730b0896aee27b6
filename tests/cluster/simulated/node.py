"""A member's process, from its start to its end."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from controller.cluster.mastery import Shared
from controller.model.model import Applied, Dependency, Model
from controller.model.rows import Network, Presence, Reach, Row
from controller.runtime.errors import StoreError, Unavailable
from controller.store.codec import decode, encode
from controller.store.replica import applied
from controller.store.transaction import Transaction
from tests.cluster.simulated.store import TTL
from tests.cluster.simulated.switch import Connection, Flow, Switch

if TYPE_CHECKING:
    from tests.cluster.simulated.world import World

MARGIN = 0.3
LOST = Unavailable("no answer")
Answer = int | StoreError  # a revision, or why not


class Replica:
    """What `Shared` asks of a replica."""

    def __init__(self) -> None:
        self.model = Model()
        self.listeners: list[Callable[[set[Dependency]], None]] = []

    def listen(self, listener: Callable[[set[Dependency]], None]) -> None:
        self.listeners.append(listener)

    def take(self, changes: list[Applied]) -> None:
        touched = self.model.apply(changes)
        for listener in self.listeners:
            listener(touched)


class Node:
    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.name = f"m{number}"
        self.stopped_until = 0.0
        self.cut_from_store = False
        self.cut_from_switches = False
        self.dead = False
        self.machine = world.machines[number]
        self.replica = Replica()
        self.shared = Shared(self.name, self.replica, lambda: self._until - MARGIN, self.machine.monotonic)  # type: ignore[arg-type]
        self.connections: dict[str, Connection] = {}
        self.lease = 0
        self._until = 0.0
        self._position = 0
        self._reach: Reach | None = None
        self._instances: set[str] = set()
        self._names = itertools.count()
        self._seen = False  # our rows, by ourselves
        self._busy = False  # waits for the store to answer about its own rows
        self._tick()
        self._keep()

    @property
    def generation(self) -> int:
        return self.world.generation(self)

    def wanted(self) -> set[Flow]:
        return {(row.id, row.name) for row in self.replica.model.rows(Network).values()}

    def connect(self, switch: Switch) -> None:
        old = self.connections.pop(switch.name, None)
        if old is not None:
            old.close()
        made = Connection(self.world, self, switch, next(self.world.numbers))
        self.connections[switch.name] = made
        self.shared.reached(switch.name, made)

    def die(self) -> None:
        self.dead = True
        for connection in self.connections.values():
            connection.close()

    def write(self, rules: Callable[[Transaction], None], answered: Callable[[Answer], None]) -> None:
        """What an API request does: rules on what is known here, then the store decides.  Raises Taken."""
        transaction = Transaction(self.replica.model)
        rules(transaction)
        read, write = transaction.read, transaction.write
        self.ask(lambda: self.world.store.commit(read, write), answered)

    def ask(self, act: Callable[[], int], answered: Callable[[Answer], None]) -> None:
        """Have the store do something; either way may lose it, and an answer comes when this process runs."""
        world = self.world
        answer: list[Answer] = [LOST]

        def arrive() -> None:
            if not self.cut_from_store and not world.loses():
                try:
                    done: Answer = act()
                except StoreError as error:
                    done = error
                if not self.cut_from_store and not world.loses():
                    answer[0] = done
            world.clock.after(world.latency() if answer[0] is not LOST else 0.5, hear)

        def hear() -> None:
            if self.stopped_until > world.clock.now:
                world.clock.after(self.stopped_until - world.clock.now, hear)
            elif not self.dead:
                answered(answer[0])

        world.clock.after(world.latency(), arrive)

    # --- its rhythm ---

    def _tick(self) -> None:
        if self.dead:
            return
        world = self.world
        if self.stopped_until > world.clock.now:
            world.clock.after(self.stopped_until - world.clock.now, self._tick)
            return
        world.clock.after(world.random.uniform(0.05, 0.25), self._tick)
        # stopped between any two instructions: only so much of a turn, and in any order
        steps = [self._follow, self._publish, *(each.step for each in self.connections.values())]
        world.random.shuffle(steps)
        for step in steps:
            step()

    def _follow(self) -> None:
        if self.cut_from_store:
            return
        log = self.world.store.log
        end = len(log) if self.world.random.random() < 0.7 else self.world.random.randint(self._position, len(log))
        while self._position < end < len(log) and log[end].revision == log[end - 1].revision:
            end += 1  # commits come whole
        if end > self._position:
            changes, self._position = log[self._position : end], end
            self.replica.take([applied(*change) for change in changes])

    # --- its rows; the same steps as the product's `Membership` ---

    def _publish(self) -> None:
        if self.shared.instance and (self.machine.monotonic() >= self._until - MARGIN or self._gone()):
            self._give_up()
        if self._busy:
            return
        if not self.shared.instance:
            self._busy = True
            asked = self.machine.monotonic()
            self.ask(self.world.store.grant, lambda answer: self._granted(answer, asked))
        elif (reach := self._wanted_reach()) != self._reach:
            self._busy = True
            lease, write = self.lease, encoded(reach)
            self.ask(lambda: self.world.store.commit({}, write, lease), lambda answer: self._published(answer, reach))

    def _gone(self) -> bool:
        """Our rows were here and are not any more."""
        seen = self._seen
        self._seen = self.shared.present
        return seen and not self._seen

    def _give_up(self) -> None:
        lease, self.lease, self.shared.instance, self._seen = self.lease, 0, "", False
        self.ask(lambda: self._revoke(lease), lambda _: None)

    def _revoke(self, lease: int) -> int:
        self.world.store.revoke(lease)
        return 0

    def _granted(self, answer: Answer, asked: float) -> None:
        if isinstance(answer, StoreError):
            self._busy = False
            return
        lease, instance = answer, f"{id(self)}-{next(self._names)}"
        self._instances.add(instance)
        reach = self._wanted_reach()
        presence = Presence(id=self.name, instance=instance, since=self.machine.wall(), lease=TTL)
        write = encoded(presence, reach)
        self.ask(
            lambda: self.world.store.commit({presence.key: self._left_over(presence.key)}, write, lease),
            lambda answer: self._joined(answer, lease, asked, instance, reach),
        )

    def _left_over(self, key: str) -> int:
        """The revision of what an earlier lease of this very process has left."""
        row = self.world.store.rows.get(key)
        if row is None or row.value is None:
            return 0
        left = decode(key, row.value)
        return row.revision if isinstance(left, Presence) and left.instance in self._instances else 0

    def _joined(self, answer: Answer, lease: int, asked: float, instance: str, reach: Reach) -> None:
        self._busy = False
        if isinstance(answer, StoreError):
            self.ask(lambda: self._revoke(lease), lambda _: None)
            return
        self.lease, self._until, self.shared.instance, self._reach = lease, asked + TTL, instance, reach
        self._seen = False

    def _published(self, answer: Answer, reach: Reach) -> None:
        self._busy = False
        if not isinstance(answer, StoreError) and self.shared.instance:
            self._reach = reach

    def _wanted_reach(self) -> Reach:
        switches, held = sorted(self.shared.connected), sorted(self.shared.held)
        return Reach(id=self.name, switches=tuple(switches), held=tuple(held))

    def _keep(self) -> None:
        if self.dead:
            return
        world = self.world
        if self.stopped_until > world.clock.now:
            world.clock.after(self.stopped_until - world.clock.now, self._keep)
            return
        world.clock.after(TTL / 6, self._keep)
        if lease := self.lease:
            asked = self.machine.monotonic()
            self.ask(lambda: int(world.store.keep(lease)), lambda answer: self._kept(answer, lease, asked))

    def _kept(self, answer: Answer, lease: int, asked: float) -> None:
        if answer == 1 and lease == self.lease and self.shared.instance:
            self._until = max(self._until, asked + TTL)


def encoded(*rows: Row) -> dict[str, bytes | None]:
    return {row.key: encode(row) for row in rows}


def with_name(row: Network, name: str) -> Network:
    return msgspec.structs.replace(row, name=name)
