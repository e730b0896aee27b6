"""A controller process with TLS on loopback, certificates of its authority, and hypervisors that may lie."""

from __future__ import annotations

import contextlib
import json
import os
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from controller.runtime import hub
from tests.ovsdb.private import PrivateHypervisor, until
from tests.simswitch import SimSwitch

TENET = str(Path(sys.executable).with_name("tenet"))
CERTIFICATES = str(Path(__file__).parents[2] / "tools" / "certificates.sh")
READY = re.compile(r"ready: REST \('127.0.0.1', (\d+)\), OpenFlow \('127.0.0.1', (\d+)\), OVSDB \('127.0.0.1', (\d+)\)")


class Deployment:
    """One `tenet run`; `directory` holds its store, its log and every certificate."""

    def __init__(self, directory: Path, options: dict[str, str], hosts: tuple[str, ...], tls: bool = True) -> None:
        self.directory = directory
        self.tls = tls
        if tls:
            for argv in (["ca"], ["controller", "127.0.0.1"], *(["hypervisor", host] for host in hosts)):
                subprocess.run([CERTIFICATES, argv[0], directory, *argv[1:]], check=True, stdin=subprocess.DEVNULL)
        parts = {name: f"listen = 127.0.0.1:0\n{options.get(name, '')}" for name in ("northbound", "openflow", "ovsdb")}
        parts |= {"store": f"url = sqlite:///{directory}/tenet.db", "network": options.get("network", "")}
        if tls:
            files = {"ca": "ca.pem", "certificate": "controller.pem", "private_key": "controller.key"}
            lines = [f"{name} = {directory}/{file}" for name, file in files.items()]
            parts["security"] = "\n".join([*lines, options.get("security", "")])
        (directory / "tenet.conf").write_text("".join(f"[{name}]\n{text}\n" for name, text in parts.items()))

    def start(self) -> None:
        log = (self.directory / "log").open("ab")
        argv = [TENET, "run", "--config-file", str(self.directory / "tenet.conf")]
        self._began = log.tell()
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ))
        log.close()
        ready = until(lambda: READY.search(self.text()[self._began :]), "the controller is ready")
        self.rest, self.openflow, self.ovsdb = map(int, ready.groups())

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def text(self) -> str:
        """Its log."""
        return (self.directory / "log").read_text(errors="replace")

    def api(self, method: str, path: str, body: object = None) -> Any:
        """The answer's JSON; raises AssertionError for a status of 400 or more."""
        status, answer = self.ask(method, path, body)
        assert status < 400, answer
        return json.loads(answer) if answer else None

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        data = None if body is None else json.dumps(body).encode()
        url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.rest}{path}"
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        context = ssl.create_default_context(cafile=self.directory / "ca.pem") if self.tls else None
        try:
            with urllib.request.urlopen(request, timeout=60, context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as problem:
            return problem.code, problem.read().decode()

    def metric(self, name: str) -> float:
        lines = self.ask("GET", "/metrics")[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((name + " ", name + "{")))

    def switches(self) -> dict[str, Any]:
        return {switch["id"]: switch for switch in self.api("GET", "/tenet/v1/switches")["switches"]}

    def refusals(self) -> list[str]:
        return [each["why"] for each in self.api("GET", "/tenet/v1/refused")["refused"]]

    def doctor(self) -> str:
        scheme = "https" if self.tls else "http"
        trust = ["--ca", str(self.directory / "ca.pem")] if self.tls else []
        argv = [TENET, "doctor", "--url", f"{scheme}://127.0.0.1:{self.rest}", *trust]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60).stdout

    @contextlib.contextmanager
    def hypervisor(self, name: str, certificate: str = "", **ids: str) -> Iterator[PrivateHypervisor]:
        """A real ovsdb-server that shows the certificate of that name, its own by default.  It has no ovs-vswitchd, so
        that everything that one would write there is the test's to say.
        """
        directory = self.directory / f"{name}-{certificate}-{len(list(self.directory.iterdir()))}"
        with PrivateHypervisor(directory, name, switch=False) as made:
            if ids:
                made.set_ids(**ids)
            if self.tls:
                key, own, ca = self._files(certificate or name)
                made.vsctl("set-ssl", str(key), str(own), str(ca))
            made.vsctl("set-manager", f"{'ssl' if self.tls else 'tcp'}:127.0.0.1:{self.ovsdb}")
            yield made

    def switch(self, dpid: int, certificate: str = "", ports: tuple[str, ...] = ()) -> SimSwitch:
        """An OpenFlow switch that shows a certificate, connected."""
        made = SecureSwitch(dpid, ("127.0.0.1", self.openflow), ports)
        if certificate:
            key, own, ca = self._files(certificate)
            made.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            made.context.check_hostname = False
            made.context.load_verify_locations(ca)
            made.context.load_cert_chain(own, key)
        made.connect()
        return made

    def _files(self, name: str) -> tuple[Path, Path, Path]:
        return self.directory / f"{name}.key", self.directory / f"{name}.pem", self.directory / "ca.pem"


class SecureSwitch(SimSwitch):
    """A simulated switch over TLS."""

    context: ssl.SSLContext | None = None

    def dial(self) -> Any:
        plain = super().dial()
        return self.context.wrap_socket(plain) if self.context else plain


def plug(hypervisor: PrivateHypervisor, interface: str, vif: str, ofport: int) -> None:
    """An interface of br-int with a VIF's name, as ovs-vswitchd would show it."""
    hypervisor.vsctl(
        *("add-port", "br-int", interface, "--", "set", "Interface", interface),
        *(f"external_ids:iface-id={vif}", f"ofport={ofport}"),
    )


def bridged(hypervisor: PrivateHypervisor) -> int:
    """Wait until the controller has made br-int; its datapath id."""
    return int(until(lambda: hypervisor.get("Bridge", "br-int", "other_config:datapath-id"), "br-int is made"), 16)


@contextlib.contextmanager
def deployed(directory: Path, hosts: tuple[str, ...] = ("hv1", "hv2", "hv3"), tls: bool = True,
             **options: str) -> Iterator[Deployment]:  # fmt: skip
    hub.patch()
    made = Deployment(directory, options, hosts, tls)
    made.start()
    try:
        yield made
    finally:
        made.stop()
