"""docs/operations.md, "Setting up, step by step", done as it is written: on three hosts, with TLS everywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.machine import machine
from tests.lab import Lab, leftovers
from tests.lab.cloud import until
from tests.lab.netns import inside, run
from tests.lab.processes import Process

ROOT = Path(__file__).parents[2]
HOSTS = {"one": "192.0.2.11", "two": "192.0.2.12", "three": "192.0.2.13"}
TOKEN = "tenet token create --project ops --role admin --config-file /etc/tenet/tenet.conf"
TENET = Path(sys.executable).with_name("tenet")


def written(first: str) -> list[str]:
    """The lines of the block of the section that begins with the line `first`."""
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.partition("### Setting up, step by step")[2].partition("\n### ")[0]
    lines = [line.strip() for line in section.splitlines()]
    start = lines.index(first)
    return lines[start : lines.index("", start)]


class Host:
    """A machine, with what is below /etc in a directory of its own."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.name, self.address = name, HOSTS[name]
        self.namespace = machine(lab, name, int(self.address.rpartition(".")[2])).namespace
        self.directory = lab.directory / name
        for folder in ("etcd", "tenet"):
            (self.directory / folder).mkdir(parents=True)

    def own(self, line: str) -> str:
        """What is written for `one`, for this host."""
        line = line.replace("/etc/", f"{self.directory}/").replace("/one.", f"/{self.name}.")
        if "," not in line:
            line = line.replace(HOSTS["one"], self.address)
        return line.replace("ETCD_NAME=one", f"ETCD_NAME={self.name}").replace("member = one", f"member = {self.name}")

    def copy(self, tls: Path) -> None:
        for folder in ("etcd", "tenet"):
            for file in ("ca.pem", f"{self.name}.pem", f"{self.name}.key"):
                shutil.copy(tls / file, self.directory / folder)

    def start_etcd(self) -> Process:
        options = [self.own(line) for line in written("ETCD_NAME=one")]
        options += [f"ETCD_DATA_DIR={self.directory}/data", "ETCD_LOGGER=zap"]  # Debian's unit says the first
        return Process(inside(self.namespace, ["env", *options, "etcd"]), self.directory / "etcd.log")

    def write_settings(self) -> Path:
        config = self.directory / "tenet" / "tenet.conf"
        config.write_text("\n".join(self.own(line) for line in written("[store]")) + "\n")
        return config

    def start_tenet(self) -> Process:
        argv = [str(TENET), "run", "--config-file", str(self.directory / "tenet" / "tenet.conf")]
        return Process(inside(self.namespace, argv), self.directory / "tenet.log")


def certificates(tls: Path) -> None:
    for line in written("tools/certificates.sh ca tls"):
        words = line.split()
        assert words[2] == "tls"
        subprocess.run([ROOT / words[0], words[1], tls, *words[3:]], check=True, capture_output=True)
    subprocess.run([ROOT / "tools/certificates.sh", "hypervisor", tls, "hv1"], check=True, capture_output=True)


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(1) as lab:
        yield lab
    assert leftovers() == []


def test_three_hosts_with_tls(lab: Lab) -> None:
    tls = lab.directory / "tls"
    certificates(tls)
    hosts = [Host(lab, name) for name in HOSTS]
    for host in hosts:
        host.copy(tls)
    for process in [host.start_etcd() for host in hosts]:
        lab.at_end(process.kill)
    for host in hosts:
        host.write_settings()
    made = run([str(TENET), *map(hosts[0].own, written(TOKEN)[0].split()[1:])])
    for host in hosts:
        if host is not hosts[0]:
            shutil.copy(hosts[0].directory / "tenet" / "tokens", host.directory / "tenet")
    tenets = [host.start_tenet() for host in hosts]
    for process in tenets:
        lab.at_end(process.kill)
    for hypervisor in lab:
        hypervisor.vsctl("set-ssl", f"{tls}/hv1.key", f"{tls}/hv1.pem", f"{tls}/ca.pem")
        hypervisor.configure(["vxlan"], manager=f"ssl:{HOSTS['one']}:6640")
    environment = {**os.environ, "OS_TOKEN": made.strip()}

    def status(host: Host) -> subprocess.CompletedProcess[str]:
        argv = [str(TENET), "cluster", "status", "--url", f"https://{host.address}:9696", "--ca", f"{tls}/ca.pem"]
        return subprocess.run(inside(host.namespace, argv), capture_output=True, text=True, env=environment, timeout=40)

    def well(host: Host) -> bool:
        said = status(host)
        return said.returncode == 0 and "3 of 3 members present, 1 switches" in said.stdout

    for host in hosts:
        assert until(lambda: well(host), 40.0), (status(host), *(process.text()[-1500:] for process in tenets))  # noqa: B023
    managers = lab[0].vsctl("get-manager").split()
    assert managers == [f"ssl:{address}:6640" for address in HOSTS.values()]
