"""`tenet doctor` and `tenet trace` against a running controller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.__main__ import main

from .live import running


def test_who_has_no_token_is_told_so_and_an_operator_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`/healthz` answers anybody, with less: that must not be read as an operator's answer."""
    file = tmp_path / "tokens"
    tokens = {}
    for role in ("admin", "reader"):
        assert main(["token", "create", "--file", str(file), "--project", "ops", "--role", role]) == 0
        tokens[role] = capsys.readouterr().out.strip()
    with running(tmp_path, f"[auth]\nstrategy = tokens\ntokens = {file}\n") as live:
        monkeypatch.delenv("OS_TOKEN", raising=False)
        assert main(["doctor", "--url", live.url]) == 1
        assert "OS_TOKEN" in capsys.readouterr().err
        monkeypatch.setenv("OS_TOKEN", tokens["reader"])
        assert main(["doctor", "--url", live.url]) == 1
        assert "disallowed by policy" in capsys.readouterr().err
        monkeypatch.setenv("OS_TOKEN", tokens["admin"])
        assert main(["doctor", "--url", live.url]) == 1
        assert capsys.readouterr().out.startswith("controller: ok, 0 of 0 switches connected")


def test_the_port_of_a_floating_ip_is_no_fault_and_has_no_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path) as live:

        def made(plural: str, **asked: object) -> Any:
            status, said = live.call("POST", f"/v2.0/{plural}", {plural[:-1]: asked})
            assert status == 201, said
            return said[plural[:-1]]

        outside = made("networks", **{"router:external": True})["id"]
        made("subnets", network_id=outside, ip_version=4, cidr="203.0.113.0/24")
        address = made("floatingips", floating_network_id=outside)["floating_ip_address"]
        (port,) = live.call("GET", "/tenet/v1/topology")[1]["topology"]["ports"]
        assert main(["doctor", "--url", live.url]) == 1  # there is no switch
        assert (
            f"   ok  port {port['id']} of network {outside} holds the floating IP {address}" in capsys.readouterr().out
        )
        assert main(["trace", port["id"], port["id"], "--url", live.url]) == 1
        assert "plugged in nowhere: it is a router's or a floating IP's" in capsys.readouterr().err
