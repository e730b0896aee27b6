"""Operators remove a switch that is gone, and none that is not."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import pytest

from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.diagnose.operators import Operators
from controller.flow import Rates
from controller.model.rows import Switch
from controller.ovsdb.seen import SeenHypervisor
from controller.reconcile.audits import AuditIntervals
from controller.reconcile.progress import Progress
from controller.reconcile.reconciler import Reconciler
from controller.runtime.errors import Conflict, NotFound
from controller.store import open_store
from controller.store.replica import Replica
from controller.switches.observer import Observer

NOWHERE = cast(Any, None)  # what a removal does not ask


def test_a_switch_whose_database_is_connected_is_not_removed(tmp_path: Path) -> None:
    """Its database would not tell of it again until something on it changes."""
    store = open_store(f"sqlite:///{tmp_path}/tenet.db")
    replica = Replica(store)
    replica.start()
    observer, progress = Observer(store, replica), Progress(time.monotonic)
    reconciler = Reconciler(replica, Compiler(replica.model, apps(Rates())), progress, AuditIntervals())
    databases = ["h1"]
    parts = [NOWHERE] * 7
    operators = Operators(replica, reconciler, NOWHERE, progress, observer, *parts, databases=databases)
    observer.hypervisor(SeenHypervisor(system_id="h1", host="h1", dpid=1, encap_ip="", encap_types=(), underlay_mtu=0))
    with pytest.raises(Conflict, match="manager"):
        operators.forget("h1")
    assert "h1" in replica.model.rows(Switch)
    databases.clear()
    operators.forget("h1")
    assert not replica.model.rows(Switch)
    with pytest.raises(NotFound):
        operators.forget("h1")
    replica.stop()
    store.close()
