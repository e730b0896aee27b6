"""`make demo`: two tenants with the same addresses on three hypervisors, in one command.

Everything is made in network namespaces of this process's own names and removed at the end, also after Ctrl-C, SIGTERM
or a failure.  Exit status: 0 when all was as it must be, 1 when not, 130 when interrupted.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections import Counter

from tests.lab import CommandFailed, Controller, Lab, Vm, leftovers
from tests.lab.cloud import Body, Cloud

COLOURS = {"title": "1;36", "good": "32", "bad": "1;31", "faint": "2", "red": "31", "blue": "34"}
SHOWN_FLOWS = 12


def paint(style: str, text: str) -> str:
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return f"\x1b[{COLOURS[style]}m{text}\x1b[0m" if coloured else text


def say(text: str = "") -> None:
    print(text, flush=True)


class Demo:
    """Counts what was not as it must be."""

    def __init__(self) -> None:
        self.wrong = 0
        self._steps = 0

    def step(self, title: str, why: str = "") -> None:
        self._steps += 1
        say()
        say(paint("title", f"{self._steps}. {title}"))
        if why:
            say(paint("faint", f"   {why}"))

    def check(self, what: str, is_so: bool, detail: str = "") -> None:
        mark = paint("good", "as it must be") if is_so else paint("bad", "WRONG")
        say(f"   {what:<66} {detail:<18} {mark}")
        self.wrong += not is_so

    def run(self, cloud: Cloud) -> None:
        self.hypervisors(cloud)
        tenants = {name: self.tenant(cloud, name) for name in ("red", "blue")}
        self.pings(tenants)
        self.walls(cloud, tenants)
        self.explain(cloud, tenants["red"][0])
        self.without_controller(cloud, tenants["red"])

    def hypervisors(self, cloud: Cloud) -> None:
        self.step("Hypervisors come by themselves", "Two commands turn a host with Open vSwitch into a hypervisor:")
        say("   ovs-vsctl set Open_vSwitch . external_ids:tenet-encap-ip=192.0.2.1 external_ids:tenet-encap-type=vxlan")
        say(f"   ovs-vsctl set-manager {cloud.controller.manager}")
        cloud.lab.configure(["vxlan"], cloud.controller.manager)
        cloud.connected()
        say(paint("faint", "   GET /tenet/v1/switches"))
        for id, switch in sorted(cloud.controller.switches().items()):
            say(f"   {id}  host {switch['host']}  datapath {switch['dpid']}  {switch['flows_installed']} flows")

    def tenant(self, cloud: Cloud, name: str) -> list[Vm]:
        """A network with 10.0.0.0/24 and a VM on each of two hypervisors; blue has one on the third, too."""
        self.step(f"Tenant {paint(name, name)} makes a network", "POST /v2.0/networks, /v2.0/subnets, /v2.0/ports")
        api = cloud.v2(name)
        network = api.network(f"{name}-net")
        api.subnet(network, "10.0.0.0/24")
        say(f"   network {network['id']}  10.0.0.0/24  mtu {network['mtu']}  tunnel key {cloud.segment(network)}")
        vms = []
        for number in range(3 if name == "blue" else 2):
            port = api.port(network, f"10.0.0.{number + 1}")
            vm = cloud.start(cloud[number], port, mtu=network["mtu"])
            vms.append(vm)
            status = api.show("port", port["id"])["status"]
            say(f"   VM {vm.name} on {vm.at.system_id}: {paint(name, f'10.0.0.{number + 1}')}  {vm.mac}  {status}")
        return vms

    def pings(self, tenants: dict[str, list[Vm]]) -> None:
        self.step("Pings that pass", "The same addresses, twice; each tenant hears its own.")
        for name, (one, two, *_) in tenants.items():
            one.reaches("10.0.0.2")
            got = one.ping("10.0.0.2", 5)
            self.check(
                f"{name}: {one.name} on hv1 pings 10.0.0.2 on hv2", got.lost == 0, f"{got.received} of {got.sent}"
            )
            self.check(f"{name}: who answered has the MAC of {two.name}", one.knows("10.0.0.2") == two.mac, two.mac)

    def walls(self, cloud: Cloud, tenants: dict[str, list[Vm]]) -> None:
        self.step("Pings that must not pass")
        red, blue = tenants["red"][0], tenants["blue"][0]
        blue.reaches("10.0.0.3")
        got = blue.ping("10.0.0.3", 3)
        self.check("blue pings 10.0.0.3, which only blue has", got.received == 3, f"{got.received} of 3")
        got = red.ping("10.0.0.3", 3, wait=0.5)
        self.check("red pings 10.0.0.3", got.received == 0, f"{got.received} of 3")
        got = red.ping(cloud.lab.controller_address, 3, wait=0.5)
        self.check("red pings the controller", got.received == 0, f"{got.received} of 3")
        red.exec("ip", "addr", "del", "10.0.0.1/24", "dev", "eth0")
        red.exec("ip", "addr", "add", "10.0.0.66/24", "dev", "eth0")
        got = red.ping("10.0.0.2", 3, wait=0.5)
        self.check(
            "red takes 10.0.0.66, which it was not given, and pings 10.0.0.2", got.received == 0, f"{got.received} of 3"
        )
        red.exec("ip", "addr", "del", "10.0.0.66/24", "dev", "eth0")
        red.exec("ip", "addr", "add", "10.0.0.1/24", "dev", "eth0")
        self.check("with its own address again", red.reaches("10.0.0.2"))

    def explain(self, cloud: Cloud, vm: Vm) -> None:
        self.step(
            "The flows of one port",
            f"GET /tenet/v1/switches/hv1/flows tells the object behind every flow; these are for port/{vm.iface_id}:",
        )
        flows = cloud.controller.api("GET", "/tenet/v1/switches/hv1/flows").json["flows"]
        mine = [flow for flow in flows if f"port/{vm.iface_id}" in flow["objects"]]
        width = shutil.get_terminal_size((140, 24)).columns
        for flow in mine[:SHOWN_FLOWS]:
            say(f"   {flow['cookie']}  {flow['flow']}"[:width])
        if len(mine) > SHOWN_FLOWS:
            say(paint("faint", f"   ... and {len(mine) - SHOWN_FLOWS} more"))
        held = vm.at.ofctl("dump-flows")
        there = sum(f"cookie={int(flow['cookie'], 16):#x}," in held for flow in mine)
        self.check(
            f"of {len(flows)} flows on hv1, {len(mine)} are there for this port; the switch holds",
            0 < there == len(mine),
            str(there),
        )
        say(paint("faint", f"   by kind of object: {kinds(flows)}"))

    def without_controller(self, cloud: Cloud, vms: list[Vm]) -> None:
        self.step("Kill -9 of the controller, and its return, while a ping runs")
        ping = vms[0].pinging("10.0.0.2", 0.01)
        time.sleep(0.5)
        cloud.controller.kill()
        time.sleep(1)
        cloud.controller.start()
        cloud.connected()
        lost = ping.stop()
        self.check(f"{len(ping.answered())} pings answered; lost", not lost, str(len(lost)))
        sent = cloud.controller.metric("tenet_flow_messages_total")
        self.check("flow messages that the controller sent on its return", sent == 0, f"{sent:g}")

    def cleaned(self) -> None:
        self.step("Everything is removed again")
        left = leftovers()
        self.check("namespaces, processes and files left behind", not left, str(len(left)))


def kinds(flows: list[Body]) -> str:
    """How many flows each kind of object causes."""
    count = Counter(re.split("/", each, maxsplit=1)[0] for flow in flows for each in flow["objects"])
    return ", ".join(f"{kind} {number}" for kind, number in count.most_common())


def main() -> int:
    if os.geteuid() != 0:
        say("make demo makes network namespaces: run it as root")
        return 1
    demo = Demo()
    try:
        say("Three hypervisors, each with an Open vSwitch of its own in a network namespace, and a controller.")
        began = time.monotonic()
        with Lab(3) as lab:
            controller = Controller(lab)
            controller.start()
            say(paint("faint", f"   up in {time.monotonic() - began:.1f} s"))
            demo.run(Cloud(lab, controller))
    except KeyboardInterrupt:
        say("\ninterrupted")
        demo.cleaned()
        return 130
    except (AssertionError, CommandFailed, OSError, RuntimeError) as error:
        demo.check(f"it ended early: {error}", False)
    demo.cleaned()
    say()
    say(paint("bad", f"{demo.wrong} not as it must be") if demo.wrong else paint("good", "All was as it must be."))
    return 1 if demo.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
