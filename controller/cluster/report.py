"""Cluster status and actions for operators: drain, forget, accept."""

from __future__ import annotations

import time
from typing import Any

from controller.cluster.guard import Guard
from controller.cluster.mastery import Shared
from controller.model.rows import Level, Member, Presence, Reach, Switch
from controller.runtime.errors import Conflict, NotFound
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact


class Report:
    def __init__(self, store: Store, replica: Replica, mastery: Shared, guard: Guard) -> None:
        self._store = store
        self._replica = replica
        self._mastery = mastery
        self._guard = guard

    def cluster(self) -> dict[str, Any]:
        """Status of all members and switches, with each switch's master and the reason for it; JSON values."""
        model, view = self._replica.model, self._mastery.view
        known = sorted({*model.rows(Switch), *view.masters})
        holders = {switch_id: reach.id for reach in model.rows(Reach).values() for switch_id in reach.held}
        return {
            "member": self._mastery.me,
            "revision": model.revision,
            "writing": self._mastery.alive and not self._mastery.frozen,
            "lease_left": round(max(self._mastery.lease_until() - time.monotonic(), 0.0), 1),
            "frozen": self._mastery.frozen,
            "members": [self._member(member) for _, member in sorted(model.rows(Member).items())],
            "switches": [self._switch(switch_id, holders.get(switch_id, "")) for switch_id in known],
        }

    def drain(self, member_id: str, draining: bool) -> dict[str, Any]:
        """Drain a member, so that others take over its switches, or give it its share again; its status."""

        def rules(transaction: Transaction) -> None:
            member = transaction.get(Member, member_id)
            if member is None:
                raise _missing(member_id)
            if member.draining != draining:
                transaction.put(_with(member, draining))

        transact(self._store, self._replica, rules)
        return self._member(self._known(member_id))

    def forget(self, member_id: str) -> None:
        """Remove a member for good from the list of controllers that hypervisors get."""

        def rules(transaction: Transaction) -> None:
            member = transaction.get(Member, member_id)
            if member is None:
                raise _missing(member_id)
            if transaction.get(Presence, member_id) is not None:
                raise Conflict(f"Member {member_id[:64]} is present: stop it first.", "MemberInUse")
            transaction.delete(member)

        transact(self._store, self._replica, rules)

    def accept(self) -> None:
        self._guard.accept()

    def _known(self, member_id: str) -> Member:
        member = self._replica.model.get(Member, member_id)
        if member is None:
            raise _missing(member_id)
        return member

    def _member(self, member: Member) -> dict[str, Any]:
        model = self._replica.model
        presence = model.get(Presence, member.id)
        reach = model.get(Reach, member.id) or Reach(id=member.id)
        level = model.get(Level, member.id)
        mine = [switch for switch, master in self._mastery.view.masters.items() if master == member.id]
        return {
            "id": member.id,
            "present": presence is not None,
            "draining": member.draining,
            "since": _moment(presence.since) if presence else None,
            "age": round(max(time.time() - presence.since, 0.0), 1) if presence else None,
            "lease": presence.lease if presence else None,
            "openflow": member.openflow,
            "ovsdb": member.ovsdb,
            "rest": member.rest,
            "switches_connected": len(reach.switches),
            "switches_share": len(mine),
            "switches_held": len(reach.held),
            "switches_behind": len(level.behind) if level else 0,
            "compiled": level.compiled if level else None,
        }

    def _switch(self, switch_id: str, holder: str) -> dict[str, Any]:
        view = self._mastery.view
        master = view.masters.get(switch_id, "")
        return {
            "id": switch_id,
            "master": master or None,
            "held_by": holder or None,
            "reached_by": view.reaching(switch_id),
            "why": self._guard.withheld.get(switch_id) or self._why(switch_id, master, holder),
        }

    def _why(self, switch_id: str, master: str, holder: str) -> str:
        view = self._mastery.view
        if not master:
            return "no member is connected to it"
        cut = sorted(set(view.present).difference(view.reaching(switch_id)))
        drain = sorted(member for member, draining in view.present.items() if draining and member not in cut)
        if master in drain:
            said = "it drains, but no other member is connected to the switch"
        else:
            said = f"its share among {', '.join(sorted(set(view.present).difference(cut, drain)))}"
            said += f"; draining: {', '.join(drain)}" if drain else ""
        said += f"; not connected to it: {', '.join(cut)}" if cut else ""
        return said if holder == master else f"{said}; takes over now"


def _with(member: Member, draining: bool) -> Member:
    return Member(
        id=member.id, openflow=member.openflow, ovsdb=member.ovsdb, rest=member.rest, tls=member.tls, draining=draining
    )


def _missing(member_id: str) -> NotFound:
    return NotFound(f"Member {member_id[:64]} could not be found.", "MemberNotFound")


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
