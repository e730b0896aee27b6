"""Periodic work with one owner in a cluster: announcements, probes, whatever is sent again and again.

What is to be done follows from the model by recorded reads (`Work.jobs`); what is sent is a pure function of the
model (`Work.frames`), as answers are.  Only the switch's master does the work, at deadlines that follow from the time
and the job alone.  So whoever takes over goes on where the other stopped.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily

from controller.cluster.mastery import Mastery
from controller.model.model import Dependency, Model
from controller.model.reader import Reader
from controller.openflow.session import Session
from controller.runtime import hub
from controller.runtime.logpace import LogPace, times
from controller.runtime.periodic import Schedule, next_slot, phase
from controller.switches.packet_in import FrameOut

log = logging.getLogger("tenet.switch")

MOST = 64  # jobs, and lists of jobs, a turn
SLICE = 0.005  # seconds of work on lists before other green threads get a turn
LONGEST = 10.0  # longest pause in seconds: the clock may be set meanwhile
STEP = 1.0  # seconds that the clock may go back before all deadlines are set anew


class Job(NamedTuple):
    """One periodic job.  `subject`: unique in a switch's list.  `every`: seconds, more than 0."""

    subject: str
    every: float


Frames = Callable[[str, Reader], Iterable[FrameOut]]


class Work(NamedTuple):
    """A kind of periodic work.  `jobs`: of the reader's switch.  `frames`: to send there for a subject.

    at_once: a job that becomes one while the switch is attended is first done at once, and then in its slots.
    `ended`: frames to send for a subject that is one no more while the switch is attended.
    """

    name: str
    jobs: Callable[[Reader], Iterable[Job]]
    frames: Frames
    at_once: bool = False
    ended: Frames | None = None


_List = tuple[str, str]  # name of the work, switch
_Key = tuple[str, str, str]  # and subject


