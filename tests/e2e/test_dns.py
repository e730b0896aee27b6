"""DNS of real VMs: dig and the C library ask the address that DHCP tells; a real BIND is the upstream resolver."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab import CommandFailed, Vm
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.netns import inside, ip

FOUR, SIX = "169.254.169.254", "fe80::a9fe:a9fe%eth0"
BIND = """
options {{
    directory "{directory}"; pid-file none; session-keyfile none; recursion no; dnssec-validation no;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; allow-transfer {{ none; }};
}};
controls {{ }};
zone "example.test" {{ type primary; file "{directory}/zone"; }};
"""
ZONE = """$TTL 60
@ SOA ns hostmaster 1 60 60 60 60
@ NS ns
ns A 192.0.2.1
www A 192.0.2.80
www AAAA 2001:db8::80
""" + "".join(f"many A 198.51.100.{number}\n" for number in range(99))


PORT, NOBODY = 5300, 5301  # of BIND on the controller's loopback, and of nobody
NAMED = shutil.which("named", path="/usr/sbin:/usr/bin:/sbin:/bin")


@contextmanager
def bind(namespace: str, directory: Path) -> Iterator[None]:
    """A BIND that is primary for example.test, in a namespace."""
    assert NAMED and shutil.which("dig"), "bind9 and bind9-dnsutils are needed"
    (directory / "zone").write_text(ZONE)
    (directory / "named.conf").write_text(BIND.format(directory=directory, port=PORT))
    argv = [NAMED, "-g", "-c", str(directory / "named.conf"), "-n", "1"]
    asked = ["dig", "+short", "+time=1", "+tries=1", "@127.0.0.1", "-p", str(PORT), "www.example.test"]

    def serves() -> bool:
        said = subprocess.run(inside(namespace, asked), capture_output=True, text=True, check=False).stdout
        return said.strip() == "192.0.2.80"

    with (directory / "log").open("w") as log:
        process = subprocess.Popen(inside(namespace, argv), stdout=log, stderr=log)
        try:
            assert until(lambda: process.poll() is not None or serves(), 30), "BIND does not serve"
            assert process.poll() is None, (directory / "log").read_text()[-2000:]
            yield
        finally:
            process.terminate()
            process.wait(20)


class Site:
    """Red's web and db, blue's guest in the network that red shares; all filtered as new ports are."""

    def __init__(self, made: Cloud) -> None:
        self.cloud = made
        self.red, self.blue = made.v2("red"), made.v2("blue")
        self.network = self.red.network("n", shared=True, dns_domain="shop.test.")
        self.red.subnet(self.network, "10.0.0.0/24")
        self.red.subnet(self.network, "2001:db8:1::/64")
        self.db_port = self.red.port(self.network, "10.0.0.6", "2001:db8:1::6", dns_name="db")
        self.web = self.vm(0, self.red.port(self.network, "10.0.0.5", "2001:db8:1::5", dns_name="web"))
        self.guest = self.vm(1, self.blue.port(self.network, "10.0.0.7", "2001:db8:1::7", dns_name="guest"))

    def vm(self, at: int, port: Body) -> Vm:
        vm = self.cloud.start(self.cloud[at], port)
        ip([f"route add {FOUR} dev eth0"], vm.namespace)  # as DHCP's classless routes tell
        return vm


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    options = {"services": {"dns_domain": "cloud.test", "dns_servers": f"127.0.0.1:{NOBODY}, 127.0.0.1:{PORT}"}}
    with (
        cloud([["vxlan"], ["vxlan"]], options) as made,
        bind(made.lab.namespace, tmp_path_factory.mktemp("bind")),
    ):
        yield Site(made)


def dig(vm: Vm, *what: str, at: str = FOUR) -> list[str]:
    return vm.exec("dig", "+short", "+time=3", "+tries=3", f"@{at}", *what).split("\n")[:-1]


def status(vm: Vm, *what: str) -> str:
    """The status and flags of an answer."""
    said = vm.exec("dig", "+time=3", "+tries=3", f"@{FOUR}", *what)
    return next(line.partition("status: ")[2].partition(",")[0] for line in said.splitlines() if "status: " in line)


@pytest.mark.parametrize("server", [FOUR, SIX])
def test_own_names_over_ipv4_and_ipv6(site: Site, server: str) -> None:
    assert dig(site.web, "db.cloud.test", at=server) == ["10.0.0.6"]
    assert dig(site.web, "db.cloud.test", "AAAA", at=server) == ["2001:db8:1::6"]
    assert dig(site.web, "db.shop.test", at=server) == ["10.0.0.6"]
    assert dig(site.web, "-x", "10.0.0.6", at=server) == ["db.cloud.test."]
    assert dig(site.web, "-x", "2001:db8:1::6", at=server) == ["db.cloud.test."]


def test_other_projects_names_are_not_told_in_a_shared_network(site: Site) -> None:
    assert dig(site.guest, "guest.cloud.test") == ["10.0.0.7"]
    assert status(site.guest, "db.cloud.test") == "NXDOMAIN"
    assert status(site.web, "guest.cloud.test") == "NXDOMAIN"
    assert status(site.web, "-x", "10.0.0.7") == "NXDOMAIN"


def test_the_c_library_resolves_names_and_addresses(site: Site, tmp_path: Path) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text(f"nameserver {FOUR}\nsearch cloud.test\n")

    def getent(database: str, what: str) -> str:
        script = f"mount --bind {conf} /etc/resolv.conf && getent {database} {what}"
        argv = inside(site.web.namespace, ["unshare", "--mount", "sh", "-c", script])
        return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False).stdout

    assert getent("ahostsv4", "db").split()[:1] == ["10.0.0.6"]
    assert getent("ahostsv6", "db").split()[:1] == ["2001:db8:1::6"]
    assert getent("hosts", "10.0.0.6").split() == ["10.0.0.6", "db.cloud.test"]
    assert getent("ahostsv4", "www.example.test").split()[:1] == ["192.0.2.80"]
    assert getent("hosts", "nobody") == ""


def test_a_name_follows_its_port(site: Site) -> None:
    port = site.red.port(site.network, "10.0.0.20", dns_name="fresh")
    assert dig(site.web, "fresh.cloud.test") == ["10.0.0.20"]
    site.red.update("port", port["id"], dns_name="renamed")
    assert (status(site.web, "fresh.cloud.test"), dig(site.web, "renamed.cloud.test")) == ("NXDOMAIN", ["10.0.0.20"])
    site.red.delete("port", port["id"])
    assert status(site.web, "renamed.cloud.test") == "NXDOMAIN"


def test_what_is_not_own_comes_from_upstream(site: Site) -> None:
    assert dig(site.web, "www.example.test") == ["192.0.2.80"]
    assert dig(site.web, "www.example.test", "AAAA", at=SIX) == ["2001:db8::80"]
    assert status(site.web, "none.example.test") == "NXDOMAIN"
    assert status(site.web, "example.org") == "REFUSED"  # as BIND says
    said = site.web.exec("dig", "+ignore", f"@{FOUR}", "many.example.test")
    assert " tc" in said.partition(";; flags:")[2].partition(";")[0]  # its records are for TCP


def test_nobody_else_may_speak_for_the_resolver(site: Site) -> None:
    """A VM that takes the address answers nobody, not even on its own network."""
    ip([f"addr add {FOUR}/32 dev eth0"], site.guest.namespace)
    try:
        assert dig(site.web, "db.cloud.test") == ["10.0.0.6"]
    finally:
        ip([f"addr del {FOUR}/32 dev eth0"], site.guest.namespace)


def test_a_storm_of_one_port_does_not_keep_another_from_its_answers(site: Site) -> None:
    """20,000 questions as fast as one VM sends them: what is more than its share ends in the switch."""
    flood = (
        "import socket, struct, sys\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "for n in range(20000):\n"
        f"    s.sendto(struct.pack('!HHHHHH', n & 65535, 256, 1, 0, 0, 0) + b'\\1x\\0\\0\\1\\0\\1', ('{FOUR}', 53))\n"
    )
    storm = subprocess.Popen(inside(site.guest.namespace, ["python3", "-c", flood]))
    began = time.monotonic()
    answers = 0
    try:
        while storm.poll() is None or answers < 5:
            assert dig(site.web, "db.cloud.test") == ["10.0.0.6"]
            answers += 1
    finally:
        storm.kill()
        storm.wait()
    asked = site.cloud.controller.metric("tenet_service_frames_total")
    assert asked < 50 * (time.monotonic() - began + 60) + 500  # far from 20,000


def test_without_dhcp_there_is_no_resolver(site: Site) -> None:
    network = site.red.network("quiet")
    site.red.subnet(network, "10.0.0.0/24", enable_dhcp=False)
    vm = site.vm(0, site.red.port(network, "10.0.0.9", dns_name="alone"))
    with pytest.raises(CommandFailed):
        vm.exec("dig", "+short", "+time=1", "+tries=1", f"@{FOUR}", "alone.cloud.test")


def test_a_trace_says_who_answers_and_what_refuses(site: Site) -> None:
    """The switches of the lab hold what the trace is of: what it says is what dig sees."""
    port = site.web.iface_id
    told = site.cloud.controller.api("GET", f"/tenet/v1/trace?from={port}&to=dns").json["trace"]
    assert [each["verdict"] for each in told["frames"]] == ["answered by the DNS service of its network"]
    closed = site.red.group("closed")
    for rule in site.red.show("security_group", closed["id"])["security_group_rules"]:
        site.red.delete("security_group_rule", rule["id"])
    before = site.red.show("port", port)["security_groups"]
    site.red.update("port", port, security_groups=[closed["id"]])
    try:
        told = site.cloud.controller.api("GET", f"/tenet/v1/trace?from={port}&to=dns").json["trace"]
        assert not told["frames"][0]["answered"] and told["frames"][0]["filtered"]
        with pytest.raises(CommandFailed):
            site.web.exec("dig", "+short", "+time=1", "+tries=1", f"@{FOUR}", "db.cloud.test")
    finally:
        site.red.update("port", port, security_groups=before)
    assert dig(site.web, "db.cloud.test") == ["10.0.0.6"]
