"""Event streams of several projects: how many each gets, and for how long a token counts."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from webob import Request

from controller.runtime import hub
from controller.store.replica import Replica
from controller.store.store import Store
from northbound import events, streams
from northbound.auth import Anybody, Caller
from northbound.errors import HttpError
from northbound.identity import tokens
from northbound.stream_reader import StreamReader

from .tenants import Cloud, Person


@pytest.fixture
def cloud(tmp_path: Path, store: Store, replica: Replica) -> Cloud:
    return Cloud(tmp_path, store, replica)


def begun(person: Person) -> Any:
    """A stream of which the first line was read."""
    request = Request.blank("/tenet/v1/events", headers={"X-Auth-Token": person.token})
    response = request.get_response(person.app)
    assert response.status_int == 200, response.body
    lines: Iterator[bytes] = iter(response.app_iter)
    assert next(lines).startswith(b": ")
    return lines


def test_each_project_has_its_share_and_operators_theirs(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST", 10)
    monkeypatch.setattr(streams, "OF_PROJECT", 3)
    monkeypatch.setattr(streams, "FOR_OPERATORS", 2)
    red, rose, blue, green = (cloud.person(name, "reader") for name in ("red", "red", "blue", "green"))
    operator = cloud.person("ops", "admin")
    people = [red, rose, red, blue, blue, blue, green, green]
    contexts = {id(each.context) for each in people}
    assert len(contexts) == 1
    held = [begun(each) for each in people]
    for nobody in (red, rose, blue, green):  # red and blue have three each; eight in all are open
        reply = nobody.call("GET", "/tenet/v1/events")
        assert reply.error == (503, "ServiceUnavailable") and reply.headers["Retry-After"] == "10"
    held += [begun(operator) for _ in range(2)]
    assert operator.call("GET", "/tenet/v1/events").status == 503
    held[0].close()
    held[-1].close()
    assert red.call("GET", "/tenet/v1/events").status == 503  # what was let go is operators'
    held[1].close()
    held.append(begun(rose))
    for each in held:
        each.close()
    assert len(cloud.context.streams) == 0
    held = [begun(red) for _ in range(3)]
    assert red.call("GET", "/tenet/v1/events").status == 503
    for each in held:
        each.close()


@pytest.mark.parametrize("change", ["revoked", "expired", "other roles"])
def test_a_stream_ends_with_its_token(cloud: Cloud, change: str) -> None:
    red, blue = cloud.person("red", "member", expires=int(cloud.now) + 1000), cloud.person("blue", "member")
    mine, others = begun(red), begun(blue)
    red.made("network", name="before")
    assert b'"before"' in next(mine)
    blue.made("network")
    assert b"network" in next(others)
    entries = tokens.load(cloud.file)
    if change == "expired":
        cloud.now += 2000
    else:
        own = next(each for each in entries if each.project == "red")
        kept = [] if change == "revoked" else [tokens.msgspec.structs.replace(own, roles=("reader",))]
        tokens.save(cloud.file, [*kept, *(each for each in entries if each.project != "red")])
    operator = cloud.person("ops", "admin")
    hub.sleep(tokens.Tokens.again)
    operator.made("network", name="after", project_id="red")
    operator.made("network", name="after", project_id="blue")
    with hub.Timeout(30):
        assert list(mine) == []
    assert b'"after"' in next(others)
    others.close()
    assert len(cloud.context.streams) == 0


def test_a_stream_on_which_nothing_happens_ends_too(cloud: Cloud) -> None:
    red = cloud.person("red", "member")
    mine = begun(red)
    reading = hub.spawn(list, mine)
    hub.sleep(0)
    tokens.save(cloud.file, [])
    with hub.Timeout(30):
        assert reading.wait() == []


class Asked:
    """An identity that counts how often it is asked."""

    again = 5.0

    def __init__(self) -> None:
        self.times = 0
        self.answer: Caller | HttpError = Caller("red", False)

    def who(self, request: Request) -> Caller:
        self.times += 1
        if isinstance(self.answer, HttpError):
            raise self.answer
        return self.answer


def test_an_identity_is_asked_so_often_whatever_happens() -> None:
    identity, now = Asked(), [0.0]
    reader = StreamReader(identity, Request.blank("/"), Caller("red", False), lambda: now[0])
    for step in range(1000):
        now[0] = step / 10
        assert reader.is_known()
    assert identity.times == 19
    for answer in (Caller("red", True), HttpError(503, "ServiceUnavailable", "Away.")):
        identity.answer = answer
        now[0] += 5
        assert not reader.is_known()
    assert math.isinf(Anybody.again)


def test_a_comment_shows_that_a_stream_lives(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where much happens that the reader is not told of."""
    monkeypatch.setattr(events, "PATIENCE", 0.05)
    red, blue = cloud.person("red", "member"), cloud.person("blue", "member")
    mine = begun(red)
    with contextlib.closing(mine), hub.Timeout(30):
        assert next(mine) == b":\n\n"
        hub.sleep(0.1)
        blue.made("network")
        assert next(mine) == b":\n\n"
