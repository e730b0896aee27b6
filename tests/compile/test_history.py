"""After any sequence of changes, in any batches, the incremental result is that of a compile from nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from apps.pipeline import MISS
from controller.compile.catalogue import apps
from controller.compile.compiler import Apps, Compiler
from controller.compile.flow_set import FlowChange
from controller.flow import Flow, Rates
from controller.model import group_members
from controller.model.model import Applied, Dependency, Model
from controller.model.reader import Reader
from controller.model.rows import NAMES, Interface, Learned, Port, Row, Switch
from controller.model.rows.base import INDEXES, LOOKUPS
from tests import strategies
from tests.world import change
from topology import links

HISTORIES = 1500

put = st.tuples(st.just("put"), st.lists(strategies.rows, min_size=1, max_size=6))
delete = st.tuples(st.just("delete"), st.lists(st.integers(0, 99), min_size=1, max_size=6))
replug = st.tuples(st.just("replug"), st.tuples(st.integers(0, 9), st.sampled_from(strategies.OFPORTS)))
learn = st.tuples(st.just("learn"), st.tuples(st.integers(0, 9), st.sampled_from(strategies.MACS)))
renumber = st.tuples(st.just("renumber"), st.tuples(st.integers(0, 9), st.sampled_from([1, 2, 70, 140])))
protect = st.tuples(st.just("put"), st.lists(strategies.filters | strategies.ports, min_size=1, max_size=6))
leave = st.tuples(st.just("put"), st.lists(strategies.gateways, min_size=1, max_size=4))
wire = st.tuples(st.just("put"), strategies.wires.filter(bool))
include = st.tuples(st.just("include"), st.sampled_from(strategies.SWITCHES))
exclude = st.tuples(st.just("exclude"), st.sampled_from(strategies.SWITCHES))
part = st.tuples(st.just("part"), st.integers(1, 30))  # compute a few units, and go on with the next change
settle = st.tuples(st.just("settle"), st.none())
steps = st.lists(
    st.one_of(
        put, put, put, delete, replug, learn, renumber, wire, protect, leave, part, settle, settle, include, exclude
    ),
    min_size=3,
    max_size=30,
)
begin = st.sampled_from([[], [("put", strategies.base())], [("put", [*strategies.base(), *strategies.north_south()])]])
histories = st.builds(lambda first, then: first + then, begin, steps)


@pytest.fixture(autouse=True, scope="module")
def few_blocks() -> Iterator[None]:
    """Blocks of members with several addresses each, although there are few addresses."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(group_members, "PARTS", 2)
        yield


def from_nothing(model: Model, included: Iterable[str], chosen: Apps) -> Compiler:
    rows = [Applied(1, row.key, row) for kind in NAMES for row in reversed(list(model.rows(kind).values()))]
    fresh = Model()
    fresh.apply(reversed(rows))
    compiler = Compiler(fresh, chosen)
    for switch_id in included:
        compiler.include(switch_id)
    compiler.run()
    return compiler


def play(mirror: set[Flow], steps: Iterable[FlowChange]) -> None:
    """What a switch makes of steps, which come in no particular order."""
    changes = list(steps)
    mirror.difference_update(old for old, _ in changes if old is not None)
    mirror.update(new for _, new in changes if new is not None)


