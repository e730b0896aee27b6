"""One line an event, whatever is in it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator

import pytest

from controller.runtime import logs

log = logging.getLogger("tenet.test")


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("_srcfile", "logThreads", "logProcesses", "logMultiprocessing"):
        monkeypatch.setattr(logging, name, getattr(logging, name))
    root, ours = logging.getLogger(), logging.getLogger("tenet")
    handlers, level, our_level = list(root.handlers), root.level, ours.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    ours.setLevel(our_level)


def fail() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        log.exception("it failed")


def test_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(as_json=False, debug=False)
    log.info("switch %s: connected", "h1")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO tenet\.test: switch h1: connected\n", capsys.readouterr().err
    )


@pytest.mark.parametrize("end", ["\n", "\r", "\x85", "\u2028", "\x0b", "\x1b[2J", "\x00"])
@pytest.mark.parametrize("as_json", [True, False])
def test_what_a_stranger_says_cannot_begin_a_line(capsys: pytest.CaptureFixture[str], end: str, as_json: bool) -> None:
    logs.configure(as_json=as_json, debug=False)
    log.info("interface %s", f"tap{end}2026-01-01T00:00:00.000Z INFO tenet.api: all is well")
    text = capsys.readouterr().err
    assert len(text.splitlines()) == 1 and end not in text.removesuffix("\n")


def test_a_traceback_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(as_json=False, debug=False)
    fail()
    text = capsys.readouterr().err
    assert len(text.splitlines()) == 1 and "ValueError: first" in text


def test_lines_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(as_json=True, debug=False)
    log.warning("switch %s", "h1")
    fail()
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["level"], first["area"], first["message"]) == ("WARNING", "tenet.test", "switch h1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
    assert "traceback" not in first and second["traceback"].endswith("ValueError: first\nsecond")


def test_levels(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(as_json=False, debug=False)
    log.debug("quiet")
    logging.getLogger("library").info("quiet")
    logging.getLogger("library").warning("loud")
    logs.configure(as_json=False, debug=True)
    log.debug("seen")
    assert [line.rpartition(": ")[2] for line in capsys.readouterr().err.splitlines()] == ["loud", "seen"]
