"""A management network beside the lab's underlay: from each hypervisor straight to the controller.

The lab's underlay goes through each hypervisor's own userspace datapath, so every OpenFlow message over it would make
ovs-vswitchd forward it first, and look at all its ports as it does.  With Open vSwitch's kernel datapath, or a network
card for management, it has no such work.
"""

from __future__ import annotations

from tests.lab import Lab
from tests.lab.netns import ip

CONTROLLER = "198.51.100.254"  # TEST-NET-2
OPTIONS = {"openflow": {"listen": "0.0.0.0:6653"}, "ovsdb": {"listen": "0.0.0.0:6640"}}
MANAGER = f"tcp:{CONTROLLER}:6640"


def connect(lab: Lab) -> None:
    """Wire every hypervisor's namespace to the controller's."""
    ip(["link add management type bridge", f"addr add {CONTROLLER}/24 dev management", "link set management up"],
       lab.namespace)  # fmt: skip
    for number, hypervisor in enumerate(lab, 1):
        ip([f"link add name m{number} netns {lab.namespace} type veth peer name mgmt0 netns {hypervisor.namespace}"])
        ip([f"link set m{number} master management up"], lab.namespace)
        ip([f"addr add 198.51.100.{number}/24 dev mgmt0", "link set mgmt0 up"], hypervisor.namespace)
