"""A running Tenet and a real BIND: what the API is told is published, and the operator is told what is not."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.api.live import Live, running

from .bind import Bind, bind

PATIENCE = 30.0  # seconds


def until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def made(live: Live, kind: str, **request: Any) -> dict[str, Any]:
    status, said = live.call("POST", f"/v2.0/{kind}s", {kind: request})
    assert status == 201, said
    found: dict[str, Any] = said[kind]
    return found


def doctor(live: Live) -> str:
    tenet = Path(sys.executable).with_name("tenet")
    return subprocess.run([tenet, "doctor", "--url", live.url], capture_output=True, text=True, timeout=60).stdout


def options(server: Bind) -> str:
    return (
        f"[network]\nflat_networks = ext\n[external_dns]\nserver = 127.0.0.1:{server.port}\n"
        f"key_file = {server.key_file}\nzones = example.org, lab.example.net\nreverse_networks = 192.0.2.0/24\n"
    )


def test_from_the_api_to_the_zone(tmp_path: Path) -> None:
    with bind(tmp_path / "bind") as server, running(tmp_path, options(server)) as live:
        network = made(live, "network", dns_domain="example.org.", **{
            "provider:network_type": "flat", "provider:physical_network": "ext"
        })  # fmt: skip
        made(live, "subnet", network_id=network["id"], ip_version=4, cidr="192.0.2.0/24")
        fixed = [{"ip_address": "192.0.2.10"}]
        port = made(live, "port", network_id=network["id"], dns_name="vm", fixed_ips=fixed)
        assert port["dns_assignment"][0]["fqdn"] == "vm.example.org."
        whole = {"vm.example.org.": {"A": ("192.0.2.10",)}, "10.2.0.192.in-addr.arpa.": {"PTR": ("vm.example.org.",)}}
        assert until(lambda: server.records() == whole), live.process.text()
        assert "external DNS" not in doctor(live)
        server.stop()
        assert live.call("PUT", f"/v2.0/ports/{port['id']}", {"port": {"dns_name": "new"}})[0] == 200
        assert until(lambda: view(live)["unreachable"] is not None)
        assert f"external DNS, server 127.0.0.1:{server.port}: the server does not answer" in doctor(live)
        assert live.call("DELETE", f"/v2.0/ports/{port['id']}")[0] == 204
        server.start()
        assert until(lambda: server.records(marks=True) == {}), live.process.text()
        assert until(lambda: view(live)["unreachable"] is None)
        server.by_hand("example.org.", "add theirs.example.org. 60 A 198.51.100.1")
        port = made(live, "port", network_id=network["id"], dns_name="theirs", fixed_ips=fixed)
        assert until(lambda: [one["name"] for one in view(live)["refused"]] == ["theirs.example.org."])
        assert "external DNS, name theirs.example.org.: others have records under this name" in doctor(live)


def view(live: Live) -> dict[str, Any]:
    status, said = live.call("GET", "/tenet/v1/external-dns")
    assert status == 200
    found: dict[str, Any] = said["external_dns"]
    return found


def test_a_process_that_is_killed_while_it_publishes_goes_on_when_it_is_back(tmp_path: Path) -> None:
    with bind(tmp_path / "bind") as server:
        whole: dict[str, dict[str, tuple[str, ...]]] = {}
        with killed(tmp_path, options(server)) as live:
            network = made(live, "network", dns_domain="example.org.", **{
                "provider:network_type": "flat", "provider:physical_network": "ext"
            })  # fmt: skip
            made(live, "subnet", network_id=network["id"], ip_version=4, cidr="192.0.2.0/24")
            wanted = [
                {"network_id": network["id"], "dns_name": f"vm{number}",
                 "fixed_ips": [{"ip_address": f"192.0.2.{number}"}]}
                for number in range(10, 210)
            ]  # fmt: skip
            status, said = live.call("POST", "/v2.0/ports", {"ports": wanted})
            assert status == 201, said
            for number in range(10, 210):
                name = f"vm{number}.example.org."
                whole[name] = {"A": (f"192.0.2.{number}",)}
                whole[f"{number}.2.0.192.in-addr.arpa."] = {"PTR": (name,)}
            assert until(lambda: len(server.records()) > 20)
        with running(tmp_path, options(server)) as live:
            assert until(lambda: server.records() == whole), live.process.text()
            for port in said["ports"]:
                assert live.call("DELETE", f"/v2.0/ports/{port['id']}")[0] == 204
            assert until(lambda: server.records(marks=True) == {}), live.process.text()


@contextmanager
def killed(folder: Path, more: str) -> Iterator[Live]:
    """A running Tenet that is killed in the end."""
    manager = running(folder, more)
    live = manager.__enter__()
    try:
        yield live
    finally:
        live.process.kill()
        live.process.output.unlink()  # where the next one is, is read from its own
