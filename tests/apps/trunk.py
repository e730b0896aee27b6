"""A toy app: several logical ports behind one OpenFlow port, told apart by their VLAN tag, as a trunk's subports are.

It stands in for apps/attach.py, the only app that knows OpenFlow ports; all other apps are the product's.  An interface
that is named `trunk.10` is the one with tag 10; `trunk` is the parent, without a tag.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from apps import attach
from apps.matches import UNTAGGED, entering
from apps.pipeline import CHECK_SOURCES, CLASSIFY, DELIVER, HIGH, IN_KEY, OUT_KEY, USUAL
from controller.compile.catalogue import apps
from controller.compile.compiler import Apps, Compiler
from controller.flow import Flow, Rates, clone, field, load, output, pop_vlan, push_vlan, put
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import Network, Port, Row, Switch
from tests.apps.clouds import network, plugged, port, switch
from tests.world import change

TRUNK = 7  # the OpenFlow port
RATE = 1000  # of broadcasts
PRESENT = 0x1000  # OFPVID_PRESENT
KEYS = {"parent": TRUNK, "red-10": 40_001, "red-20": 40_002, "blue-30": 40_003}
TAGS = {"parent": 0, "red-10": PRESENT | 10, "red-20": PRESENT | 20, "blue-30": PRESENT | 30}


def trunked(row: Port, see: Reader) -> Iterator[Flow]:
    at, of = see.binding(row), see.view(Network, row.network_id)
    if at is None or of is None or not at.name.startswith("tap-trunk"):
        yield from attach.port(row, see)
        return
    tag = TAGS[row.id]
    mine = (field("in_port", at.ofport), field("eth_src", row.mac_address))
    tagged = field("vlan_vid", tag) if tag else UNTAGGED
    begun = (*((pop_vlan(),) if tag else ()), IN_KEY.put(at.port_key))
    yield Flow(CLASSIFY, USUAL, (*mine, tagged), begun, entering(of.segment), goto=CHECK_SOURCES)
    to_it = OUT_KEY.match(at.port_key)
    yield Flow(DELIVER, HIGH, (IN_KEY.match(at.port_key), to_it))
    push = (push_vlan(), put("vlan_vid", tag)) if tag else ()
    yield Flow(DELIVER, USUAL, (to_it,), (clone(load("in_port", 0), *push, output(at.ofport)),))


def with_trunks() -> Apps:
    """The product's apps, but for the one that is replaced."""
    chosen = apps(Rates(RATE))
    here = dict(chosen["switch"])
    here["port"] = [trunked if app is attach.port else app for app in here["port"]]
    assert trunked in here["port"]
    return {**chosen, "switch": here}


def rows() -> list[Row]:
    """On h1 a trunk, of which the parent and two subports are in red and one in blue, and bob, red; zoe, red, on h2."""
    found: list[Row] = [switch(1), switch(2), network("red"), network("blue")]
    for number, (name, key) in enumerate(KEYS.items(), 1):
        found += [
            port(name, "blue" if name.startswith("blue") else "red", number),
            replace(plugged(name, 1, TRUNK), name=f"tap-trunk-{name}", allotted=0 if key == TRUNK else key),
        ]
    return [*found, port("bob", "red", 8), plugged("bob", 1, 2), port("zoe", "red", 9), plugged("zoe", 2, 2)]


def flows(switch_id: str = "h1") -> set[Flow]:
    model = Model()
    change(model, *rows())
    compiler = Compiler(model, with_trunks())
    for each in model.rows(Switch):
        compiler.include(each)
    compiler.run()
    return set(compiler.wanted(switch_id))
