"""`tenet doctor` where tokens are asked for, against a running controller."""

from __future__ import annotations

from pathlib import Path

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
