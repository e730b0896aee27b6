"""A lab with a controller that its hypervisors have found, and the two tenant APIs in few words."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from tests.lab import CommandFailed, Controller, Hypervisor, Lab, Reply, Vm
from tests.lab.controller import Options

T = TypeVar("T")
Body = dict[str, Any]
WAIT = {"Prefer": "wait=30"}


def until(check: Callable[[], T], within: float = 60.0, every: float = 0.05) -> T:
    """Call `check` until what it returns is true, and return that; the last value after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        value = check()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(every)


class V2:
    """Networking v2.0 as one project; every call that is not answered as it should be fails the test.

    `revalidated`: waits until no switch forwards by what it had cached of flows that have changed since.
    """

    def __init__(self, controller: Controller, project: str, revalidated: Callable[[], None]) -> None:
        self.controller = controller
        self.project = project
        self._revalidated = revalidated

    def network(self, name: str = "", **more: object) -> Body:
        return self._create("network", {"name": name, **more})

    def subnet(self, network: Body, cidr: str, **more: object) -> Body:
        """A subnet, without a gateway unless one is given: its first address is free."""
        more.setdefault("gateway_ip", None)
        version = 6 if ":" in cidr else 4
        return self._create("subnet", {"network_id": network["id"], "cidr": cidr, "ip_version": version, **more})

    def port(self, network: Body, *addresses: str, **more: object) -> Body:
        """A port; `addresses` are its fixed IPs, allocated when there are none."""
        if addresses:
            more["fixed_ips"] = [{"ip_address": address} for address in addresses]
        return self._create("port", {"network_id": network["id"], **more})

    def group(self, name: str, **more: object) -> Body:
        """A security group, with the rules that a new one has: all egress."""
        return self._create("security_group", {"name": name, **more})

    def rule(self, group: Body, direction: str, protocol: str, *ports: int, **more: object) -> Body:
        """A rule that is in force; `ports`: none, one, or first and last (type and code for ICMP).  IPv4 unless
        `ethertype` is given.
        """
        if ports:
            more |= {"port_range_min": ports[0], "port_range_max": ports[-1]}
        said = {"security_group_id": group["id"], "direction": direction, "protocol": protocol, "ethertype": "IPv4"}
        made = self._create("security_group_rule", {**said, **more}, WAIT)
        self._revalidated()
        return made

    def router(self, name: str = "", **more: object) -> Body:
        return self._create("router", {"name": name, **more})

    def interface(self, router: Body, **said: object) -> Body:
        """An interface of a router, by `port_id` or `subnet_id`."""
        return self._act("router", router["id"], "add_router_interface", said)

    def no_interface(self, router: Body, **said: object) -> Body:
        return self._act("router", router["id"], "remove_router_interface", said)

    def _act(self, kind: str, id: str, action: str, said: Body) -> Body:
        reply = self.controller.api("PUT", f"/v2.0/{_plural(kind)}/{id}/{action}", said, WAIT)
        return self._body(reply, 200)  # type: ignore[no-any-return]

    def show(self, kind: str, id: str) -> Body:
        return self._body(self.controller.api("GET", f"/v2.0/{_plural(kind)}/{id}"), 200)[kind]  # type: ignore[no-any-return]

    def list(self, kind: str) -> list[Body]:
        reply = self.controller.api("GET", f"/v2.0/{_plural(kind)}?project_id={self.project}")
        return self._body(reply, 200)[f"{kind}s"]  # type: ignore[no-any-return]

    def update(self, kind: str, id: str, **values: object) -> Body:
        reply = self.controller.api("PUT", f"/v2.0/{_plural(kind)}/{id}", {kind: values}, WAIT)
        changed = self._body(reply, 200)[kind]
        self._revalidated()
        return changed  # type: ignore[no-any-return]

    def delete(self, kind: str, id: str) -> None:
        self._body(self.controller.api("DELETE", f"/v2.0/{_plural(kind)}/{id}", headers=WAIT), 204)
        self._revalidated()

    def status(self, port: Body, wanted: str, within: float = 60.0) -> str:
        """The port's status, `wanted` if it becomes that within the time."""
        until(lambda: self.show("port", port["id"])["status"] == wanted, within)
        return str(self.show("port", port["id"])["status"])

    def _create(self, kind: str, values: Body, headers: dict[str, str] | None = None) -> Body:
        body = {kind: {"project_id": self.project, **values}}
        reply = self.controller.api("POST", f"/v2.0/{_plural(kind)}", body, headers)
        return self._body(reply, 201)[kind]  # type: ignore[no-any-return]

    def _body(self, reply: Reply, status: int) -> Any:
        assert reply.status == status, (reply.status, reply.body[:500])
        return reply.json


