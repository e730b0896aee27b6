"""What docs/tutorial-mininet.md tells a student to run does what it says."""

from __future__ import annotations

import re
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import mininet.cli
import pytest
from mininet.topolib import TreeTopo

from tests.mininet.bed import URL, Bed, reach, until
from topology.mininet import attach

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial-mininet.md"


def test_the_script_of_two_tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    script = re.search(
        r"^    from mininet\.cli import CLI\n.*?net\.stop\(\)$", TUTORIAL.read_text(), re.DOTALL | re.MULTILINE
    )
    assert script
    seen: list[str] = []

    def student(net: Any) -> None:
        """In place of a person at Mininet's prompt."""
        h1, h2, h3, h4 = net.hosts
        assert h1.IP() == h2.IP() and h3.IP() == h4.IP()
        # equal addresses: who answers is told by the MAC address that was learned
        assert reach(net, {("h1", "h3"), ("h2", "h4")}) == {("h1", "h3"), ("h2", "h4")}
        assert h3.MAC() in h1.cmd("ip neigh") and h4.MAC() in h2.cmd("ip neigh")
        assert bed.command("doctor", "h1", "h3").returncode == 0
        seen.append(bed.command("topology", "--format", "svg").stdout)
        net.configLinkStatus("s1", "s2", "down")
        until(lambda: "2 islands" in bed.command("doctor").stdout, "two islands")
        assert not reach(net, {("h1", "h3")})
        net.configLinkStatus("s1", "s2", "up")
        until(lambda: "2 islands" not in bed.command("doctor").stdout, "one island")
        assert reach(net, {("h1", "h3")})

    monkeypatch.setattr(mininet.cli, "CLI", student)
    with Bed() as bed:
        exec(compile(textwrap.dedent(script[0]), str(TUTORIAL), "exec"), {})
    assert seen and seen[0].count("<circle") == 4


def test_the_commands_of_quantum() -> None:
    """The shell's part: three hosts attached with curl, and no longer."""
    text = TUTORIAL.read_text()
    ways = (r"^    api=.*?^    done$", r'^    for port in .*?"\$api/networks/\$red"$')  # to attach, and to detach
    attached, detached = (re.search(way, text, re.DOTALL | re.MULTILINE) for way in ways)
    assert attached and detached
    with Bed() as bed:
        net = bed.run(TreeTopo(depth=2, fanout=3))
        said = shell(textwrap.dedent(attached[0]))
        until(lambda: [port["status"] for port in bed.topology()["ports"]] == ["ACTIVE"] * 3, said)
        assert reach(net, {("h1", "h4"), ("h4", "h7"), ("h1", "h2")}) == {("h1", "h4"), ("h4", "h7")}
        red = bed.topology()["networks"][0]["id"]
        said = shell(f"api={URL}/v1.1/tenants/lab red={red}\n{textwrap.dedent(detached[0])}")
        assert not bed.topology()["ports"] and not bed.topology()["networks"], said


def test_filter_it() -> None:
    """The shell's part of "Filter it": what is dropped is explained, and a group lets pings in again."""
    page = TUTORIAL.read_text().partition("## 7. Filter it")[2]
    dropping, asking, allowing = (
        textwrap.dedent(part) for part in re.findall(r"^((?:    .*\n)+)", page, re.MULTILINE)[:3]
    )
    with Bed() as bed:
        net = bed.run(TreeTopo(depth=2, fanout=2))
        attach(net, {"red": [net.get("h1"), net.get("h3")]})
        assert reach(net, {("h1", "h3")})
        said = shell(dropping)
        assert not reach(net, {("h1", "h3")}), said
        drops = asking.splitlines()[0]
        until(lambda: "no rule allows icmp type 8 code 0 in from 10.0.0.1" in shell(dropping + drops), "the reason")
        traced = bed.command("trace", "h1", "h3")
        assert traced.returncode == 1 and "dropped by the security groups of port" in traced.stdout
        said = shell(dropping + allowing)
        assert reach(net, {("h1", "h3")}), said
        assert bed.command("trace", "h1", "h3").returncode == 0
        assert bed.command("trace", "h1", "h3", "--protocol", "tcp", "--port", "22").returncode == 1


def test_route_it(monkeypatch: pytest.MonkeyPatch) -> None:
    page = TUTORIAL.read_text().partition("## 8. Route it")[2].partition("\n## ")[0]
    script = re.search(r"^    from mininet\.cli import CLI\n.*?net\.stop\(\)$", page, re.DOTALL | re.MULTILINE)
    assert script
    pings = re.findall(r"mininet> (h\d+) ping -c2 (\S+)", page)
    seen: list[list[str]] = []

    def student(net: Any) -> None:
        """In place of a person at Mininet's prompt."""
        until(
            lambda: all(" 0% packet loss" in net.get(host).cmd(f"ping -c2 -W1 {to}") for host, to in pings), "answers"
        )
        seen.append([net.get(host).cmd(f"ping -c1 {to}") for host, to in pings])
        traced = bed.command("trace", "h1", "h7")
        assert traced.returncode == 0, traced.stdout
        assert all(f"{table}: " in traced.stdout for table in ("enter", "route", "resolve")), traced.stdout
        assert reach(net, {("h1", "h4"), ("h7", "h4"), ("h4", "h2")}) == {("h1", "h4"), ("h7", "h4"), ("h4", "h2")}

    monkeypatch.setattr(mininet.cli, "CLI", student)
    with Bed() as bed:
        exec(compile(textwrap.dedent(script[0]), str(TUTORIAL), "exec"), {})
    assert len(pings) == 3 and [re.findall(r"ttl=(\d+)", said) for said in seen[0]] == [["63"], ["64"], ["63"]]


def test_boot_it() -> None:
    """Both tenants' hosts of one address ask for it, as the page has it for the first."""
    page = TUTORIAL.read_text().partition("## 9. Boot it")[2].partition("\n## ")[0]
    commands = re.findall(r"^    mininet> h1 (.*)$", page, re.MULTILINE)
    assert len(commands) == 6 and commands[3] == "dhclient h1-eth0"
    with Bed() as bed:
        net = bed.run(TreeTopo(depth=2, fanout=2))
        h1, h2, h3, h4 = net.hosts
        for host, address in ((h1, "10.0.0.1"), (h3, "10.0.0.2"), (h2, "10.0.0.1"), (h4, "10.0.0.2")):
            host.setIP(address, 24)
        attach(net, {"red": [h1, h3], "blue": [h2, h4]})
        for host in (h1, h2):
            said = [host.cmd(command.replace("h1-", f"{host.name}-")) for command in commands]
            assert "inet 10.0.0.1/24" in said[4] and " 0% packet loss" in said[5], said
            assert "nameserver 169.254.169.254" in host.cmd("cat /etc/resolv.conf")
            host.cmd("pkill --ns $$ --nslist net dhclient")
        assert "169.254.169.254" not in Path("/etc/resolv.conf").read_text()


def shell(script: str) -> str:
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr
