"""A real Open vSwitch with two bridges that take the same flows, by their bytes and by their text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from apps.services.served import of_asker
from controller.flow import CONTROLLER, Flow
from controller.flow.fields import FIELDS, text
from controller.flow.interpret import Frame
from controller.flow.meter import Rates, of_port
from controller.openflow import framework, wire
from controller.openflow.session import Holdings, Session
from controller.runtime.errors import Rejected
from tests.apps.clouds import FIRST_ALLOTTED, PATCH, SERVER
from tests.openflow.flows import Heard, until
from tests.ovs import PrivateOvs

OFPORTS = [*range(1, 31), *range(65, 75), *range(201, 211), 700, 701, 900, 901, 902, PATCH, SERVER]
KEYS = [*OFPORTS, *range(FIRST_ALLOTTED, FIRST_ALLOTTED + 11)]  # of logical ports


class Bench:
    """Bridge `ours` is programmed over OpenFlow, `theirs` by ovs-ofctl from text."""

    def __init__(self, ovs: PrivateOvs, heard: Heard, address: str) -> None:
        self.ovs = ovs
        ovs.add_bridge("ours", 901, address)
        ovs.add_bridge("theirs", 902)
        command: list[str] = []
        for ofport in OFPORTS:
            name = f"d{ofport}"
            command += ["--", "add-port", "ours", name, "--", "set", "interface", name, "type=dummy"]
            command += [f"ofport_request={ofport}"]
        for meter in [each for key in KEYS for each in (of_port(key, 1000), of_asker(key, Rates().services))]:
            ovs.ofctl("add-meter", "theirs", f"meter={meter.number},pktps,bands=type=drop,rate=100000")
        ovs.vsctl(*command[1:])
        until(lambda: heard.sessions)
        self.session: Session = heard.sessions[901]
        # "d64 64/17: (dummy)": name, OpenFlow number, datapath number
        shown = re.findall(r"^\s+d\d+ (\d+)/(\d+):", ovs.appctl("dpif/show"), re.MULTILINE)
        self.ports = {int(datapath): int(ofport) for ofport, datapath in shown}
        assert sorted(self.ports.values()) == OFPORTS
        self.installed: set[Flow] = set()

    def install(self, flows: set[Flow]) -> Holdings:
        gone = [one.cookie for one in self.installed - flows]
        added, kept = flows - self.installed, {one for flow in self.installed for one in flow.meters}
        wanted = {one for flow in flows for one in flow.meters}
        new = [wire.meter_mod(one.number, one, False) for one in sorted(wanted - kept)]
        groups = {group.number: group for flow in added for group in flow.groups}
        self.installed = set()
        try:
            self.session.apply([one.wire for one in added], gone, [one.wire for one in groups.values()], [], new)
        except Rejected:  # begin with nothing again: the same flows are tried once more, to be shown
            self.ovs.ofctl("del-flows", "ours")
            self.ovs.ofctl("del-groups", "ours")
            self.ovs.ofctl("del-meters", "ours")
            raise
        self.session.remove_meters([one.number for one in sorted(kept - wanted)])
        self.installed = flows
        return self.session.held()

    def install_texts(self, flows: set[Flow]) -> None:
        """On `theirs`."""
        file = self.ovs.directory / "flows.txt"
        file.write_text("".join(f"{one}\n" for one in flows))
        self.ovs.ofctl("del-flows", "theirs")
        self.ovs.ofctl("del-groups", "theirs")
        for group in {group for flow in flows for group in flow.groups}:
            self.ovs.ofctl("add-group", "theirs", str(group))
        self.ovs.ofctl("add-flows", "theirs", str(file))

    def dump(self, bridge: str) -> list[str]:
        lines = self.ovs.ofctl("dump-flows", bridge, options=("--no-stats", "--no-names")).splitlines()
        return sorted(re.sub(r"cookie=\w+, ?", "", line).strip() for line in lines if "actions=" in line)

    def trace(self, one: Frame) -> tuple[list[int], list[int]]:
        """The cookies of the flows that a frame meets, and the OpenFlow ports that it leaves by."""
        said = self.ovs.appctl("ofproto/trace", "ours", written(one))
        cookies = [int(found, 16) for found in re.findall(r"^\s*\d+\. .*, cookie (0x[0-9a-f]+)$", said, re.MULTILINE)]
        actions = re.search(r"^Datapath actions: (.*)$", said, re.MULTILINE)
        assert actions is not None, said
        flat = actions[1]
        while "(" in flat:
            flat = re.sub(r"\w*\([^()]*\)", _flattened, flat)
        parts = [part for part in flat.split(",") if part and part not in ("drop", "pop_vlan")]
        return cookies, [CONTROLLER if "CONTROLLER" in part else self.ports[int(part)] for part in parts]


def _flattened(action: re.Match[str]) -> str:
    """A datapath action without what is inside it, unless that is a packet to the controller (with a meter: sample)."""
    return "CONTROLLER" if "userspace" in action[0] or "CONTROLLER" in action[0] else ""


_NAMES = {
    "eth_src": "dl_src", "eth_dst": "dl_dst", "eth_type": "dl_type", "ip_proto": "nw_proto", "ipv4_src": "nw_src",
    "ipv4_dst": "nw_dst", "vlan_vid": "vlan_tci", "ip_ttl": "nw_ttl", "icmpv4_type": "icmp_type",
}  # fmt: skip


def written(one: Frame) -> str:
    """A frame as ofproto/trace takes it: what a field needs comes before it."""
    first = ("in_port", "eth_type", "ip_proto", "icmpv6_type")
    names = [*(name for name in first if name in one), *(name for name in one if name not in first)]
    return ",".join(
        f"{_NAMES.get(name, name)}={text(name, one[name].to_bytes(FIELDS[name].size, 'big'))}" for name in names
    )


@contextmanager
def listening() -> Iterator[Bench]:
    """A bench that is connected to a listener of its own."""
    heard = Heard()
    server = framework.serve(("127.0.0.1", 0), heard)
    with PrivateOvs() as ovs:
        yield Bench(ovs, heard, f"tcp:127.0.0.1:{server.address[1]}")
    server.close()
