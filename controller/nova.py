"""Nova is told when a server's port is up or no longer is, as it waits for before it starts the server.

Compute API, os-server-external-events: network-vif-plugged and network-vif-unplugged.  Told at least once: after a
restart once more, for what was told before is nowhere written down, and Nova passes over what it does not wait for.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from controller import hub
from controller.errors import Misconfigured
from controller.model.kinds import Interface, Network, Port
from controller.model.model import Dependency, Model
from controller.reconcile.statuses import ACTIVE, BUILD, Levels, Statuses
from controller.store.replica import Replica

log = logging.getLogger("tenet.nova")

OWNER = "compute:"  # begins the device_owner of a server's port
TOGETHER = 100  # events in a request
SLOWEST = 60.0  # seconds between attempts when Nova does not answer
PATIENCE = 10.0  # seconds for an answer
PLUGGED, UNPLUGGED = "network-vif-plugged", "network-vif-unplugged"


class Event(NamedTuple):
    name: str
    server_id: str
    port_id: str

    def body(self) -> dict[str, str]:
        return {"name": self.name, "server_uuid": self.server_id, "tag": self.port_id, "status": "completed"}


class Send(Protocol):
    def __call__(self, events: Sequence[Event]) -> None:
        """Raises OSError when Nova has not taken them."""
        ...


class Watch:
    """Which ports' states are to be told.  Holds what was last told of each server's port that is up."""

    def __init__(self, model: Model, statuses: Statuses) -> None:
        self._model = model
        self._statuses = statuses
        self._up: dict[str, str] = {}  # port -> the server that was told
        self._open: set[str] = {port.id for port in model.rows(Port).values() if server(port)}

    def changed(self, touched: Iterable[Dependency]) -> None:
        """What a change of the model may have changed."""
        for key in touched:
            if key[0] is Port and len(key) == 2:
                self._open.add(str(key[1]))
            elif key[0] is Interface and len(key) == 3 and key[1] == "vif":
                self._open.update(port.id for port in self._model.find(Port, "vif", key[2]))
            elif key[0] is Network and len(key) == 3 and key[2] == "admin_state_up":
                self._open.update(port.id for port in self._model.find(Port, "network_id", key[1]))

    def due(self) -> list[Event]:
        """What is to be told since the last time; ports that are being built stay open."""
        events = []
        for port_id in sorted(self._open):
            port = self._model.get(Port, port_id)
            status = self._statuses.port(port)[0] if port is not None else ""
            if status == BUILD:
                continue
            self._open.discard(port_id)
            now = server(port) if port is not None and status == ACTIVE else ""
            before = self._up.pop(port_id, "")
            if now:
                self._up[port_id] = now
            if before and before != now:
                events.append(Event(UNPLUGGED, before, port_id))
            if now and before != now:
                events.append(Event(PLUGGED, now, port_id))
        return events


def server(port: Port) -> str:
    """The server that a port is of, or ""."""
    if not port.device_owner.startswith(OWNER):
        return ""
    try:
        return str(uuid.UUID(port.device_id))
    except ValueError:
        return ""


class Notifier:
    """Tells, in green threads of its own, and again until it is heard."""

    def __init__(self, replica: Replica, statuses: Statuses, progress: Levels, send: Send) -> None:
        self._replica = replica
        self._statuses = statuses
        self._progress = progress
        self._send = send
        self._untold: dict[tuple[str, str], Event] = {}  # (port, server) -> the last that happened
        self._more = hub.Signal()

    def start(self) -> None:
        """Once the replica is there."""
        watch = Watch(self._replica.model, self._statuses)
        self._replica.listen(watch.changed)
        hub.keep(self._watch, watch)
        hub.keep(self._tell)

    def _watch(self, watch: Watch) -> None:
        while True:
            self._progress.wait(1.0)
            for event in watch.due():
                self._untold.pop((event.port_id, event.server_id), None)
                self._untold[event.port_id, event.server_id] = event
                self._more.set()

    def _tell(self) -> None:
        delay = 0.0
        while True:
            self._more.wait()
            hub.sleep(delay)
            told = dict(list(self._untold.items())[:TOGETHER])
            try:
                self._send(list(told.values()))
            except OSError as error:
                delay = min(max(1.0, delay * 2), SLOWEST)
                log.warning("%d events are untold, again in %.0f s: %s", len(self._untold), delay, error)
                continue
            delay = 0.0
            for key, event in told.items():
                if self._untold.get(key) is event:
                    del self._untold[key]
            if not self._untold:
                self._more.clear()


class Nova:
    """Sends to the Compute API at `endpoint`, logged in as [nova] auth_type and what goes with it say."""

    def __init__(self, endpoint: str, config_files: Sequence[str]) -> None:
        """Raises Misconfigured."""
        from keystoneauth1 import loading
        from keystoneauth1.exceptions import ClientException
        from oslo_config import cfg

        conf = cfg.ConfigOpts()
        arguments = [part for path in config_files for part in ("--config-file", path)]
        conf(arguments, project="tenet", default_config_files=[], default_config_dirs=[])
        loading.register_auth_conf_options(conf, "nova")
        loading.register_session_conf_options(conf, "nova")
        try:
            auth = loading.load_auth_from_conf_options(conf, "nova")
            self._session: Any = loading.load_session_from_conf_options(conf, "nova", auth=auth)
        except (cfg.Error, ClientException) as error:
            raise Misconfigured(f"[nova] {' '.join(str(error).split())}") from error
        if auth is None:
            raise Misconfigured("[nova] auth_type is needed beside endpoint, and what goes with it")
        self._url = f"{endpoint.rstrip('/')}/os-server-external-events"
        self._failures = ClientException

    def __call__(self, events: Sequence[Event]) -> None:
        body = {"events": [event.body() for event in events]}
        try:
            reply = self._session.post(self._url, json=body, raise_exc=False, timeout=PATIENCE)
        except self._failures as error:
            raise ConnectionError(" ".join(str(error).split())) from error
        if reply.status_code >= 500 or reply.status_code in (401, 403, 429):
            raise ConnectionError(f"Nova answers {reply.status_code}")
        log.info("told %d events, Nova answers %d", len(events), reply.status_code)
