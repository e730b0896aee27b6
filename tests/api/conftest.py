"""The real application over a real store, called in-process; statuses and operators are simple and honest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from webob import Request

from controller.diagnose.external_dns import ExternalDnsReport
from controller.gateways.operators import GatewayOperations
from controller.model.rows import FloatingIp, MeteringLabel, Network, Port
from controller.publish.feed import Events
from controller.reconcile.mtus import Mtus
from controller.runtime.errors import Conflict, NotFound
from controller.services.metadata_hosts import MetadataHosts
from controller.store import open_store
from controller.store.replica import Replica
from controller.store.store import Store
from northbound.app import application
from northbound.context import Context


class PlainStatuses:
    """A port is DOWN while nothing can reach it, BUILD until someone calls `confirm`, then ACTIVE."""

    def __init__(self, replica: Replica, underlay: int = 1500) -> None:
        self.mtu = Mtus(replica.model, underlay).of
        self.replica = replica
        self.confirmed: set[str] = set()
        self.refused: dict[str, str] = {}
        self.waited: list[tuple[int, list[str], float]] = []

    def port(self, port: Port) -> tuple[str, str]:
        network = self.replica.model.get(Network, port.network_id)
        if not port.admin_state_up or network is None or not network.admin_state_up:
            return "DOWN", "admin_state_up is false"
        if port.id in self.refused:
            return "ERROR", self.refused[port.id]
        return ("ACTIVE", "") if port.id in self.confirmed else ("BUILD", "")

    def floating(self, floating: FloatingIp) -> str:
        return "ACTIVE" if floating.router_id else "DOWN"

    def alive(self, switch_id: str) -> bool:
        return True

    def wait(self, revision: int, port_ids: Sequence[str], timeout: float) -> None:
        """Whoever waits sees its ports confirmed."""
        self.waited.append((revision, list(port_ids), timeout))
        self.confirmed.update(port_ids)


class PlainDrops:
    """Of a deployment without switches."""

    def of(self, port: Port) -> dict[str, Any]:
        return {"port_id": port.id, "filtered": port.filtered, "switch": None, "counters": None, "last": []}


class PlainMetering:
    """Of a deployment without switches."""

    def of(self, label: MeteringLabel) -> dict[str, Any]:
        return {"metering_label_id": label.id, "complete": True}


class PlainOperators:
    def switches(self) -> list[dict[str, Any]]:
        return [{"id": "s1", "host": "h1", "dpid": "0000000000000001"}]

    def forget(self, switch_id: str) -> None:
        if switch_id != "s1":
            raise NotFound(f"Switch {switch_id} could not be found.", "SwitchNotFound")
        raise Conflict("Switch s1 is connected.", "SwitchInUse")

    def flows(self, switch_id: str) -> list[dict[str, Any]] | None:
        return [{"flow": "table=0,actions=drop", "owner": "port/p"}] if switch_id == "s1" else None

    def switch(self, switch_id: str) -> dict[str, Any] | None:
        return next((each for each in self.switches() if each["id"] == switch_id), None)

    def health(self) -> dict[str, Any]:
        return {"status": "ok"}

    def unready(self) -> str:
        return ""

    def metrics(self) -> bytes:
        return b"tenet_up 1\n"


class Reply:
    """What came back."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status_int
        self.headers = response.headers
        self.body: bytes = response.body

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """(status, type) of an error in either API's form."""
        (found,) = self.json.values()
        assert found.keys() == {"type", "message", "detail"}
        return self.status, found["type"]


PLURALS = {"rbac-policy": "rbac-policies"}


class Api:
    """Calls the application as an HTTP server would."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.app = application(context)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        request = Request.blank(path, method=method)
        if body is not None:
            request.body = body if isinstance(body, bytes) else msgspec.json.encode(body)
            request.content_type = "application/json"
        for name, value in headers.items():
            request.headers[name.replace("_", "-")] = value
        return Reply(request.get_response(self.app))

    def made(self, kind: str, **attributes: object) -> dict[str, Any]:
        """Create one object of v2.0 and return it; keyword `binding__host_id` stands for binding:host_id.  `kind` as in
        its path, `address-scope`.
        """
        named = {name.replace("__", ":"): value for name, value in attributes.items()}
        plural, root = PLURALS.get(kind, f"{kind}s"), kind.rpartition("/")[2].replace("-", "_")
        reply = self.call("POST", f"/v2.0/{plural}", {root: named})
        assert reply.status == 201, reply.body
        found: dict[str, Any] = reply.json[root]
        return found

    def everything(self) -> tuple[int, list[Any]]:
        return self.context.store.everything()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path}/tenet.db")
    yield store
    store.close()


@pytest.fixture
def replica(store: Store) -> Iterator[Replica]:
    replica = Replica(store)
    replica.start()
    yield replica
    replica.stop()


def plain_context(store: Store, replica: Replica, **others: Any) -> Context:
    """A context whose ports are ACTIVE and that knows no switches; `others`: fields of Context."""
    statuses = PlainStatuses(replica)
    return Context(store, replica, statuses, PlainOperators(), Events(replica, statuses), PlainDrops(),
                   PlainMetering(), GatewayOperations(store, replica, lambda switch_id: False),
                   MetadataHosts(store, replica, lambda switch_id: True, lambda switch_id: True),
                   ExternalDnsReport(replica), **others)  # fmt: skip


@pytest.fixture
def api(store: Store, replica: Replica) -> Api:
    return Api(plain_context(store, replica))
