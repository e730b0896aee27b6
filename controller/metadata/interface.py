"""Interface of a metadata server: a network namespace without a name, and a veth pair into a port of the bridge.

The namespace holds nothing but the listening sockets, and has no way to any network but the instances that ask.  It
lives as long as a process that has its sockets; with it the kernel removes both ends of the pair, also after a crash,
and Tenet then sees the interface go.  What stays is the port's row in Open vSwitch's database, until the next start.

Needs root, iproute2 and ovs-vsctl.  Linux: veth(4), network_namespaces(7), "AnyIP" (a local route for a whole prefix).
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Sequence
from typing import NamedTuple

from apps.services.address import MAC as SERVICE_MAC
from apps.services.identity import BASES, FIRST4, HIGH_BITS, PREFIX, RANGE4
from apps.services.metadata import SERVER_MAC
from controller.model.rows.metadata import VIF
from controller.runtime.errors import Unavailable

MTU = 1280  # every network carries it (RFC 8200, section 5)
BACKLOG = 512
_INSIDE = "eth0"
_CLONE_NEWNET = 0x40000000
_SIOCETHTOOL, _ETHTOOL_STXCSUM = 0x8946, 0x17
_NEXT_HOP4, _NEXT_HOP6 = "169.254.169.253", "fe80::1"  # of nobody: only their MAC counts
_TIMEOUT = 30.0  # seconds
_libc = ctypes.CDLL(None, use_errno=True)


class ServerInterface(NamedTuple):
    """`name`: of the bridge's port and of the outer end of the pair.  `database`: of ovs-vsctl's --db; "": its own."""

    bridge: str
    name: str
    database: str = ""

    def create(self) -> list[socket.socket]:
        """Make it, and listening sockets in it; what a former process has left is replaced.  Raises Unavailable."""
        self.remove()
        made: list[socket.socket] = []
        failed: list[Exception] = []
        entered, wired = threading.Event(), threading.Event()
        thread_ids: list[int] = []

        def inside() -> None:
            try:
                if _libc.unshare(_CLONE_NEWNET):
                    number = ctypes.get_errno()
                    raise OSError(number, f"a network namespace cannot be made: {os.strerror(number)}")
                thread_ids.append(threading.get_native_id())
                entered.set()
                wired.wait(_TIMEOUT)
                if not failed:
                    _configure()
                    made.extend(listening())
            except Exception as error:
                failed.append(error)
            finally:
                entered.set()

        thread = threading.Thread(target=inside, name="namespace")
        thread.start()
        entered.wait(_TIMEOUT)
        try:
            if thread_ids:
                self._wire(thread_ids[0])
        except Unavailable as error:
            failed.append(error)
        wired.set()
        thread.join()
        if failed:
            raise Unavailable(f"no interface for the metadata server: {failed[0]}") from failed[0]
        try:
            self._plug()
        except Unavailable:
            for each in made:
                each.close()
            self.remove()
            raise
        return made

    def remove(self) -> None:
        """Take the port out of the bridge, and delete the pair.  Raises Unavailable."""
        self._vsctl("--if-exists", "del-port", self.name)
        subprocess.run(["ip", "link", "del", self.name], capture_output=True, timeout=_TIMEOUT)  # may be gone

    def _wire(self, thread_id: int) -> None:
        pair = f"link add name {self.name} mtu {MTU} type veth peer name {_INSIDE} netns {thread_id}"
        _run(["ip", *pair.split(), "address", SERVER_MAC, "mtu", str(MTU)])
        _write(f"net/ipv6/conf/{self.name}/disable_ipv6", "1")  # it is a port of the bridge, and the host's no more
        _run(["ip", "link", "set", "dev", self.name, "arp", "off", "up"])

    def _plug(self) -> None:
        vif = ["set", "interface", self.name, f"external_ids:iface-id={VIF}"]
        self._vsctl("add-port", self.bridge, self.name, "--", *vif)

    def _vsctl(self, *arguments: str) -> None:
        where = [f"--db={self.database}"] if self.database else []
        _run(["ovs-vsctl", f"--timeout={int(_TIMEOUT)}", *where, *arguments])


def _configure() -> None:
    """Addresses and routes, in the namespace of this thread: everybody who asks is beyond one MAC."""
    for name, value in (("ipv4/conf/all/rp_filter", "0"), (f"ipv4/conf/{_INSIDE}/rp_filter", "0"),
                        (f"ipv6/conf/{_INSIDE}/accept_ra", "0"), ("ipv4/tcp_syn_retries", "1"),
                        ("ipv4/tcp_synack_retries", "2"), ("ipv4/tcp_retries2", "5")):  # fmt: skip
        _write(f"net/{name}", value)
    first = socket.inet_ntoa(FIRST4.to_bytes(4, "big"))
    for line in (
        "link set lo up",
        f"link set {_INSIDE} up",
        f"addr add {first}/32 dev lo",
        f"route add local {RANGE4} dev lo",
        f"neigh add {_NEXT_HOP4} lladdr {SERVICE_MAC} dev {_INSIDE} nud permanent",
        f"route add {_NEXT_HOP4}/32 dev {_INSIDE} src {first}",
        f"route add default via {_NEXT_HOP4} dev {_INSIDE} src {first}",
        f"addr add {PREFIX}/128 dev lo",
        f"route add local {PREFIX}/64 dev lo",
        f"neigh add {_NEXT_HOP6} lladdr {SERVICE_MAC} dev {_INSIDE} nud permanent",
        f"route add default via {_NEXT_HOP6} dev {_INSIDE}",
    ):
        _run(["ip", *line.split()])
    _without_offload(_INSIDE)


def listening() -> list[socket.socket]:
    made = []
    for base in BASES.values():
        wanted = [(socket.AF_INET, base + high) for high in range(1 << HIGH_BITS)] + [(socket.AF_INET6, base)]
        for family, port in wanted:
            one = socket.socket(family, socket.SOCK_STREAM)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
            one.listen(BACKLOG)
            made.append(one)
    return made


def _without_offload(name: str) -> None:
    """Have the kernel fill in checksums itself: the userspace datapath does not (ethtool -K NAME tx off)."""
    value = array.array("B", struct.pack("II", _ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP", name.encode(), value.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, _SIOCETHTOOL, request)


def _write(name: str, value: str) -> None:
    with open(f"/proc/sys/{name}", "w") as file:
        file.write(value)


def _run(argv: Sequence[str]) -> None:
    try:
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=_TIMEOUT, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{argv[0]}: {error}") from error
    if ended.returncode:
        raise Unavailable(f"{' '.join(argv)}: {ended.stderr.strip() or f'status {ended.returncode}'}")