class Periodic:
    """Scheduler of periodic work in one thread.  `clock`: Unix time, so that members share deadlines."""

    def __init__(
        self, model: Model, works: Sequence[Work], mastery: Mastery, clock: Callable[[], float] = time.time
    ) -> None:
        self._model = model
        self._works = {work.name: work for work in works}
        self._mastery = mastery
        self._clock = clock
        self._now = clock()
        self._sessions: dict[str, Session] = {}
        self._every: dict[_List, dict[str, float]] = {}  # by subject
        self._listed: set[_List] = set()  # those of attended switches that have been computed
        self._deps: dict[_List, set[Dependency]] = {}
        self._users: dict[Dependency, set[_List]] = {}
        self._stale: dict[_List, None] = {}
        self._ended: deque[_Key] = deque()  # jobs that are none any more, of kinds that send something then
        self._schedule: Schedule[_Key] = Schedule()
        self._outcomes: Counter[tuple[str, str]] = Counter()  # (work, outcome) -> jobs
        self._pace = LogPace()
        self._wake = hub.Signal()

    def start(self) -> None:
        hub.keep(self._run)

    def attend(self, switch_id: str, session: Session) -> None:
        """Do a switch's work over this session until it is `lost`."""
        self._sessions[switch_id] = session
        self._stale.update(dict.fromkeys((name, switch_id) for name in self._works))
        self._wake.set()

    def lost(self, session: Session) -> None:
        for switch_id in [each for each, held in self._sessions.items() if held is session]:
            del self._sessions[switch_id]
            for name in self._works:
                self._plan((name, switch_id), {}, set())
                self._listed.discard((name, switch_id))
                self._stale.pop((name, switch_id), None)

    def changed(self, touched: set[Dependency]) -> None:
        """For `Replica.listen`."""
        for dependency in touched:
            if dependency in self._users:
                self._stale.update(dict.fromkeys(self._users[dependency]))
        if self._stale:
            self._wake.set()

    def metrics(self) -> Iterable[CounterMetricFamily]:
        jobs = CounterMetricFamily(
            "tenet_periodic_jobs", "Periodic jobs done, by work and outcome.", labels=["work", "outcome"]
        )
        for (work, outcome), number in sorted(self._outcomes.items()):
            jobs.add_metric([work, outcome], number)
        yield jobs

    def _run(self) -> None:
        while True:
            self._wake.clear()
            wait = self.turn()
            if wait > 0:
                self._wake.wait(min(wait, LONGEST))
            else:
                hub.sleep(0)

    def turn(self) -> float:
        """Do a bounded share of the due jobs; seconds until the next are due (0: some are now)."""
        before, self._now = self._now, self._clock()
        if self._now < before - STEP:
            self._replan()
        for each in hub.taking_turns(list(islice(self._stale, MOST)), SLICE):
            if each in self._stale:  # the switch may have been lost meanwhile
                del self._stale[each]
                self._list(each)
        sent: dict[Session, list[tuple[int, bytes, bytes]]] = {}
        for _ in range(min(MOST, len(self._ended))):
            name, switch_id, subject = self._ended.popleft()
            ended = self._works[name].ended
            if ended is not None and switch_id in self._sessions and self._mastery.holds(switch_id):
                frames = self._frames(name, ended, switch_id, subject)
                sent.setdefault(self._sessions[switch_id], []).extend(frames)
        for (name, switch_id, subject), at in self._schedule.due(self._now, MOST):
            every = self._every[name, switch_id][subject]
            self._put((name, switch_id, subject), every)
            if not self._mastery.holds(switch_id):
                continue
            if self._now - at >= every:
                self._outcomes[name, "missed"] += 1  # missed jobs all at once would be a burst
                continue
            frames = self._frames(name, self._works[name].frames, switch_id, subject)
            sent.setdefault(self._sessions[switch_id], []).extend(frames)
        for session, frames in sent.items():
            if frames:
                session.packet_outs(frames)
        following = self._schedule.next()
        if self._stale or self._ended:
            return 0.0
        return LONGEST if following is None else max(0.0, following - self._now)

    def _frames(self, name: str, of: Frames, switch_id: str, subject: str) -> list[tuple[int, bytes, bytes]]:
        try:
            frames = [out.packet for out in of(subject, Reader(self._model, switch_id))]
        except Exception:
            self._failed(name, f"{subject} at switch {switch_id}")
            return []
        self._outcomes[name, "done"] += 1
        return frames

    def _list(self, each: _List) -> None:
        """Recompute one kind's jobs at one switch; when that raises, the former list stays."""
        name, switch_id = each
        see = Reader(self._model, switch_id)
        try:
            every = {job.subject: job.every for job in self._works[name].jobs(see)}
            if any(seconds <= 0 for seconds in every.values()):
                raise ValueError("a job's period must be more than 0 s")
        except Exception:
            self._failed(name, f"the list of switch {switch_id}")
            every = self._every.get(each, {})
        self._plan(each, every, see.deps)

    def _plan(self, each: _List, every: dict[str, float], deps: set[Dependency]) -> None:
        at_once = self._works[each[0]].at_once and each in self._listed and each[1] in self._sessions
        self._listed.add(each)
        before = self._every.pop(each, {})
        over = sorted(before.keys() - every.keys())
        for subject in over:
            self._schedule.drop((*each, subject))
        if self._works[each[0]].ended is not None and each[1] in self._sessions:
            self._ended.extend([(*each, subject) for subject in over])
        if every:
            self._every[each] = every
        for subject, seconds in every.items():
            if at_once and subject not in before:
                self._schedule.put((*each, subject), self._now)
            elif before.get(subject) != seconds:
                self._put((*each, subject), seconds)
        held = self._deps.pop(each, set())
        for dependency in held - deps:
            self._users[dependency].discard(each)
            if not self._users[dependency]:
                del self._users[dependency]
        for dependency in deps - held:
            self._users.setdefault(dependency, set()).add(each)
        if deps:
            self._deps[each] = deps

    def _replan(self) -> None:
        for each, every in self._every.items():
            for subject, seconds in every.items():
                self._put((*each, subject), seconds)

    def _put(self, key: _Key, every: float) -> None:
        self._schedule.put(key, next_slot(self._now, every, phase(*key)))

    def _failed(self, name: str, what: str) -> None:
        self._outcomes[name, "failed"] += 1
        if count := self._pace.due(name):
            log.exception("periodic work %s failed on %s%s", name, what, times(count))
