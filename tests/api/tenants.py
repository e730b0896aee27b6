"""The application with real tokens and real rules of policy, called as several people."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.publish.feed import Position
from controller.store.replica import Replica
from controller.store.store import Store
from northbound import event_ids
from northbound.context import Context
from northbound.enforce import Rules
from northbound.identity import tokens

from .conftest import Api, Reply, plain_context


class Person(Api):
    """Calls with a token of its own."""

    def __init__(self, context: Context, token: str, operator: bool = False) -> None:
        super().__init__(context)
        self.token = token
        self.operator = operator

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        return super().call(method, path, body, **{"X-Auth-Token": self.token, **headers})

    def after(self, revision: int) -> str:
        """The id of an event at this revision, as it is told to this person."""
        if self.operator:
            return str(revision)
        key = event_ids.shared_key(self.context.store, self.context.replica)
        return event_ids.sealed(key, Position(revision), "")


class Cloud:
    def __init__(self, directory: Path, store: Store, replica: Replica, limits: Mapping[str, int] | None = None,
                 policy: str = "") -> None:  # fmt: skip
        self.now = 1e9
        config = directory / "tenet.conf"
        if policy:
            (directory / "policy.yaml").write_text(policy)
        config.write_text(f"[oslo_policy]\npolicy_file = {directory}/policy.yaml\n")
        self.rules = Rules([str(config)])
        self.file = directory / "tokens"
        self.file.touch(mode=0o600)
        self.identity = tokens.Tokens(self.file, self.rules.is_operator, clock=self._clock)
        self.context = plain_context(
            store, replica, policy=self.rules, identity=self.identity, limits=limits or {}
        )  # fmt: skip

    def _clock(self) -> float:
        """Every look is a second later, so that the file is read again."""
        self.now += 2
        return self.now

    def person(self, project: str, *roles: str, expires: int = 0) -> Person:
        token, entry = tokens.new(project, f"{'-'.join(roles)}@{project}", roles, expires)
        tokens.save(self.file, [*tokens.load(self.file), entry])
        return Person(self.context, token, "admin" in roles)


def work(person: Person, method: str, path: str, body: object) -> list[str]:
    """Every call of a function of ours while the application answers: as much is done for what is not there.

    Where a file is read again meanwhile, it is more.  How often a random number is drawn again is chance.
    """
    return min((_work(person, method, path, body) for _ in range(3)), key=len)


def _work(person: Person, method: str, path: str, body: object) -> list[str]:
    called: list[str] = []

    def note(frame: Any, event: str, argument: Any) -> None:
        file = frame.f_code.co_filename
        ours = ("/northbound/" in file or "/controller/" in file) and not file.endswith("/runtime/randomness.py")
        if event == "call" and ours:
            called.append(f"{file.rpartition('/')[2]}:{frame.f_code.co_qualname}")

    person.call(method, path, body)  # what is made once is made
    sys.setprofile(note)
    try:
        person.call(method, path, body)
    finally:
        sys.setprofile(None)
    assert len(called) > 10
    return called
