"""How far every switch is, whoever is its master: what statuses are told from, at any member."""

from __future__ import annotations

from collections.abc import Callable

from controller.cluster.mastery import Shared
from controller.model.model import Dependency
from controller.model.rows import Level, Reach, Switch
from controller.reconcile.progress import GRACE, Progress
from controller.runtime import hub
from controller.store.replica import Replica


class Levels:
    """Our own switches from `progress`, the others' from their masters' rows.

    What a switch once had it keeps while nobody holds it and while the next one looks: flows stay.
    """

    def __init__(self, replica: Replica, progress: Progress, mastery: Shared, clock: Callable[[], float]) -> None:
        self.progress = progress
        self.changes = 0  # how often anything here changed
        self._model = replica.model
        self._mastery = mastery
        self._clock = clock
        self._began = clock()
        self._holder: dict[str, str] = {}  # switch -> the member that holds it
        self._kept: dict[str, int] = {}  # switch -> the revision it was at when its holder let go of it
        self._since: dict[str, float] = {}  # switch -> when nobody held it any more
        self._has: dict[str, frozenset[str]] = {}  # member -> the switches that it says it holds
        self._level: dict[str, Level] = {}
        self._news = hub.Signal()
        replica.listen(self._heard)
        progress.listen(self._tell)

    @property
    def compiled(self) -> int:
        return self.progress.compiled

    def at(self, switch_id: str) -> int:
        """The revision that a switch is at; 0 when nothing is known of it."""
        now = self.progress.at(switch_id) if switch_id in self._mastery.held else self._told(switch_id)
        return max(now, self._kept.get(switch_id, 0))

    def is_connected(self, switch_id: str) -> bool:
        """Whether some member is the switch's master."""
        return switch_id in self._holder or self.progress.is_connected(switch_id)

    def holder(self, switch_id: str) -> str:
        return self._mastery.me if switch_id in self._mastery.held else self._holder.get(switch_id, "")

    def is_away(self, switch_id: str) -> bool:
        """Whether nobody has held the switch for so long that it holds up nobody."""
        if switch_id in self._holder or switch_id in self._mastery.held:
            return False
        return self._clock() - self._since.get(switch_id, self._began) > GRACE

    def reached(self, revision: int) -> bool:
        """Whether every switch that is not away for long has confirmed what followed from `revision`."""
        revision = min(revision, self._model.content)  # no flow follows from what is beyond
        if not self.progress.reached(revision):
            return False
        for switch_id in self._since:
            if self._kept.get(switch_id, 0) < revision and not self.is_away(switch_id):
                return False
        return all(self._is_at(member, revision) for member in self._has if member != self._mastery.me)

    def _is_at(self, member: str, revision: int) -> bool:
        level = self._level.get(member)
        if level is None:
            return not self._has[member]
        return level.compiled >= revision and all(
            max(at, self._kept.get(switch_id, 0)) >= revision for switch_id, at in level.behind.items()
        )

    def refusal(self, key: str) -> str:
        """Why some switch refuses a flow of the object, or ""."""
        said = [level.refused[key] for level in self._level.values() if key in level.refused]
        return self.progress.refusal(key) or min(said, default="")

    def doubt(self, switch_id: str) -> str:
        """Why it is not known here which objects the switch refuses, or ""."""
        if switch_id in self._mastery.held:
            return ""
        level = self._level.get(self._holder.get(switch_id, ""))
        if level is None or switch_id not in level.doubtful:
            return ""
        return f"switch {switch_id} refuses flows of more objects than member {level.id} lists ({level.unlisted} more)"

    @property
    def refuses(self) -> bool:
        return self.progress.refuses or any(level.refused or level.unlisted for level in self._level.values())

    @property
    def by_clock(self) -> bool:
        """Whether an answer here may change by time alone: some switch may come to count as away."""
        return bool(self._since) or self.progress.by_clock or self._clock() - self._began < 2 * GRACE

    def wait(self, timeout: float) -> None:
        """Wait until anything here may have changed, at most `timeout` seconds."""
        self._news.wait(timeout)

    def _told(self, switch_id: str) -> int:
        level = self._level.get(self._holder.get(switch_id, ""))
        return 0 if level is None else level.behind.get(switch_id, level.compiled)

    def _heard(self, touched: set[Dependency]) -> None:
        changed = False
        for dependency in touched:
            if dependency[0] is Reach:
                self._held(str(dependency[1]))
                changed = True
        for dependency in touched:
            if dependency[0] is Level:
                member = str(dependency[1])
                level = self._model.get(Level, member)
                if level is None:
                    self._level.pop(member, None)
                else:
                    self._level[member] = level
                changed = True
            elif dependency[0] is Switch and len(dependency) == 2:
                self._forget_gone(str(dependency[1]))
        if changed:
            self._tell()

    def _held(self, member: str) -> None:
        """A member holds other switches than before; its level is still the one of before."""
        had = self._has.pop(member, frozenset())
        now = self._model.get(Reach, member)
        has = frozenset(now.held if now else ())
        for switch_id in had - has:
            if self._holder.get(switch_id) == member:
                self._keep(switch_id)
                # two may claim it for a moment, and the later one give it back
                other = next((each for each, held in self._has.items() if switch_id in held), "")
                if other:
                    self._holder[switch_id] = other
                else:
                    del self._holder[switch_id]
                    self._since[switch_id] = self._clock()
        for switch_id in has - had:
            if switch_id in self._holder:
                self._keep(switch_id)
            self._holder[switch_id] = member
            self._since.pop(switch_id, None)
        if now is not None:
            self._has[member] = has

    def _forget_gone(self, switch_id: str) -> None:
        """A switch that was removed, and that nobody holds."""
        if self._model.get(Switch, switch_id) is None and switch_id not in self._holder:
            self._kept.pop(switch_id, None)
            self._since.pop(switch_id, None)

    def _keep(self, switch_id: str) -> None:
        self._kept[switch_id] = max(self._kept.get(switch_id, 0), self._told(switch_id))

    def _tell(self) -> None:
        self.changes += 1
        self._news.set()
        self._news.clear()
