"""What an experimenter does: Mininet's own command, attaching by name, a doctor, a script written out and run again."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from mininet.topo import LinearTopo

from tests.mininet.bed import URL, Bed, reach, until
from topology.mininet import FileTopo, attach, detach


def call(method: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def test_mininets_own_command_and_ports_attached_by_the_names_of_interfaces() -> None:
    """`mn --topo tree,2,3`: the first three hosts through Quantum v1.1, whose addresses are learned."""
    with Bed() as bed:
        command = ["mn", "--controller", "remote", "--switch", "ovs,datapath=user", "--topo", "tree,2,3"]
        mn = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert mn.stdin and mn.stdout
        until(lambda: sum(link["used"] for link in bed.topology()["links"]) == 6, "3 wires", bed.log)
        network = call("POST", "/v1.1/tenants/lab/networks", {"network": {"name": "red"}})["network"]["id"]
        for interface in ("s2-eth1", "s3-eth1", "s4-eth1"):
            port = call("POST", f"/v1.1/tenants/lab/networks/{network}/ports", {"port": {"state": "ACTIVE"}})["port"][
                "id"
            ]
            call(
                "PUT",
                f"/v1.1/tenants/lab/networks/{network}/ports/{port}/attachment",
                {"attachment": {"id": interface}},
            )
        until(lambda: [port["status"] for port in bed.topology()["ports"]] == ["ACTIVE"] * 3, "active ports")
        said, _ = mn.communicate("h1 ping -c2 -W2 h4\nh4 ping -c2 -W2 h7\nh1 ping -c1 -W1 h2\nexit\n", timeout=60)
        assert re.findall(r"(\d) received", said) == ["2", "2", "0"], said


def test_the_doctor_finds_what_is_wrong() -> None:
    with Bed() as bed:
        said = bed.command("doctor")
        assert said.returncode == 1
        assert "no switch has ever connected" in said.stdout
        net = bed.run(LinearTopo(2, 2))
        said = bed.command("doctor")
        assert "interface s1-eth1 of switch s1 belongs to no network" in said.stdout
        attached = attach(net, {"red": ["h1s1", "h1s2"], "blue": ["h2s1", "h2s2"]})
        assert bed.command("doctor").returncode == 0
        assert bed.command("doctor", "h1s1", "s2-eth1").returncode == 0
        said = bed.command("doctor", "h1s1", "h2s1")
        assert said.returncode == 1 and "h1s1 is on network red, h2s1 on network blue" in said.stdout
        assert "comes to 1 other, not to this port" in said.stdout, "the ARP request"
        call("PUT", f"/v2.0/ports/{attached[1].port_id}", {"port": {"admin_state_up": False}})
        said = bed.command("doctor")
        assert f"port {attached[1].host} of network red at {attached[1].interface} is DOWN" in said.stdout
        call("PUT", f"/v2.0/ports/{attached[1].port_id}", {"port": {"admin_state_up": True}})
        net.configLinkStatus("s1", "s2", "down")
        until(lambda: not bed.topology()["links"], "the wire to be gone")
        said = bed.command("doctor", attached[0].host, attached[1].host)
        assert said.returncode == 1
        assert "2 islands that cannot reach each other" in said.stdout
        assert re.search(r"FAULT  an IPv4 packet: dropped at switch s1 in table \w+", said.stdout)


def test_the_doctor_tells_of_another_version() -> None:
    with Bed() as bed:
        bed.ovs.add_bridge("s9", 9, "tcp:127.0.0.1:6653", protocols="OpenFlow10")
        until(lambda: bed.get("/tenet/v1/refused")["refused"], "a refusal", bed.log)
        said = bed.command("doctor")
        assert "protocols=OpenFlow13" in said.stdout, said.stdout + bed.log()


def test_an_experiment_written_out_is_the_same_experiment(tmp_path: Path) -> None:
    with Bed() as bed:
        net = bed.run(LinearTopo(3, 1))
        for nth, host in enumerate(net.hosts, 1):
            host.setIP(f"10.0.0.{nth}", 24)
        attached = attach(net, {"red": net.hosts})
        before = bed.topology()
        script = tmp_path / "experiment.py"
        script.write_text(bed.command("export", "mininet").stdout)
        detach(attached)
        bed.stop_net()
        spec = importlib.util.spec_from_file_location("experiment", script)
        assert spec and spec.loader
        experiment = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(experiment)
        net = bed.run(FileTopo(experiment.DESCRIBED))
        attach(net, experiment.DESCRIBED["networks"])
        names = [host.name for host in net.hosts]
        pairs = {(one, other) for one in names for other in names if one != other}
        assert reach(net, pairs) == pairs
        after = bed.topology()
        assert shape(before) == shape(after)


def shape(topology: dict[str, Any]) -> Any:
    """All that an export keeps."""
    ports = sorted((port["switch"], port["mac_address"], port["addresses"]) for port in topology["ports"])
    links = sorted((link["switch"], link["port"], link["far_switch"], link["far_port"]) for link in topology["links"])
    return ports, links, [network["name"] for network in topology["networks"]]


def test_what_mininet_sweeps_away_is_not_tenets() -> None:
    """`mn -c` beside a running controller, which then goes on with a new experiment, of the same switches' names."""
    with Bed() as bed:
        net = bed.run(LinearTopo(2, 3))
        attached = attach(net, {"red": net.hosts})
        subprocess.run(["mn", "-c"], check=True, capture_output=True, timeout=120)
        bed.net = None
        assert bed.get("/healthz")["status"] == "ok"
        until(lambda: not any(switch["connected"] for switch in bed.topology()["switches"]), "no switch")
        detach(attached)
        net = bed.run(LinearTopo(2, 1))
        attach(net, {"red": net.hosts})
        names = [host.name for host in net.hosts]
        assert {one["name"] for one in bed.topology()["interfaces"]} == {f"s{s}-eth{p}" for s in (1, 2) for p in (1, 2)}
        assert reach(net, [(names[0], names[1])]) == {(names[0], names[1])}