class History:
    """A compiler that follows a model's changes, and what the switches were sent."""

    def __init__(self, chosen: Apps | None = None) -> None:
        self.model = Model()
        self.chosen = chosen or apps(Rates(1000))
        self.compiler = Compiler(self.model, self.chosen)
        self.mirrors: dict[str, set[Flow]] = {}
        self._work: Iterator[None] = iter(())
        self.include("h0")
        self.include("h1")

    def put(self, rows: list[Row]) -> None:
        self.compiler.mark(change(self.model, *rows))

    def delete(self, numbers: list[int]) -> None:
        keys = sorted(self.model.revisions)
        gone = sorted({keys[number % len(keys)] for number in numbers}) if keys else []
        self.compiler.mark(change(self.model, *gone))

    def replug(self, which: tuple[int, int]) -> None:
        """An interface gets another OpenFlow port."""
        there = sorted(self.model.rows(Interface).items())
        if there:
            _, interface = there[which[0] % len(there)]
            self.put([msgspec.structs.replace(interface, ofport=which[1])])

    def renumber(self, which: tuple[int, int]) -> None:
        """A switch gets another number."""
        there = sorted(self.model.rows(Switch).items())
        if there:
            _, switch = there[which[0] % len(there)]
            self.put([msgspec.structs.replace(switch, number=which[1])])

    def learn(self, which: tuple[int, str]) -> None:
        """An address is learned where a port is now."""
        bound = sorted(self.model.placement.bindings.items())
        if bound:
            port_id, at = bound[which[0] % len(bound)]
            port = self.model.rows(Port)[port_id]
            network_id, mac = port.network_id, which[1]
            self.put([Learned(network_id=network_id, mac=mac, port_id=port_id, at=at.row_id, ofport=at.ofport)])

    def include(self, switch_id: str) -> None:
        self.compiler.include(switch_id)
        self.mirrors.setdefault(switch_id, set())

    def exclude(self, switch_id: str) -> None:
        self.compiler.exclude(switch_id)
        self.mirrors.pop(switch_id, None)

    def part(self, units: int) -> None:
        """Work as the reconciler does: what changes meanwhile joins the round."""
        for _ in range(units):
            if next(self._work, "over") == "over":
                self._work = self.compiler.work()

    def settle(self, _: None = None) -> None:
        for _ in self._work:
            pass
        compiled = self.compiler.run()
        self._work = iter(())
        assert compiled.changes.keys() <= self.mirrors.keys()
        for switch_id, mirror in self.mirrors.items():
            play(mirror, compiled.changes.get(switch_id, ()))
            assert mirror == set(self.compiler.wanted(switch_id)), switch_id
            assert self.compiler.count(switch_id) == len(mirror)

    def check(self) -> None:
        self.settle()
        scratch = from_nothing(self.model, self.mirrors, self.chosen)
        for switch_id in self.mirrors:
            assert set(self.compiler.wanted(switch_id)) == set(scratch.wanted(switch_id)), switch_id
        assert self.compiler.flow_sets.keys() == scratch.flow_sets.keys()
        for place, flow_set in self.compiler.flow_sets.items():
            assert {who: set(flows) for who, flows in flow_set.claims.items()} == {
                who: set(flows) for who, flows in scratch.flow_sets[place].claims.items()
            }
        assert self.compiler.units.keys() == scratch.units.keys()
        assert not any(unit.more for unit in self.compiler.units.values())
        for where, unit in self.compiler.units.items():
            assert set(unit.deps) == set(scratch.units[where].deps)
        assert set(self.compiler.dependencies) == set(scratch.dependencies)


def after(history: list[tuple[str, Any]], chosen: Apps | None = None) -> History:
    told = History(chosen)
    for name, argument in history:
        getattr(told, name)(argument)
    return told


@settings(max_examples=HISTORIES)
@given(histories)
def test_incremental_is_from_nothing(history: list[tuple[str, Any]]) -> None:
    after(history).check()


@pytest.mark.parametrize("units", [0, 1, 2, 3, 5, 8, 11, 15, 20, 30])
def test_the_last_switch_of_a_network_goes_while_another_comes(units: int) -> None:
    """The network's flow set is there still when the round ends that gives it to the one that comes."""
    begun: list[tuple[str, Any]] = [("put", strategies.base()), ("settle", None), ("exclude", "h1"), ("include", "h2")]
    after([*begun, ("part", units), ("exclude", "h0")]).check()


@settings(max_examples=100)
@given(histories)
def test_no_table_is_of_two_minds(history: list[tuple[str, Any]]) -> None:
    """Flows that are the same everywhere have tables of their own, and no switch is to hold two flows of one key."""
    told = after(history)
    told.settle()
    for (kind, _), flow_set in told.compiler.flow_sets.items():
        for flow in flow_set.flows():
            assert flow.table.flow_set == kind or (kind == "switch" and flow.priority == MISS), flow
            assert kind == "switch" or flow.priority > MISS, flow
    for switch_id in told.mirrors:
        keys = [flow.key for flow in told.compiler.wanted(switch_id)]
        assert len(keys) == len(set(keys))


