"""How the process starts, refuses to start, and ends; and everything over TLS."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Capture
from tests.lab.cloud import Cloud, cloud, until
from tests.lab.processes import Process

TENET = str(Path(sys.executable).with_name("tenet"))
CERTIFICATES = str(Path(__file__).parents[2] / "tools" / "certificates.sh")
LOOPBACK = {
    "store": "url = sqlite:///{tmp}/tenet.db",
    "northbound": "listen = 127.0.0.1:0",
    "openflow": "listen = 127.0.0.1:0",
    "ovsdb": "listen = 127.0.0.1:0",
}


def configuration(tmp: Path, **changed: str) -> Path:
    """A configuration file on loopback and ports that are free, with some sections changed."""
    sections = {**LOOPBACK, **changed}
    file = tmp / "tenet.conf"
    file.write_text("".join(f"[{name}]\n{text.format(tmp=tmp)}\n" for name, text in sections.items()))
    return file


REFUSED = {
    "plain text on a public address": {"openflow": "listen = 0.0.0.0:0"},
    "plain text REST on a public address": {"northbound": "listen = 0.0.0.0:0"},
    "a listener that is no address": {"ovsdb": "listen = everywhere"},
    "an option of the wrong type": {"openflow": "listen = 127.0.0.1:0\naudit_interval = soon"},
    "an unknown engine": {"store": "url = floppy:///a"},
    "a store that is no store": {"store": "url = sqlite:///{tmp}/tenet.conf"},
    "a store in a place that is no folder": {"store": "url = sqlite:////dev/null/tenet.db"},
    "a certificate that is not there": {
        "security": "ca = {tmp}/no.pem\ncertificate = {tmp}/no.pem\nprivate_key = {tmp}/no.key"
    },
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_wrong_configuration_ends_in_one_clear_line(tmp_path: Path, why: str) -> None:
    refused(configuration(tmp_path, **REFUSED[why]), tmp_path)


def test_a_port_in_use_ends_in_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(configuration(tmp_path, openflow=f"listen = 127.0.0.1:{port}"), tmp_path)
        assert str(port) in said


def test_a_configuration_file_that_is_not_there_ends_in_one_clear_line(tmp_path: Path) -> None:
    assert "nowhere.conf" in refused(tmp_path / "nowhere.conf", tmp_path)


def refused(file: Path, tmp: Path) -> str:
    """What `tenet run` says when it does not start: one line, on standard error, and a status that is not 0."""
    ended = subprocess.run(
        [TENET, "run", "--config-file", str(file)],
        capture_output=True,
        text=True,
        timeout=20,
        cwd=tmp,
        stdin=subprocess.DEVNULL,
    )
    assert ended.returncode not in (0, -signal.SIGKILL)
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    return ended.stderr


def test_plain_text_on_a_public_address_is_served_when_it_is_meant(tmp_path: Path) -> None:
    file = configuration(tmp_path, openflow="listen = 0.0.0.0:0", security="allow_plaintext = true")
    process = Process([TENET, "run", "--config-file", str(file)], tmp_path / "log")
    try:
        assert until(lambda: "ready:" in process.text(), within=30), process.text()
        process.signal(signal.SIGTERM)
        assert process.wait() == 0
        assert "Traceback" not in process.text()
    finally:
        process.kill()


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Path]]:
    """Two hypervisors that speak TLS, with certificates of tools/certificates.sh."""
    made = tmp_path_factory.mktemp("certificates")
    for argv in (["ca"], ["controller", "192.0.2.254", "127.0.0.1"], ["hypervisor", "hv1"], ["hypervisor", "hv2"]):
        subprocess.run([CERTIFICATES, argv[0], str(made), *argv[1:]], check=True, stdin=subprocess.DEVNULL)
    tls = {"ca": made / "ca.pem", "certificate": made / "controller.pem", "private_key": made / "controller.key"}
    with cloud([["vxlan"]] * 2, tls=tls) as clouds:
        yield clouds, made


def test_everything_works_over_tls_and_nothing_is_plain(secure: tuple[Cloud, Path]) -> None:
    made, _ = secure
    api = made.v2("red")
    network = api.network("secret-name")
    api.subnet(network, "10.0.0.0/24")
    with Capture(made.lab.namespace, "underlay", outgoing=True) as wire:
        one, two = (made.start(made[n], api.port(network, f"10.0.0.{n + 1}")) for n in range(2))
        seen = wire.frames(during=0.5)
    assert one.reaches("10.0.0.2")
    assert two.reaches("10.0.0.1")
    assert made[0].vsctl("get-controller", "br-int") == "ssl:192.0.2.254:6653"
    assert seen
    assert not [frame for frame in seen if b"br-int" in frame]


@pytest.mark.parametrize("port", [6640, 6653])
def test_a_peer_without_a_certificate_gets_nothing(secure: tuple[Cloud, Path], port: int) -> None:
    made, _ = secure
    with made.controller.dial("192.0.2.254", port) as peer:
        peer.sendall(bytes.fromhex("0400000800000001"))
        assert until(lambda: ended(peer), within=90)
    assert set(made.controller.switches()) == {"hv1", "hv2"}


def ended(peer: socket.socket) -> bool:
    """Whether the other side has hung up, without a byte of OpenFlow or JSON said."""
    try:
        said = peer.recv(4096)
    except OSError:
        return True
    assert not said.startswith((b"\x04", b"{"))
    return not said
