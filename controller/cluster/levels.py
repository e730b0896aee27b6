"""Progress of every switch in the cluster, as any member needs it for port statuses."""

from __future__ import annotations

from collections.abc import Callable, Collection

from controller.cluster.mastery import Shared
from controller.model.model import Dependency
from controller.model.rows import Level, Reach, Switch
from controller.reconcile.progress import GRACE, Progress
from controller.runtime import hub
from controller.store.replica import Replica


class ClusterProgress:
    """Confirmed revision of each switch: our own from `progress`, others' from the rows of their masters.

    A switch without a master, or with one that is still comparing, keeps its last revision: its flows stay installed.
    """

    def __init__(self, replica: Replica, progress: Progress, mastery: Shared, clock: Callable[[], float]) -> None:
        self.progress = progress
        self.changes = 0  # how often anything here changed
        self._model = replica.model
        self._mastery = mastery
        self._clock = clock
        self._began = clock()
        self._holder: dict[str, str] = {}  # switch -> its master
        self._kept: dict[str, int] = {}  # switch -> its revision when its last master released it
        self._since: dict[str, float] = {}  # switch -> when it lost its last master, by `clock`
        self._has: dict[str, frozenset[str]] = {}  # member -> the switches that its row says it is master of
        self._level: dict[str, Level] = {}
        self._lagging = ""  # the switch that was last found so
        self._news = hub.Signal()
        replica.listen(self._heard)
        progress.listen(self._tell)

    @property
    def compiled(self) -> int:
        return self.progress.compiled

    def at(self, switch_id: str) -> int:
        """The revision that a switch has confirmed; 0 when unknown."""
        now = self.progress.at(switch_id) if switch_id in self._mastery.held else self._told(switch_id)
        return max(now, self._kept.get(switch_id, 0))

    def is_connected(self, switch_id: str) -> bool:
        """Whether some member is the switch's master."""
        return switch_id in self._holder or self.progress.is_connected(switch_id)

    def holder(self, switch_id: str) -> str:
        return self._mastery.me if switch_id in self._mastery.held else self._holder.get(switch_id, "")

    def is_away(self, switch_id: str) -> bool:
        """Whether the switch has had no master for over GRACE seconds; then nobody waits for it."""
        if switch_id in self._holder or switch_id in self._mastery.held:
            return False
        return self._clock() - self._since.get(switch_id, self._began) > GRACE

    def lagging(self, revision: int, concerned: Collection[str]) -> str:
        """One of the `concerned` switches that has not confirmed `revision` and is not away; "" when all have.

        The one that was found last is looked at first: whoever waits asks again and again.
        """
        if self._lagging in concerned and self._lags(self._lagging, revision):
            return self._lagging
        self._lagging = next((each for each in sorted(concerned) if self._lags(each, revision)), "")
        return self._lagging

    def _lags(self, switch_id: str, revision: int) -> bool:
        return self.at(switch_id) < revision and not self.is_away(switch_id)

    def reached(self, revision: int) -> bool:
        """Whether every switch has confirmed `revision`; those that are away are not counted."""
        revision = min(revision, self._model.content)  # later commits changed no row that flows follow from
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
        """Reason why some switch refuses a flow of the object, or ""."""
        said = [level.refused[key] for level in self._level.values() if key in level.refused]
        return self.progress.refusal(key) or min(said, default="")

    def doubt(self, switch_id: str) -> str:
        """Reason why the switch's refusals are not all known here, or ""."""
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

    def wait(self, timeout: float, switch_id: str = "") -> None:
        """Wait for a change of any progress, at most `timeout` seconds, whichever switch it is of."""
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
        """A member is master of other switches now.  Its `Level` row is not updated yet."""
        had = self._has.pop(member, frozenset())
        now = self._model.get(Reach, member)
        has = frozenset(now.held if now else ())
        for switch_id in had - has:
            if self._holder.get(switch_id) == member:
                self._keep(switch_id)
                # two members may claim a switch for a moment; the later one may then release it
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
        """Drop what is kept of a removed switch that has no master."""
        if self._model.get(Switch, switch_id) is None and switch_id not in self._holder:
            self._kept.pop(switch_id, None)
            self._since.pop(switch_id, None)

    def _keep(self, switch_id: str) -> None:
        self._kept[switch_id] = max(self._kept.get(switch_id, 0), self._told(switch_id))

    def _tell(self) -> None:
        self.changes += 1
        self._news.pulse()
