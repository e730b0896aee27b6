"""Real hypervisors and VMs in network namespaces: see `lab.Lab`."""

from tests.lab.capture import Capture, send
from tests.lab.controller import Controller, Reply
from tests.lab.hypervisor import Hypervisor
from tests.lab.lab import Lab, leftovers
from tests.lab.netns import CommandFailed, socket_in
from tests.lab.vm import Pinged, Vm

__all__ = [
    "Capture",
    "CommandFailed",
    "Controller",
    "Hypervisor",
    "Lab",
    "Pinged",
    "Reply",
    "Vm",
    "leftovers",
    "send",
    "socket_in",
]
