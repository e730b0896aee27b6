"""Notifications to Nova that a server's port is up or no longer is; Nova waits for them before it starts the server.

Compute API, os-server-external-events: network-vif-plugged and network-vif-unplugged.  The master of the port's switch
sends them, and writes a `NovaNotification` once Nova has it: so each is sent at least once, whichever members die.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, Protocol

from controller.model.model import Dependency, Model
from controller.model.rows import Interface, Network, NovaNotification, Port
from controller.reconcile.statuses import ACTIVE, BUILD, ERROR, Statuses, SwitchProgress
from controller.runtime import hub
from controller.runtime.errors import Misconfigured, Unavailable
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact

log = logging.getLogger("tenet.nova")

OWNER = "compute:"  # begins the device_owner of a server's port
TOGETHER = 50  # ports in a request
SLOWEST = 60.0  # seconds between attempts when Nova does not answer
PATIENCE = 10.0  # seconds to wait for an answer
WHOLE = 60.0  # seconds between looks at every server's port: a switch may refuse later what it had taken
SHARE = 20  # looking takes at most 1/SHARE of the time
SLICE = 0.001  # seconds of work before other green threads get a turn
PLUGGED, UNPLUGGED = "network-vif-plugged", "network-vif-unplugged"


class Event(NamedTuple):
    name: str
    server_id: str
    port_id: str

    def body(self) -> dict[str, str]:
        return {"name": self.name, "server_uuid": self.server_id, "tag": self.port_id, "status": "completed"}


class Send(Protocol):
    def __call__(self, events: Sequence[Event]) -> None:
        """Report changes.  Raises OSError when Nova has not accepted them."""
        ...


class PortChange(NamedTuple):
    """Change to report.  `now`: of a port that is up, else None.  `before`: what Nova knows, or None."""

    port_id: str
    now: NovaNotification | None
    before: NovaNotification | None

    def events(self) -> list[Event]:
        events = []
        if self.before is not None and (self.now is None or self.now.server != self.before.server):
            events.append(Event(UNPLUGGED, self.before.server, self.port_id))
        if self.now is not None:
            events.append(Event(PLUGGED, self.now.server, self.port_id))
        return events


class Watch:
    """Ports whose state this process has to report: those at switches for which `mine` holds."""

    def __init__(self, model: Model, statuses: Statuses, mine: Callable[[str], bool] = lambda _: True) -> None:
        self._model = model
        self._statuses = statuses
        self._mine = mine
        self._open: set[str] = set()  # ports to look at, by id
        self._waiting: set[str] = set()  # ports with something to report, or a status that may change by itself
        self.open_all()

    def open_all(self) -> None:
        """Queue every port of a server."""
        self._open = {port.id for port in self._model.rows(Port).values() if server(port)} | set(
            self._model.rows(NovaNotification)
        )

    def changed(self, touched: Iterable[Dependency]) -> None:
        """Queue the ports that a change of the model concerns."""
        for key in touched:
            if key[0] is Port and len(key) == 2:
                self._open.add(str(key[1]))
            elif key[0] is Interface and len(key) == 3 and key[1] == "vif":
                self._open.update(port.id for port in self._model.find(Port, "vif", key[2]))
            elif key[0] is Network and len(key) == 3 and key[2] == "admin_state_up":
                self._open.update(port.id for port in self._model.find(Port, "network_id", key[1]))

    def due(self) -> Iterator[PortChange]:
        """One look at each port that is open, at most: what is to be told, until it is written down that it was.

        Gives turns.  A port comes up again in the next look while there is something to tell of it, which may be
        another member's to do, and while it is being built or refused.
        """
        self._open |= self._waiting
        self._waiting.clear()
        ports, self._open = sorted(self._open), set()
        rest = iter(ports)
        try:
            for port_id in hub.taking_turns(rest, SLICE):
                change = self._look(port_id)
                if change is not None:
                    yield change
        finally:
            self._open.update(rest)  # where nobody wanted more

    def _look(self, port_id: str) -> PortChange | None:
        port = self._model.get(Port, port_id)
        status = self._statuses.port(port)[0] if port is not None else ""
        if status in (BUILD, ERROR) and port is not None and server(port):
            self._waiting.add(port_id)
        if status == BUILD:
            return None
        before = self._model.get(NovaNotification, port_id)
        now = self._up(port) if port is not None and status == ACTIVE else None
        if now == before:
            return None
        self._waiting.add(port_id)
        at = now or before
        return PortChange(port_id, now, before) if at and self._mine(at.switch_id) else None

    def _up(self, port: Port) -> NovaNotification | None:
        at = self._model.placement.bindings.get(port.id)
        of = server(port)
        return (
            NovaNotification(id=port.id, server=of, switch_id=at.switch_id, since=at.since)
            if of and at is not None
            else None
        )


def server(port: Port) -> str:
    """Id of a port's server, or ""."""
    if not port.device_owner.startswith(OWNER):
        return ""
    try:
        return str(uuid.UUID(port.device_id))
    except ValueError:
        return ""


class Notifier:
    """Green thread that reports to Nova, again until it succeeds.  `mine`: see Watch."""

    def __init__(
        self,
        store: Store,
        replica: Replica,
        statuses: Statuses,
        progress: SwitchProgress,
        send: Send,
        mine: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._store = store
        self._replica = replica
        self._statuses = statuses
        self._progress = progress
        self._send = send
        self._mine = mine

    def start(self) -> None:
        """Start the green thread; the replica must be loaded."""
        watch = Watch(self._replica.model, self._statuses, self._mine)
        self._replica.listen(watch.changed)
        hub.keep(self._follow, watch)

    def _follow(self, watch: Watch) -> None:
        whole = time.monotonic() + WHOLE
        while True:
            self._progress.wait(1.0)
            if time.monotonic() >= whole:
                watch.open_all()
                whole = time.monotonic() + WHOLE
            hub.sleep(SHARE * self._tell_all(watch.due()))

    def _tell_all(self, due: Iterator[PortChange]) -> float:
        """Report what is due; the seconds that it took."""
        delay = looking = 0.0
        while True:
            began = time.monotonic()
            changes = list(islice(due, TOGETHER))
            looking += time.monotonic() - began
            if not changes:
                return looking
            delay = self._tell(changes, delay)
            hub.sleep(delay)

    def _tell(self, changes: list[PortChange], delay: float) -> float:
        """Report once; seconds to wait then: 0 when Nova accepted it and that is stored."""
        try:
            self._send([event for change in changes for event in change.events()])
            transact(self._store, self._replica, partial(_write_down, changes))
        except (OSError, Unavailable) as error:
            delay = min(max(1.0, delay * 2), SLOWEST)
            log.warning("%d ports are untold, again in %.0f s: %s", len(changes), delay, error)
            return delay
        return 0.0


def _write_down(changes: list[PortChange], transaction: Transaction) -> None:
    for change in changes:
        before = transaction.get(NovaNotification, change.port_id)
        if change.now is not None:
            transaction.put(change.now)
        elif before is not None:
            transaction.delete(before)


class Nova:
    """Client of the Compute API at `endpoint`, with the credentials of [nova]."""

    def __init__(self, endpoint: str, config_files: Sequence[str]) -> None:
        """Raises Misconfigured for incomplete credentials."""
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
