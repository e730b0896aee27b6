"""A controller process in which each supervised background loop is made to fail once, where it waits.

`python -m tests.cluster.supervised CONFIG_FILE`: prints a line "NAME RESTARTS ALIVE" for each loop, then ends.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from controller.runtime import hub

hub.patch()

from controller.assembly import Controller  # noqa: E402
from controller.config.settings import read  # noqa: E402
from controller.metadata.server import InstanceServer, Reply  # noqa: E402
from tests.simswitch import SimSwitch  # noqa: E402

AGAIN = 0.05
WITHIN = 10.0  # seconds


class Injected(Exception):
    pass


def main(path: str) -> None:
    threads: dict[str, hub.GreenThread] = {}
    keep = hub.keep
    hub.AGAIN = AGAIN

    def recorded(run: Callable[..., None], *arguments: Any) -> hub.GreenThread:
        thread = threads[run.__qualname__] = keep(run, *arguments)
        return thread

    hub.keep = recorded
    settings = read(["--config-file", path])
    controller = Controller(settings)
    running = hub.spawn(controller.run)
    # of another process (tenet metadata serve), which has this loop alone
    InstanceServer(lambda *_: Reply(404), lambda *_: None).serve([hub.listen(("127.0.0.1", 0))])
    switch = SimSwitch(0x11, settings.openflow)
    wait_for(lambda: connects(switch))
    wait_for(lambda: any("_probe" in name for name in threads))
    lease = controller.store.lease(60.0)
    hub.sleep(1.0)  # each loop has come to where it waits
    for name in sorted(threads):
        hub.spawn(threads[name].throw, Injected(name))
        wait_for(lambda name=name: hub.restarts[name])
    hub.sleep(20 * AGAIN)
    for name in sorted(threads):
        print(name, hub.restarts[name], not threads[name].dead, flush=True)
    lease.revoke()
    hub.kill(running)


def connects(switch: SimSwitch) -> bool:
    try:
        switch.connect()
    except OSError:
        return False
    return True


def wait_for(condition: Callable[[], object]) -> None:
    with hub.Timeout(WITHIN):
        while not condition():
            hub.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1])