class V1:
    """Quantum v1.1 as one tenant."""

    def __init__(self, controller: Controller, tenant: str) -> None:
        self.controller = controller
        self.tenant = tenant

    def network(self, name: str) -> str:
        return str(self._call("POST", "networks", 202, {"network": {"name": name}})["network"]["id"])

    def port(self, network: str, interface: str = "") -> str:
        """An active port, with an interface plugged into it if one is named."""
        made = self._call("POST", f"networks/{network}/ports", 202, {"port": {"state": "ACTIVE"}})
        port = str(made["port"]["id"])
        if interface:
            self.plug(network, port, interface)
        return port

    def plug(self, network: str, port: str, interface: str) -> None:
        self._call("PUT", f"networks/{network}/ports/{port}/attachment", 204, {"attachment": {"id": interface}})

    def unplug(self, network: str, port: str) -> None:
        self._call("DELETE", f"networks/{network}/ports/{port}/attachment", 204)

    def state(self, network: str, port: str, state: str) -> None:
        self._call("PUT", f"networks/{network}/ports/{port}", 204, {"port": {"state": state}})

    def detail(self, network: str, port: str) -> Body:
        return self._call("GET", f"networks/{network}/ports/{port}/detail", 200)["port"]  # type: ignore[no-any-return]

    def status(self, network: str, port: str, wanted: str, within: float = 60.0) -> str:
        until(lambda: self.detail(network, port)["op-status"] == wanted, within)
        return str(self.detail(network, port)["op-status"])

    def _call(self, method: str, path: str, status: int, body: object = None) -> Any:
        reply = self.controller.api(method, f"/v1.1/tenants/{self.tenant}/{path}", body, WAIT)
        assert reply.status == status, (reply.status, reply.body[:500])
        return reply.json


class Cloud:
    """A lab, its controller, and the VMs on it."""

    def __init__(self, lab: Lab, controller: Controller) -> None:
        self.lab = lab
        self.controller = controller
        self._names = itertools.count(1)

    def __getitem__(self, number: int) -> Hypervisor:
        return self.lab[number]

    def v2(self, project: str) -> V2:
        return V2(self.controller, project, self._revalidated)

    def v1(self, tenant: str) -> V1:
        return V1(self.controller, tenant)

    def start(self, at: Hypervisor, port: Body, mtu: int = 1400, prefix: int = 24) -> Vm:
        """The VM of a v2.0 port, with the port's addresses; waits until the port is ACTIVE."""
        addresses = [
            f"{fixed['ip_address']}/{64 if ':' in fixed['ip_address'] else prefix}" for fixed in port["fixed_ips"]
        ]
        vm = self.lab.vm(at, self._name(), *addresses, mac=port["mac_address"], iface_id=port["id"], mtu=mtu)
        status = self.v2(port["project_id"]).status(port, "ACTIVE")
        assert status == "ACTIVE", (status, self.controller.text()[-3000:])
        return vm

    def bare(self, at: Hypervisor, *addresses: str, iface_id: str = "", mac: str = "", mtu: int = 1400) -> Vm:
        """A VM that no port is asked to be up for."""
        return self.lab.vm(at, self._name(), *addresses, iface_id=iface_id, mac=mac, mtu=mtu)

    def connected(self, within: float = 90.0) -> None:
        """Wait until every hypervisor is there and holds all the flows that it should."""
        names = {hypervisor.system_id for hypervisor in self.lab}

        def all_there() -> bool:
            switches = self.controller.switches()
            return set(switches) >= names and all(settled(switches[name]) for name in names)

        assert until(all_there, within), (self.controller.switches(), self.controller.text()[-3000:])

    def segment(self, network: Body) -> int:
        """A network's tunnel key."""
        shown = self.v2(network["project_id"]).show("network", network["id"])
        return int(shown["provider:segmentation_id"])

    def _revalidated(self) -> None:
        """Wait until no switch that runs forwards by what it had cached of former flows.

        A switch confirms flows before its revalidator has looked at the cache again, on a busy machine long before.
        """
        for hypervisor in self.lab:
            with suppress(CommandFailed, FileNotFoundError):  # ovs-vswitchd does not run
                hypervisor.appctl("--timeout=5", "revalidator/wait")

    def _name(self) -> str:
        return f"vm{next(self._names)}"


def _plural(kind: str) -> str:
    return kind.replace("_", "-") + "s"


def settled(switch: Body) -> bool:
    return bool(switch["connected_since"]) and switch["flows_wanted"] == switch["flows_installed"] > 0


@contextmanager
def cloud(
    encaps: Sequence[Sequence[str]],
    options: Options | None = None,
    tls: dict[str, Path] | None = None,
    *,
    mtu: int = 1500,
    ipv6: bool = False,
) -> Iterator[Cloud]:
    """As many hypervisors as `encaps` has, each with its list, all connected to a controller.

    `mtu` is the underlay's; `ipv6`: tunnels go over IPv6.
    """
    with Lab(len(encaps), mtu=mtu) as lab:
        controller = Controller(lab, options, tls)
        controller.start()
        for hypervisor, encap in zip(lab, encaps, strict=True):
            if tls:
                folder = tls["ca"].parent
                own = folder / hypervisor.system_id
                hypervisor.vsctl("set-ssl", f"{own}.key", f"{own}.pem", str(tls["ca"]))
            hypervisor.configure(encap, hypervisor.address6 if ipv6 else None, controller.manager)
        made = Cloud(lab, controller)
        made.connected()
        yield made
