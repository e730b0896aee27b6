"""`make demo-cluster`: three members over one etcd on one machine, two hypervisors, and a member that dies.

Everything is made in network namespaces of this process's own names and removed at the end, also after Ctrl-C.  With
`--stay` it stays until then, to be looked at.  Exit status: 0 when all was as it must be, 1 when not.
"""

from __future__ import annotations

import os
import sys
import time

from controller.commands.cluster import table
from tests.cluster.site import Member, Site, messages, site
from tests.lab import CommandFailed
from tools.demo import Demo, paint, say


def show(member: Member) -> None:
    for line in table(member.cluster()).splitlines():
        say(f"   {line}")


def run(demo: Demo, made: Site) -> None:
    demo.step("Three members, one etcd", "`tenet cluster status` at any of them:")
    show(made.members[0])
    project = made.cloud.v2("red")
    network = project.network()
    project.subnet(network, "10.0.0.0/24")
    ports = [project.port(network) for _ in range(2)]
    vms = [made.cloud.start(made.lab[n], port) for n, port in enumerate(ports)]
    address = ports[1]["fixed_ips"][0]["ip_address"]
    demo.check("a VM on each of two hypervisors reach each other", vms[0].reaches(address))
    traffic = vms[0].pinging(address)

    demo.step("kill -9 of the master of hv1", "A write that is made at another member right after it:")
    master = made.master("hv1")
    others = [member for member in made.members if member is not master]
    began = time.monotonic()
    master.kill()
    reply = others[0].api(
        "PUT", f"/v2.0/ports/{ports[0]['id']}", {"port": {"name": "web"}}, {"Prefer": "wait=15"}
    )  # fmt: skip
    demo.check("is in force", reply.status == 200, f"{time.monotonic() - began:.1f} s")
    made.master("hv1", others)
    show(others[0])

    demo.step("It comes back and takes its share again")
    master.start()
    made.settled()
    sent = messages([master])
    demo.check("flow messages that it sent to switches that were right", sent == 0, f"{sent:g}")

    demo.step("A member is drained before maintenance", f"`tenet cluster drain {master.name}`")
    before = messages(made.members)
    others[0].api("POST", f"/tenet/v1/cluster/members/{master.name}/drain")
    made.settled()
    show(others[0])
    demo.check("flow messages that the handing over took", messages(made.members) == before)
    lost = traffic.stop()
    demo.check(f"of {len(traffic.answered())} pings all the while, lost", not lost, str(len(lost)))


def main() -> int:
    if os.geteuid() != 0:
        say("make demo-cluster makes network namespaces: run it as root")
        return 1
    demo = Demo()
    try:
        with site(2, 3) as made:
            run(demo, made)
            if "--stay" in sys.argv[1:]:
                for member in made.members:
                    say(f"   ip netns exec {member.lab.namespace} curl http://127.0.0.1:9696/tenet/v1/cluster")
                say(paint("faint", "   Ctrl-C ends it"))
                while True:
                    time.sleep(60)
    except KeyboardInterrupt:
        say("\nended")
    except (AssertionError, CommandFailed, OSError, RuntimeError) as error:
        demo.check(f"it ended early: {error}", False)
    demo.cleaned()
    return 1 if demo.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
