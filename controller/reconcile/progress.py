"""Progress of each switch: the revision it has confirmed and the flows it refuses.  Port statuses follow from it.

Revisions are the store's.  A switch is *at* a revision when it has confirmed every flow that follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Set

from controller.runtime import hub

GRACE = 30.0  # seconds after which a disconnected switch delays only the ports on it


class Progress:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.compiled = 0  # the revision of the last compiled round
        self.changes = 0  # number of changes of any progress
        self._clock = clock
        self._since: dict[str, float] = {}  # switch -> when it disconnected
        self._began = clock()
        self._current: set[str] = set()  # switches that have confirmed everything
        self._behind: dict[str, int] = {}  # other switches -> the revision they have confirmed
        self._refusals: dict[str, dict[tuple[str, int], str]] = {}  # key of an object -> (switch, cookie) -> reason
        self._failures: dict[str, str] = {}  # key of an object -> why its flows cannot be computed
        self._news = hub.Signal()
        self._awaited: dict[str, hub.Signal] = {}  # switch -> those who wait for it
        self._listeners: list[Callable[[], None]] = []

    # --- reports of the reconciler ---

    def round(self, revision: int, affected: Iterable[str]) -> None:
        """A round has compiled the model at `revision`; flows of the switches in `affected` have changed."""
        for switch_id in affected:
            if switch_id in self._current:
                self._current.discard(switch_id)
                self._behind[switch_id] = self.compiled
        self.compiled = revision
        self._tell()

    def confirmed(self, switch_id: str, revision: int, *, current: bool) -> None:
        """A switch has confirmed every flow of `revision`; `current`: and nothing newer waits to be sent.

        Nobody is told where that was known, as after an audit that found all right.
        """
        if current and switch_id in self._current and switch_id not in self._since:
            return
        self._since.pop(switch_id, None)
        if current:
            self._behind.pop(switch_id, None)
            self._current.add(switch_id)
        else:
            self._behind[switch_id] = revision
        self._tell(switch_id)

    def believe(self, switches: Iterable[str], revision: int) -> None:
        """Restore confirmations of `revision` after a restart, before any switch connects."""
        for switch_id in switches:
            self._behind[switch_id] = revision
            self._since[switch_id] = self._began

    def arrived(self, switch_id: str) -> None:
        """Record that the switch has connected: it counts from now on, however long it was away."""
        self._since.pop(switch_id, None)
        if switch_id not in self._current:
            self._behind.setdefault(switch_id, 0)

    def forget(self, switch_id: str) -> None:
        """Forget a switch that was removed, or whose master is another member."""
        self._since.pop(switch_id, None)
        self._current.discard(switch_id)
        self._behind.pop(switch_id, None)
        self.refusing(switch_id, {})

    def away(self, switch_id: str) -> None:
        """Record that the switch has disconnected."""
        if switch_id in self._current:
            self._current.discard(switch_id)
            self._behind[switch_id] = self.compiled
        self._since[switch_id] = self._clock()
        self._tell()

    def refusing(self, switch_id: str, refusals: Mapping[str, Mapping[int, str]]) -> None:
        """Replace a switch's refusals: key of an object -> cookie -> reason."""
        for key, reasons in list(self._refusals.items()):
            for where in [where for where in reasons if where[0] == switch_id]:
                del reasons[where]
            if not reasons:
                del self._refusals[key]
        for key, why in refusals.items():
            self._refusals.setdefault(key, {}).update({(switch_id, cookie): said for cookie, said in why.items()})
        self._tell()

    def failing(self, failures: Mapping[str, str]) -> None:
        """Replace the objects whose flows cannot be compiled: key of an object -> reason."""
        if failures != self._failures:
            self._failures = dict(failures)
            self._tell()

    # --- queries ---

    def at(self, switch_id: str) -> int:
        """Revision that a switch has confirmed; 0 if unknown."""
        return self.compiled if switch_id in self._current else self._behind.get(switch_id, 0)

    def is_connected(self, switch_id: str) -> bool:
        return switch_id not in self._since and (switch_id in self._current or switch_id in self._behind)

    def holder(self, switch_id: str) -> str:
        return ""

    def is_away(self, switch_id: str) -> bool:
        """Whether the switch has been disconnected for over GRACE seconds; then nobody waits for it."""
        if switch_id in self._current:
            return False
        since = self._since.get(switch_id, self._began if switch_id not in self._behind else None)
        return since is not None and self._clock() - since > GRACE

    def lagging(self, revision: int, concerned: Collection[str]) -> str:
        """One of the `concerned` switches that has not confirmed `revision` and is not away; "" when all have.

        Looks at the fewer of the concerned switches and of those that have not confirmed everything.
        """
        behind = self._behind
        heard = self._clock() - self._began > GRACE  # who has not been heard of since counts as away
        if heard and len(behind) < len(concerned):
            found = (each for each, at in behind.items() if at < revision and each in concerned)
        else:
            found = (each for each in sorted(concerned) if self.at(each) < revision)
        return next((each for each in found if not self.is_away(each)), "")

    def reached(self, revision: int) -> bool:
        """Whether every switch has confirmed `revision`; those that are away are not counted."""
        if self.compiled < revision:
            return False
        return all(at >= revision or self.is_away(switch_id) for switch_id, at in self._behind.items())

    def refusal(self, key: str) -> str:
        """Reason why flows of the object are missing everywhere or on some switch; "" when none are refused."""
        if key in self._failures:
            return f"its flows cannot be computed ({self._failures[key]}; see the controller's log)"
        reasons = self._refusals.get(key)
        if not reasons:
            return ""
        (switch_id, _), why = min(reasons.items())
        return f"switch {switch_id} refused a flow: {why}"

    def doubt(self, switch_id: str) -> str:
        return ""

    @property
    def refuses(self) -> bool:
        return bool(self._refusals or self._failures)

    def refusing_switches(self) -> set[str]:
        return {switch_id for reasons in self._refusals.values() for switch_id, _ in reasons}

    @property
    def by_clock(self) -> bool:
        """Whether answers may change by time alone, as a disconnected switch comes to count as away."""
        return bool(self._since) or self._clock() - self._began < 2 * GRACE

    def wait(self, timeout: float, switch_id: str = "") -> None:
        """Wait for a change of any progress, at most `timeout` seconds; with `switch_id` not for what other switches
        confirm.
        """
        if switch_id:
            self._awaited.setdefault(switch_id, hub.Signal()).wait(timeout)
        else:
            self._news.wait(timeout)

    def unconfirmed(self, switches: Set[str], revision: int) -> set[str]:
        """Those of `switches` that have not confirmed `revision`, or refuse something."""
        late = {each for each, at in self._behind.items() if at < revision}
        unheard = switches - self._current - self._behind.keys() if revision else set()
        return (late | unheard | self.refusing_switches()).intersection(switches)

    def behind(self) -> dict[str, int]:
        """Switches that have not confirmed everything, with the revisions they have confirmed."""
        return dict(self._behind)

    def refused(self) -> dict[str, str]:
        """Objects with refused flows: key of the object -> reason of one switch."""
        return {key: self.refusal(key) for key in sorted(self._refusals.keys() | self._failures.keys())}

    def listen(self, changed: Callable[[], None]) -> None:
        """Have `changed` called whenever any progress may have changed.  It must not wait."""
        self._listeners.append(changed)

    def _tell(self, confirmed: str = "") -> None:
        """Wake those who wait; `confirmed`: it is only that this switch has confirmed something."""
        self.changes += 1
        for switch_id in [confirmed] if confirmed else list(self._awaited):
            if (awaited := self._awaited.pop(switch_id, None)) is not None:
                awaited.set()
        for listener in self._listeners:
            listener()
        self._news.pulse()
