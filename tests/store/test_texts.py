"""Equal texts of a snapshot are one object: in the store, in the model's keys, and in what refers to rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from controller.model.rows import FixedIp, Interface, Network, Port, Row, Switch
from controller.store import open_store
from controller.store.codec import encode
from controller.store.replica import Replica
from controller.store.sqlite import SqliteStore

ROWS: tuple[Row, ...] = (
    Switch(id="hypervisor-1", number=1, dpid=1),
    Interface(switch_id="hypervisor-1", name="tap-1", vif="the-port", ofport=1),
    Network(id="the-network", project_id="a-project", mtu=1450, network_type="vxlan", segment=7),
    Port(id="the-port", project_id="a-project", network_id="the-network", mac_address="02:00:00:00:00:01",
         fixed_ips=(FixedIp("the-subnet", "10.0.0.1"),)),
)  # fmt: skip


def the_same(texts: Iterable[str]) -> bool:
    return len({id(text) for text in texts}) == 1


def test_equal_texts_are_one_object(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/tenet.db")
    assert isinstance(store, SqliteStore)
    reserved = {"taken/vif/the-port": b"port/the-port"}
    store.commit({}, {row.key: encode(row) for row in ROWS} | reserved)
    replica = Replica(store)
    replica._load()
    model, keys = replica.model, {key: key for key in store._revisions._keys}
    assert model.revisions == store._revisions._keys  # and none is lost or another
    assert all(the_same((key, keys[key])) for key in model.revisions)
    port, network = model.rows(Port)["the-port"], model.rows(Network)["the-network"]
    (interface,) = model.rows(Interface).values()
    assert the_same((model.taken["taken/vif/the-port"], keys["port/the-port"]))
    assert the_same((port.id, interface.vif, *model.rows(Port), *model.placement.bindings))
    assert the_same((network.id, port.network_id))
    assert the_same((network.project_id, port.project_id))
    assert the_same((interface.switch_id, *model.rows(Switch)))
    store.close()


def test_rows_of_a_snapshot_are_what_was_written(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/tenet.db")
    store.commit({}, {row.key: encode(row) for row in ROWS})
    replica = Replica(store)
    replica._load()
    assert [replica.model.get(type(row), row.row_id) for row in ROWS] == list(ROWS)
    store.close()
