"""Members, a store and switches on a virtual clock; from a seed come what is lost, late, stopped, cut and started anew.

What decides is the product's: `Shared` and `View` over the product's `Model`.  Simulated are the store (rows, leases, a
feed that every member reads late), OpenFlow switches (roles and generations as OpenFlow 1.3.5, 6.3.5 has them), and
connections that deliver in order, late, or not at all.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from controller.cluster.mastery import Shared
from controller.model.kinds import Member, Network, Presence, Reach, Row
from controller.model.model import Applied, Dependency, Model

TTL = 3.0
MARGIN = 0.3
EQUAL, MASTER, SLAVE = "equal", "master", "slave"
Flow = tuple[str, str]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def after(self, delay: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + delay, next(self._order), act))

    def run(self, until: float) -> None:
        while self._queue and self._queue[0][0] <= until:
            self.now, _, act = heapq.heappop(self._queue)
            act()
        self.now = until


class Store:
    """Rows, leases and the log of changes; what is asked is answered at once, messages to it may be late."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.revision = 0
        self.rows: dict[str, Row] = {}
        self.log: list[Applied] = []
        self._leases: dict[int, float] = {}
        self._under: dict[str, int] = {}
        self._numbers = itertools.count(1)

    def grant(self) -> int:
        number = next(self._numbers)
        self._leases[number] = self.clock.now + TTL
        self.clock.after(TTL, lambda: self._expire(number))
        return number

    def keep(self, lease: int) -> bool:
        if lease not in self._leases:
            return False
        self._leases[lease] = self.clock.now + TTL
        self.clock.after(TTL, lambda: self._expire(lease))
        return True

    def revoke(self, lease: int) -> None:
        self._leases[lease] = -1.0
        self._expire(lease)

    def commit(self, rows: list[Row], lease: int = 0, absent: bool = False) -> bool:
        if lease and lease not in self._leases:
            return False
        if absent and any(row.key in self.rows for row in rows):
            return False
        self.revision += 1
        for row in rows:
            self.rows[row.key] = row
            self._under[row.key] = lease
            self.log.append(Applied(self.revision, row.key, row))
        return True

    def _expire(self, lease: int) -> None:
        if self._leases.get(lease, self.clock.now + 1) > self.clock.now:
            return
        del self._leases[lease]
        gone = [key for key, under in self._under.items() if under == lease and key in self.rows]
        if gone:
            self.revision += 1
        for key in gone:
            del self.rows[key], self._under[key]
            self.log.append(Applied(self.revision, key, None))


class Link(NamedTuple):
    """One connection: who is at its ends, and its number (a message of an earlier one is lost)."""

    member: int
    number: int


class Switch:
    def __init__(self, name: str) -> None:
        self.name = name
        self.flows: set[Flow] = set()
        self.roles: dict[Link, str] = {}
        self.generation: int | None = None
        self.accepted: list[tuple[float, int, int]] = []  # time, member, generation of its mastership
        self._since: dict[Link, int] = {}

    def connect(self, link: Link) -> None:
        self.roles[link] = EQUAL

    def drop(self, link: Link) -> None:
        self.roles.pop(link, None)

    def ask(self, link: Link, kind: str, body: Any, now: float) -> Any:
        if kind == "role":
            role, generation = body
            if self.generation is not None and generation < self.generation:
                return False
            self.generation = generation
            if role == MASTER:
                for other, had in self.roles.items():
                    if had == MASTER:
                        self.roles[other] = SLAVE
                self._since[link] = generation
            self.roles[link] = role
            return True
        if kind == "dump":
            return set(self.flows)
        if self.roles[link] == SLAVE:
            return False
        put, drop = body
        self.flows = (self.flows - drop) | put
        self.accepted.append((now, link.member, self._since.get(link, -1)))
        return True


