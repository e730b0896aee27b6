"""Green threads and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from controller.runtime import hub


def test_who_waits_hears_of_what_was_cleared_since() -> None:
    told = hub.Signal()
    heard: list[bool] = []
    thread = hub.spawn(lambda: heard.append(told.wait(60.0)))
    hub.sleep(0)
    told.set()
    told.clear()
    thread.wait()
    assert heard == [True]


def test_a_pulse_wakes_those_that_wait_and_nobody_later() -> None:
    told = hub.Signal()
    heard: list[bool] = []
    threads = [hub.spawn(lambda: heard.append(told.wait(60.0))) for _ in range(2)]
    hub.sleep(0)
    told.pulse()
    for thread in threads:
        thread.wait()
    assert heard == [True, True] and not told.is_set()
    told.pulse()
    assert not told.wait(0.01)


def test_a_wait_ends_in_time() -> None:
    told = hub.Signal()
    assert not told.wait(0.01)
    assert not told.wait(0)
    told.set()
    assert told.wait(0) and told.is_set()
    told.clear()
    assert not told.wait(0.01)


def test_what_is_to_run_for_ever_begins_anew(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(hub, "AGAIN", 0.001)
    tries: list[str] = []

    def fails_twice(what: str) -> None:
        tries.append(what)
        if len(tries) < 3:
            raise ValueError("a fault of ours")

    hub.keep(fails_twice, "it").wait()
    assert tries == ["it"] * 3
    assert [record.levelname for record in caplog.records] == ["CRITICAL"] * 2
    assert "fails_twice failed" in caplog.text and "a fault of ours" in caplog.text
    name = next(name for name in hub.restarts if name.endswith("fails_twice"))
    assert hub.restarts[name] == 2


def test_what_is_kept_running_can_be_ended() -> None:
    thread = hub.keep(hub.sleep, 60.0)
    hub.sleep(0)
    hub.kill(thread)
    assert thread.dead


def test_only_the_signals_that_are_waited_for_end_the_wait() -> None:
    code = """
import signal
from controller.runtime import hub
hub.patch()
signal.signal(signal.SIGUSR1, lambda *_: print("told", flush=True))
hub.spawn_after(0, print, "ready", flush=True)
hub.wait_for_signal([signal.SIGTERM])
print("ended", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(2):
            os.kill(process.pid, signal.SIGUSR1)
            assert process.stdout.readline() == "told\n"
            time.sleep(0.2)  # in which it would end
        process.terminate()
        assert process.stdout.readline() == "ended\n"


def test_long_work_lets_others_have_their_turn() -> None:
    done: list[str] = []
    hub.spawn(lambda: done.append("other"))
    for number in hub.taking_turns(range(3), 0.0):
        done.append(str(number))
    assert done == ["0", "other", "1", "2"]
    hub.spawn(lambda: done.append("late"))
    assert list(hub.taking_turns("abc", 60.0)) == ["a", "b", "c"] and "late" not in done
