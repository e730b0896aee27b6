"""Over TLS, with certificates of one CA on both sides."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from tests.ovsdb.conftest import Watched
from tests.ovsdb.peer import connected, ended
from tests.ovsdb.private import PrivateHypervisor, until


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def authority(directory: Path, name: str) -> Path:
    key, certificate = directory / f"{name}.key", directory / f"{name}.pem"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
        *("-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate)),
    )
    return certificate


def signed(directory: Path, ca: Path, name: str) -> tuple[Path, Path]:
    """A certificate of `ca` and its key."""
    key, request, certificate = (directory / f"{name}.{ending}" for ending in ("key", "csr", "pem"))
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}"),
        *("-keyout", str(key), "-out", str(request)),
    )
    openssl(
        *("x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca.with_suffix(".key"))),
        *("-CAcreateserial", "-days", "2", "-out", str(certificate)),
    )
    return certificate, key


@pytest.fixture
def secured(tmp_path):
    ca = authority(tmp_path, "ca")
    certificate, key = signed(tmp_path, ca, "controller")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    watched = Watched(tls=context)
    yield watched
    watched.close()


def use(hypervisor: PrivateHypervisor, certificate: tuple[Path, Path], ca: Path) -> None:
    hypervisor.vsctl("set-ssl", str(certificate[1]), str(certificate[0]), str(ca))


def test_a_hypervisor_with_a_certificate_comes_in(secured, tmp_path):
    with PrivateHypervisor(tmp_path / "hv1") as hypervisor:
        use(hypervisor, signed(tmp_path, tmp_path / "ca.pem", "hv1"), tmp_path / "ca.pem")
        hypervisor.encap("127.0.0.1", "vxlan")
        hypervisor.vsctl("set-manager", secured.remote)
        secured.settled(hypervisor, "vxlan")
        assert hypervisor.get("Controller", "br-int", "target") == "ssl:127.0.0.1:6653"
        hypervisor.vsctl("del-br", "br-int")
        secured.settled(hypervisor, "vxlan")
        hypervisor.stop_database()
        until(lambda: not secured.server.hypervisors(), "its end is noticed")


def test_a_certificate_of_another_authority_is_refused(secured, tmp_path):
    other = authority(tmp_path, "other")
    with PrivateHypervisor(tmp_path / "hv1", switch=False) as hypervisor:
        use(hypervisor, signed(tmp_path, other, "hv1"), tmp_path / "ca.pem")
        hypervisor.vsctl("set-manager", secured.remote)
        until(lambda: secured.logged("TLS:"), "it is refused")
        assert secured.told == []
        assert hypervisor.get("Bridge", "br-int", "name") == ""


@pytest.mark.parametrize("data", [b'{"method":"echo","params":[],"id":1}', b"\x16\x03\x01\xff\xff", b"\0" * 4096])
def test_what_is_not_tls_ends_its_own_connection(secured, data):
    with connected(secured.port) as sock:
        sock.sendall(data)
        sock.shutdown(1)
        assert ended(sock)


def test_a_stalled_handshake_ends(secured, monkeypatch):
    monkeypatch.setattr(secured.server._listener, "_patience", 0.5)
    with connected(secured.port) as sock:
        sock.sendall(b"\x16\x03\x01")
        assert ended(sock, 3)


def test_without_a_certificate_nobody_comes_in(secured, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(tmp_path / "ca.pem")
    context.check_hostname = False
    with connected(secured.port) as sock:
        try:
            with context.wrap_socket(sock) as wrapped:
                assert ended(wrapped)
        except ssl.SSLError:
            pass
    until(lambda: secured.logged("TLS:"), "the refusal is logged")