class Connection:
    """A member's side of its connection to a switch: the same steps as `Switchboard._share`, message by message."""

    def __init__(self, world: World, member: Node, switch: Switch, number: int) -> None:
        self.link = Link(member.number, number)
        self.switch = switch
        self.state = "new"
        self.installed: set[Flow] = set()
        self.open = True
        self._world = world
        self._member = member
        self._line: deque[tuple[str, Any, Callable[[Any], None]]] = deque()
        self._moving = False
        switch.connect(self.link)

    def step(self) -> None:
        shared, name = self._member.shared, self.switch.name
        if not self.open:
            return
        if self.state in ("dumping", "master", "writing") and not shared.holds(name):
            self._let_go()
        if self.state in ("new", "slave") and shared.holds(name):
            self.state = "asking"
            self.send("role", (MASTER, self._member.generation), self._asked)
        elif self.state == "new":
            self.state = "slave"
            self.send("role", (SLAVE, self._member.generation), lambda _: None)
        elif self.state == "master":
            self._write()

    def close(self) -> None:
        self.open = False
        self._member.shared.release(self.switch.name)
        self._member.shared.unreached(self.switch.name, self)
        # what is on its way still arrives, and then the switch learns of the end
        self._world.clock.after(self._world.random.uniform(0, 8), lambda: self.switch.drop(self.link))

    def send(self, kind: str, body: Any, answered: Callable[[Any], None]) -> None:
        self._line.append((kind, body, answered))
        if not self._moving:
            self._moving = True
            self._world.clock.after(self._world.latency(self._member), self._deliver)

    def _deliver(self) -> None:
        if self._member.cut_from_switches and self.open:
            self._world.clock.after(0.2, self._deliver)  # it is sent again until it gets through
            return
        kind, body, answered = self._line.popleft()
        if self.link in self.switch.roles:
            answer = self.switch.ask(self.link, kind, body, self._world.clock.now)
            self._world.clock.after(self._world.latency(self._member), lambda: self._hear(answered, answer))
        self._moving = bool(self._line)
        if self._moving:
            self._world.clock.after(0.001, self._deliver)

    def _hear(self, answered: Callable[[Any], None], answer: Any) -> None:
        """An answer waits in the socket while the process is stopped."""
        if self._member.stopped_until > self._world.clock.now:
            self._world.clock.after(self._member.stopped_until - self._world.clock.now, lambda: answered(answer))
        elif self.open:
            answered(answer)

    def _asked(self, given: bool) -> None:
        if not self.open:
            return
        if not given:
            self.state = "slave"
            return
        self._member.shared.take(self.switch.name)
        self.state = "dumping"
        self.send("dump", None, self._dumped)

    def _dumped(self, flows: set[Flow]) -> None:
        if self.open and self.state == "dumping":
            self.installed = set(flows)
            self.state = "master"

    def _write(self) -> None:
        wanted = self._member.wanted()
        put, drop = wanted - self.installed, self.installed - wanted
        if (put or drop) and self._world.may_write(self._member.shared, self.switch.name):
            self.state = "writing"
            self.send("write", (put, drop), lambda taken: self._written(taken, wanted))

    def _written(self, taken: bool, wanted: set[Flow]) -> None:
        if self.state != "writing":
            return
        if taken:
            self.installed = wanted
            self.state = "master"
        else:
            self._let_go()

    def _let_go(self) -> None:
        self._member.shared.release(self.switch.name)
        self.state = "new"