@settings(max_examples=100)
@given(histories, st.lists(strategies.rows, max_size=8))
def test_out_and_back(history: list[tuple[str, Any]], extra: list[Row]) -> None:
    """What comes and goes leaves what was."""
    told = after(history)
    told.settle()
    before = {switch_id: set(mirror) for switch_id, mirror in told.mirrors.items()}
    was = {row.key: told.model.get(type(row), row.row_id) for row in extra}
    told.put(extra)
    told.settle()
    told.put([row for row in was.values() if row is not None])
    told.compiler.mark(change(told.model, *(key for key, row in was.items() if row is None)))
    told.settle()
    assert told.mirrors == before


@settings(max_examples=100)
@given(histories)
def test_nothing_is_left_of_what_is_gone(history: list[tuple[str, Any]]) -> None:
    told = after(history)
    for switch_id in strategies.SWITCHES:
        told.exclude(switch_id)
    told.settle()
    assert told.compiler.empty
    change(told.model, *sorted(told.model.revisions))
    assert not told.model.placement and not told.model.group_members
    for kind in NAMES:
        for name in (*INDEXES[kind], *LOOKUPS[kind]):
            assert not told.model.values(kind, name)


# --- the test itself is tested: without any one kind of recorded dependency it fails ---


def _short(rows: list[Row], *steps: st.SearchStrategy[tuple[str, Any]]) -> st.SearchStrategy[list[tuple[str, Any]]]:
    return st.builds(lambda then: [("put", rows), ("settle", None), *then], st.lists(st.one_of(*steps), max_size=6))


# What the search below does not find among all histories in its time, it finds among short ones of one matter.
OF_ONE_MATTER = (
    _short(strategies.base(), protect, protect, delete, settle),
    _short([*strategies.base(), *strategies.north_south()], leave, leave, delete, settle),
)
NOT_OF_FLOWS = {"floating_here", "watched"}  # read for announcements, and for rows of databases


class _Failed(Exception):
    """The property does not hold."""


def _holds(chosen: Apps, among: st.SearchStrategy[list[tuple[str, Any]]]) -> bool:
    @settings(
        max_examples=2500, database=None, derandomize=True, phases=[Phase.generate], print_blob=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(among)
    def search(history: list[tuple[str, Any]]) -> None:
        try:
            after(history, chosen).check()
        except HypothesisException:
            raise
        except Exception as error:
            raise _Failed from error

    try:
        search()
    except _Failed:
        return False
    return True


READS = {name for name, member in vars(Reader).items() if callable(member) and not name.startswith("_")}


@pytest.mark.parametrize("read", sorted(READS - NOT_OF_FLOWS))
def test_a_dependency_that_is_not_recorded_is_noticed(read: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every read that a reader has."""
    original = getattr(Reader, read)

    def forgetful(self: Reader, *arguments: Any) -> object:
        before = set(self.deps)
        found = original(self, *arguments)
        self.deps.intersection_update(before)
        return self._model.get(*arguments) if read == "view" else found

    monkeypatch.setattr(Reader, read, forgetful)
    chosen = apps(Rates(1000))
    if read == "towards":  # links.py reads, of the same object, what changes whenever this does
        own = [app for app in chosen["switch"]["switch"] if app.__module__ != links.__name__]
        chosen = {**chosen, "switch": {**chosen["switch"], "switch": own}}
    assert not all(_holds(chosen, among) for among in (histories, *OF_ONE_MATTER))


@settings(max_examples=300)
@given(histories)
def test_a_change_of_what_is_not_for_flows_is_told(history: list[tuple[str, Any]]) -> None:
    told = History()
    mark, touched = told.compiler.mark, set[Dependency]()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(told.compiler, "mark", lambda news: (touched.update(news), mark(news)))
        for name, argument in history:
            touched.clear()
            before = _not_for_flows(told.model)
            getattr(told, name)(argument)
            for (read, switch_id), (answer, deps) in _not_for_flows(told.model).items():
                assert answer == before[read, switch_id][0] or touched & deps, (read, switch_id)


def _not_for_flows(model: Model) -> dict[tuple[str, str], tuple[list[str], set[Dependency]]]:
    """What such reads answer on each switch, and what they record."""
    found = {}
    for read in NOT_OF_FLOWS:
        for switch_id in strategies.SWITCHES:
            see = Reader(model, switch_id)
            found[read, switch_id] = sorted(getattr(see, read)()), see.deps
    return found
