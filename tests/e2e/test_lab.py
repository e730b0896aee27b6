"""The lab itself: what it makes works, and nothing stays behind however it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import Lab, frames, leftovers

MAKES_ONE_AND_WAITS = """
import time
from tests.lab import Lab
with Lab(1) as lab:
    lab[0].vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev")
    lab.vm(lab[0], "one", "10.0.0.1/24").pinging("10.0.0.2")
    print(lab.prefix, lab.directory, lab[0].switch.pid, flush=True)
    time.sleep(60)
"""


def test_vms_speak_over_a_switch_and_frames_arrive_as_sent() -> None:
    with Lab(1) as lab:
        lab[0].vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev")
        one = lab.vm(lab[0], "one", "10.0.0.1/24", "fd00::1/64")
        two = lab.vm(lab[0], "two", "10.0.0.2/24", "fd00::2/64")
        assert one.reaches("10.0.0.2")
        assert one.ping("fd00::2").received == 3
        assert one.ping("10.0.0.2", size=1400 - 28, fragment=False).received == 3
        assert one.ping("10.0.0.2", size=1400 - 27, fragment=False).received == 0
        assert one.knows("10.0.0.2") == two.mac
        packet = frames.ipv4("10.0.0.1", "10.0.0.2", frames.ICMP, frames.echo_request(payload=b"by hand"))
        for frame in (
            frames.ethernet(two.mac, one.mac, frames.IPV4, packet),
            frames.tagged(frames.ethernet(two.mac, one.mac, frames.IPV4, packet), 7),
            frames.labelled(frames.ethernet(two.mac, one.mac, frames.IPV4, packet), 16, 17),
        ):
            with two.capture() as seen:
                one.send(frame)
                assert seen.first(lambda got: b"by hand" in got) == frame
        with two.capture() as seen:
            two.unplug()
            one.send(frame)
            assert seen.frames(lambda got: b"by hand" in got) == []
    assert leftovers() == []


def test_an_exception_leaves_nothing() -> None:
    with pytest.raises(ZeroDivisionError), Lab(1) as lab:
        pid = lab[0].switch.pid if lab[0].switch else 0
        raise ZeroDivisionError
    assert leftovers() == []
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing(number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", MAKES_ONE_AND_WAITS],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as child:
        assert child.stdout is not None
        prefix, directory, switch = child.stdout.readline().split()
        assert Path(f"/run/netns/{prefix}-vm-one").exists()
        child.send_signal(number)
        child.wait(20)
    assert not list(Path("/run/netns").glob(f"{prefix}-*"))
    assert not Path(directory).exists()
    assert not Path(f"/proc/{switch}").exists()