class _Replica:
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
    """A member's process, from its start to its end."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.name = f"m{number}"
        self.stopped_until = 0.0
        self.cut_from_store = False
        self.cut_from_switches = False
        self.dead = False
        self.replica = _Replica()
        self.shared = Shared(self.name, self.replica, lambda: world.clock.now)  # type: ignore[arg-type]
        self.shared.lease_until = lambda: self._until - MARGIN
        self.connections: dict[str, Connection] = {}
        self._until = 0.0
        self._lease = 0
        self._position = 0
        self._reach: Reach | None = None
        self._instances = itertools.count()
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
            self.replica.take(changes)

    def _publish(self) -> None:
        if self.shared.instance and self.world.clock.now >= self._until - MARGIN:
            self.shared.instance, self._lease = "", 0
        if self.cut_from_store:
            return
        store = self.world.store
        reach = Reach(id=self.name, switches=tuple(sorted(self.shared.connected)), held=tuple(sorted(self.shared.held)))
        if not self.shared.instance:
            asked = self.world.clock.now
            lease = store.grant()
            instance = f"{id(self)}-{next(self._instances)}"
            presence = Presence(id=self.name, instance=instance, since=0.0, lease=TTL)
            if f"member/{self.name}" not in store.rows:
                store.commit([Member(id=self.name, openflow="", ovsdb="", rest="")])
            if store.commit([presence, reach], lease, absent=True):
                self._lease, self._until, self.shared.instance, self._reach = lease, asked + TTL, instance, reach
            else:
                store.revoke(lease)
        elif reach != self._reach and store.commit([reach], self._lease):
            self._reach = reach

    def _keep(self) -> None:
        if self.dead:
            return
        world = self.world
        if self.stopped_until > world.clock.now:
            world.clock.after(self.stopped_until - world.clock.now, self._keep)
            return
        world.clock.after(TTL / 6, self._keep)
        lease, asked = self._lease, world.clock.now
        if lease and not self.cut_from_store and world.random.random() > 0.1:
            world.clock.after(world.latency(self), lambda: self._kept(lease, asked))

    def _kept(self, lease: int, asked: float) -> None:
        if self.world.store.keep(lease) and lease == self._lease and self.shared.instance:
            self._until = max(self._until, asked + TTL)


class World:
    """One history.  `generation` and `may_write` may be replaced, to see what would happen without them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.calm = False
        self.clock = Clock()
        self.store = Store(self.clock)
        self.numbers = itertools.count()
        self.switches = [Switch(f"s{n}") for n in range(self.random.randint(1, 3))]
        self.acknowledged: dict[str, str] = {}
        self.nodes = {n: self._start(n) for n in range(self.random.randint(2, 5))}
        self._versions = itertools.count()
        self.clock.after(0.1, self._mischief)
        self.clock.after(0.1, self._client)

    def generation(self, node: Node) -> int:
        return node.shared.generation

    def may_write(self, shared: Shared, switch: str) -> bool:
        return shared.holds(switch)

    def latency(self, node: Node) -> float:
        return self.random.choice([0.001, 0.005, 0.02, 0.3]) if not self.calm else 0.001

    def live(self, seconds: float) -> None:
        """Mischief for so long, then peace until everything should be as it is to be."""
        self.clock.run(seconds)
        self.calm = True
        for node in list(self.nodes.values()):
            node.cut_from_store = node.cut_from_switches = False
            if node.dead:
                self.nodes[node.number] = self._start(node.number)
        self.clock.run(seconds + 25)

    def _start(self, number: int) -> Node:
        node = Node(self, number)
        for switch in self.switches:
            node.connect(switch)
        return node

    def _client(self) -> None:
        if self.calm:
            return
        network, name = f"n{self.random.randint(0, 4)}", str(next(self._versions))
        row = Network(id=network, project_id="p", name=name, mtu=1500, network_type="vxlan", segment=1)
        if self.store.commit([row]):
            self.acknowledged[network] = name
        self.clock.after(self.random.uniform(0.05, 1.5), self._client)

    def _mischief(self) -> None:
        if self.calm:
            return
        self.clock.after(self.random.uniform(0.2, 2.5), self._mischief)
        node = self.random.choice(list(self.nodes.values()))
        kind = self.random.choice(["stop", "store", "switches", "reconnect", "die", "drain"])
        if node.dead:
            self.nodes[node.number] = self._start(node.number)
        elif kind == "stop":
            node.stopped_until = self.clock.now + self.random.choice([0.5, 2.0, 4.0, 8.0])
        elif kind == "store":
            node.cut_from_store = not node.cut_from_store
        elif kind == "switches":
            node.cut_from_switches = not node.cut_from_switches
        elif kind == "reconnect":
            node.connect(self.random.choice(self.switches))
        elif kind == "die":
            node.die()
        else:
            row = self.store.rows.get(f"member/{node.name}")
            draining = isinstance(row, Member) and not row.draining
            self.store.commit([Member(id=node.name, openflow="", ovsdb="", rest="", draining=draining)])
