"""Hypervisor connection: replicates its database, keeps its configuration right, reports what it sees.

The green thread that accepted the connection runs `attend` from beginning to end; `Rpc` reads in another.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from controller.model.rows import Bridge
from controller.ovsdb.cluster import ClusterTargets
from controller.ovsdb.describe import describe, watched
from controller.ovsdb.desired import desired
from controller.ovsdb.framing import MalformedJson
from controller.ovsdb.operations import Repair
from controller.ovsdb.pace import Pace
from controller.ovsdb.replica import DatabaseReplica, OpenVSwitch
from controller.ovsdb.rpc import Rpc
from controller.ovsdb.schema import DATABASE, IDENTITY, monitor_params
from controller.ovsdb.seen import SeenHypervisor
from controller.ovsdb.settings import settings
from controller.ovsdb.units import DatabaseUnits, UnitRepairs, has, repairs_of
from controller.ovsdb.wires import WireMtus, WireQueries, wire_mtus
from controller.runtime import hub
from controller.runtime.errors import Refused, Rejected, SwitchError, Unavailable, Unreachable

HANDSHAKE_LIMIT = 30.0  # s for the whole of the database to arrive
ANSWER_LIMIT = 10.0  # s for a transaction
TURN = 0.005  # s of reading updates after which other green threads run
PROOF_LIMIT = 3.0  # s for a sign of life when another connection claims to be the same hypervisor

_MONITOR = "tenet"
_TELL, _WATCH, _WIRES = "observe", "watch", "wires"  # subject of reports, for the back-off

log = logging.getLogger("tenet.ovsdb")


class Facts(NamedTuple):
    """Connection of a hypervisor, as operators see it.  `since`: Unix time; `dpid`: 0 until known; `remarks` need the
    operator.  `bridges`: datapath ids of bridges that are not Tenet's.
    """

    system_id: str
    host: str
    address: str
    since: float
    dpid: int
    encap_ip: str
    encap_types: tuple[str, ...]
    remarks: tuple[str, ...]
    bridges: tuple[str, ...] = ()


class Hypervisor:
    def __init__(
        self,
        sock: socket.socket,
        address: str,
        targets: Sequence[str],
        observe: Callable[[SeenHypervisor], None],
        cluster: ClusterTargets | None = None,
        wires: WireQueries | None = None,
        watch: Callable[[str, tuple[Bridge, ...]], None] | None = None,
        units: DatabaseUnits | None = None,
    ) -> None:
        """`targets`: controllers of its switch, unless `cluster` names them.  `watch` is told of bridges that are not
        Tenet's.
        """
        self.address = address
        self.system_id = ""
        self.seen: SeenHypervisor | None = None  # last report to the observer
        self.bridges: tuple[Bridge, ...] | None = None  # last report of bridges
        self._since = time.time()
        self._targets = tuple(targets)
        self._observe = observe
        self._watch = watch
        self._cluster = cluster
        self._wires = wires
        self._units = units
        self._wire_mtus: WireMtus = ()  # last report of MTUs
        self._replica = DatabaseReplica()
        self._remarks: tuple[str, ...] = ()
        self._pace = Pace(time.monotonic)
        self._changed = hub.Signal()
        self._rpc = Rpc(sock, address, self._heard, self._changed.set)

    @property
    def name(self) -> str:
        return f"{self.system_id} ({self.address})" if self.system_id else self.address

    def attend(self, admit: Callable[[Hypervisor], None]) -> None:
        """Serve the connection until it ends, and raise the reason.  `admit` raises for a peer that is refused.

        Until then it is asked only for its identity.
        """
        self.system_id = settings(_root(self._rpc.call("transact", IDENTITY, ANSWER_LIMIT))).system_id
        admit(self)
        self._rpc.trust()
        self._rpc.call("monitor", monitor_params(_MONITOR), HANDSHAKE_LIMIT, self._apply)
        log.info("%s: connected", self.name)
        while not self._rpc.over:
            self._changed.clear()
            if self._identity() != self.system_id:
                raise Unreachable(f"its system-id became {self._identity()[:128]}: it comes back under that")
            waits = self._work() if self._ours() else []
            self._changed.wait(min((wait for wait in waits if wait is not None), default=None))
        raise self._rpc.over

    def _work(self) -> list[float | None]:
        """Do what is due; of each task, the seconds until it is due again, None: when something changes."""
        return [self._put_right(), self._tell(), self._tell_of_bridges(), self._tell_of_wires()]

    def has(self, dpids: Sequence[int]) -> bool:
        """Whether one of these datapaths is a bridge of this host."""
        return has(self._replica, dpids)

    def look(self) -> None:
        """Wake the connection's thread: something may be due."""
        self._changed.set()

    def _ours(self) -> bool:
        """Whether this process maintains the hypervisor; otherwise another member may have reported it since."""
        if self._cluster is None or self._cluster.owns(self.system_id):
            return True
        self.seen, self.bridges, self._wire_mtus = None, None, ()
        return False

    def answers(self) -> bool:
        """Whether the peer answers an echo request now."""
        try:
            self._rpc.call("echo", [], PROOF_LIMIT)
        except Rejected:
            return True
        except SwitchError:
            return False
        return True

    def close(self, why: SwitchError) -> None:
        self._rpc.close(why)

    def facts(self) -> Facts:
        root, seen = self._replica.root, self.seen
        said = settings(root) if root else None
        return Facts(
            system_id=self.system_id,
            host=said.host if said else "",
            address=self.address,
            since=self._since,
            dpid=seen.dpid if seen else 0,
            encap_ip=said.encap_ip if said else "",
            encap_types=said.encap_types if said else (),
            remarks=self._remarks,
            bridges=tuple(bridge.id for bridge in self.bridges or ()),
        )

    def _heard(self, method: str, params: list[Any]) -> None:
        if method == "update" and len(params) == 2 and params[0] == _MONITOR:
            self._apply(params[1])
            self._changed.set()

    def _apply(self, updates: object) -> None:
        """Apply updates to the replica.  During a large one other green threads run, and see the former state."""
        self._replica.commit(list(hub.taking_turns(self._replica.read(updates), TURN)))

    def _identity(self) -> str:
        root = self._replica.root
        if root is None:
            raise MalformedJson("its database has no Open_vSwitch row")
        return settings(root).system_id

    def _put_right(self) -> float | None:
        """Commit repairs; seconds until the next comparison, None if nothing differed."""
        cluster = self._cluster
        targets = cluster.controllers() if cluster else self._targets
        request = desired(self._replica, targets, cluster.managers() if cluster else ())
        rows = repairs_of(self._replica, self._units) if self._units else UnitRepairs([], [])
        remarks = (*request.remarks, *rows.remarks)
        for remark in remarks:
            if remark not in self._remarks:
                log.warning("%s: %s", self.name, remark)
        self._remarks = remarks
        repairs = [*request.repairs, *rows.repairs]
        for repair in repairs:
            if not self._pace.left(repair.subject) and self._ours():
                self._commit(repair)
        return min((self._pace.left(repair.subject) for repair in repairs), default=None)

    def _commit(self, repair: Repair) -> None:
        self._pace.tried(repair.subject)
        try:
            _check(self._rpc.call("transact", [DATABASE, *repair.operations], ANSWER_LIMIT))
        except Rejected as fault:
            log.warning("%s: %s cannot be put right (%s): %s", self.name, repair.subject, repair.why, fault)
        else:
            log.info("%s: %s put right: %s", self.name, repair.subject, repair.why)

    def _tell(self) -> float | None:
        """Report a changed description to the observer; seconds until the next attempt if that failed."""
        seen = describe(self._replica)
        if seen is None or seen == self.seen:
            return None
        wait = self._tell_of(_TELL, partial(self._observe, seen))
        if wait is None:
            self.seen = seen
        return wait

    def _tell_of_bridges(self) -> float | None:
        """Report bridges that are not Tenet's; the first time even none, since there may have been some before."""
        bridges = watched(self._replica)
        if bridges == self.bridges or self._watch is None:
            return None
        wait = self._tell_of(_WATCH, partial(self._watch, self.system_id, bridges))
        if wait is None:
            self.bridges = bridges
        return wait

    def _tell_of(self, subject: str, tell: Callable[[], None]) -> float | None:
        if wait := self._pace.left(subject):
            return wait
        try:
            tell()
        except (Refused, Unavailable) as error:
            self._pace.tried(subject)
            log.error("%s: %s", self.name, error)
            return self._pace.left(subject)
        except Exception:  # not the hypervisor's fault: its connection stays
            self._pace.tried(subject)
            log.exception("%s: the observation could not be taken in", self.name)
            return self._pace.left(subject)
        return None

    def _tell_of_wires(self) -> float | None:
        """Report the MTUs of wires."""
        if self._wires is None or (mtus := wire_mtus(self._replica, self._wires)) == self._wire_mtus:
            return None
        wait = self._tell_of(_WIRES, partial(self._wires.observe, mtus))
        if wait is None:
            self._wire_mtus = mtus
        return wait


def _root(results: Any) -> OpenVSwitch:
    """Row of table Open_vSwitch in the reply to IDENTITY."""
    _check(results)
    try:
        [found] = results[0]["rows"]
        [[kind, uuid]] = [found["_uuid"]]
        row = {"bridges": ["set", []], "manager_options": ["set", []], "external_ids": found["external_ids"]}
    except (IndexError, KeyError, TypeError, ValueError):
        raise MalformedJson("its database has no Open_vSwitch row") from None
    replica = DatabaseReplica()
    replica.apply({"Open_vSwitch": {uuid if kind == "uuid" else "": {"new": row}}})
    assert replica.root is not None
    return replica.root


def _check(results: Any) -> None:
    """Raise `Rejected` when a transaction's results (RFC 7047, section 4.1.3) hold an error."""
    if not isinstance(results, list):
        raise MalformedJson("the reply to a transaction is not an array")
    for result in results:
        if isinstance(result, dict) and result.get("error") is not None:
            raise Rejected({}, f"{result['error']}: {result.get('details', '')}"[:400])
