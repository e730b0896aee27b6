"""Switches, and connections to them: the same steps as the product's `Switchboard._share`, message by message."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tests.cluster.simulated.node import Node
    from tests.cluster.simulated.world import World

EQUAL, MASTER, SLAVE = "equal", "master", "slave"
Flow = tuple[str, str]


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
        # of what is on its way some is lost, the rest still arrives, and then the switch learns of the end
        for _ in range(self._world.random.randint(0, len(self._line))):
            self._line.pop()
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
        if not self._line:
            self._moving = False
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
            self._world.writing(self._member, self.switch)
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
