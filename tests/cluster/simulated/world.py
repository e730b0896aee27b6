"""One history: what members, switches and clients live through, from a seed."""

from __future__ import annotations

import itertools
import random

from controller.cluster.mastery import Shared
from controller.model.rows import Member, Network
from controller.runtime.errors import Changed, StoreError
from controller.store.codec import decode
from controller.store.transaction import Taken, Transaction
from tests.cluster.simulated.clock import Clock, Machine
from tests.cluster.simulated.node import Answer, Node, encoded, with_name
from tests.cluster.simulated.store import Store
from tests.cluster.simulated.switch import Flow, Switch

NETWORKS = 5
SEGMENTS = 8  # that networks draw from: some are always wanted twice


class World:
    """`generation` and `may_write` may be replaced, to see what would happen without them.

    Clients create, delete and count networks (a network's name is a number).  `acknowledged`: the revision of each
    write that was, and what it wrote: (network, name), with "" for none.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.calm = False
        self.clock = Clock()
        self.store = Store(self.clock)
        self.numbers = itertools.count()
        self.switches = [Switch(f"s{n}") for n in range(self.random.randint(1, 3))]
        self.acknowledged: list[tuple[int, str, str]] = []
        self.unleased: list[str] = []  # writes to switches by those whose lease was over
        self.answers = {"made": 0, "refused": 0, "unknown": 0}
        members = self.random.randint(2, 5)
        self.machines = [Machine(self.clock, self.random) for _ in range(members)]
        for number in range(members):
            self.store.commit({}, encoded(Member(id=f"m{number}", openflow="", ovsdb="", rest="")))
        self.nodes = {number: self._start(number) for number in range(members)}
        self.clock.after(0.1, self._mischief)
        self.clock.after(0.1, self._client)

    def generation(self, node: Node) -> int:
        return node.shared.generation

    def may_write(self, shared: Shared, switch: str) -> bool:
        return shared.holds(switch)

    def writing(self, node: Node, switch: Switch) -> None:
        """A member sends a write to a switch."""
        if not self.store.alive(node.lease):
            self.unleased.append(f"{node.name} writes to {switch.name} at {self.clock.now:.1f} without a lease")

    def latency(self, node: Node | None = None) -> float:
        return self.random.choice([0.001, 0.005, 0.02, 0.3]) if not self.calm else 0.001

    def loses(self) -> bool:
        """Whether a message to the store, or its answer, is lost."""
        return not self.calm and self.random.random() < 0.05

    def live(self, seconds: float) -> None:
        """Mischief for so long, then peace until everything should be as it is to be."""
        self.clock.run(seconds)
        self.calm = True
        for node in list(self.nodes.values()):
            node.cut_from_store = node.cut_from_switches = False
            if node.dead:
                self.nodes[node.number] = self._start(node.number)
        self.clock.run(seconds + 25)

    def networks(self) -> dict[str, Network]:
        """Those in the store at the end."""
        rows = [decode(row.key, row.value or b"") for row in self.store.rows.values() if row.key.startswith("network/")]
        return {row.id: row for row in rows if isinstance(row, Network)}

    def flows(self) -> set[Flow]:
        return {(row.id, row.name) for row in self.networks().values()}

    def _start(self, number: int) -> Node:
        node = Node(self, number)
        for switch in self.switches:
            node.connect(switch)
        return node

    # --- clients ---

    def _client(self) -> None:
        if self.calm:
            return
        self.clock.after(self.random.uniform(0.05, 1.0), self._client)
        node = self.random.choice(list(self.nodes.values()))
        if node.dead or node.stopped_until > self.clock.now:
            return
        network, segment = f"n{self.random.randrange(NETWORKS)}", self.random.randrange(1, SEGMENTS)
        said: list[str] = []

        def rules(transaction: Transaction) -> None:
            said.append(change(transaction, network, segment, delete=self.random.random() < 0.2))

        try:
            node.write(rules, lambda answer: self._answered(answer, network, said[0]))
        except Taken:
            self.answers["refused"] += 1

    def _answered(self, answer: Answer, network: str, name: str) -> None:
        if isinstance(answer, StoreError):
            self.answers["refused" if isinstance(answer, Changed) else "unknown"] += 1
        else:
            self.answers["made"] += 1
            self.acknowledged.append((answer, network, name))

    # --- what befalls them ---

    def _mischief(self) -> None:
        if self.calm:
            return
        self.clock.after(self.random.uniform(0.2, 2.5), self._mischief)
        node = self.random.choice(list(self.nodes.values()))
        kind = self.random.choice(["stop", "store", "switches", "reconnect", "die", "drain", "clock"])
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
        elif kind == "clock":
            node.machine.jump(self.random)
        else:
            self._drain(node)

    def _drain(self, node: Node) -> None:
        """Begin or end to drain it."""
        row = self.store.rows[f"member/{node.name}"]
        now = decode(row.key, row.value or b"")
        draining = isinstance(now, Member) and not now.draining
        self.store.commit({}, encoded(Member(id=node.name, openflow="", ovsdb="", rest="", draining=draining)))


def change(transaction: Transaction, network: str, segment: int, delete: bool) -> str:
    """Create a network, count it up by one, or delete it; its name then, "" when it is gone.  Raises Taken."""
    row = transaction.get(Network, network)
    if row is None:
        row = Network(id=network, project_id="p", name="0", mtu=1500, network_type="vxlan", segment=segment)
        transaction.reserve(f"segment/{segment}", row)
        transaction.put(row)
        return row.name
    if delete:
        transaction.release(f"segment/{row.segment}")
        transaction.delete(row)
        return ""
    row = with_name(row, str(int(row.name) + 1))
    transaction.put(row)
    return row.name
