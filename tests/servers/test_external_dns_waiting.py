"""Names that BIND refuses wait; those that another member sends are forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.publish.external_dns.publisher import ExternalDns
from controller.publish.external_dns.wanted import WantedNames

from .bind import bind
from .test_external_dns import Deployment, network, port, subnets


@pytest.fixture
def refused(tmp_path: Path) -> Iterator[Deployment]:
    """A name that waits, for somebody else has it on the server."""
    with bind(tmp_path / "bind") as server:
        made = Deployment(tmp_path, server)
        made.put(network(), *subnets())
        server.by_hand("example.org.", "add vm.example.org. 60 A 198.51.100.1")
        made.put(port("a", 10, "vm"))
        made.dns.turn()
        yield made
        made.replica.stop()
        made.store.close()


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that are queued because their time has come."""
    found: list[str] = []
    real = WantedNames.again

    def again(self: WantedNames, name: str) -> None:
        found.append(name)
        real(self, name)

    monkeypatch.setattr(WantedNames, "again", again)
    return found


def tried(dns: ExternalDns) -> float:
    """Updates that the server has refused."""
    updates, _ = dns.metrics()
    return sum(sample.value for sample in updates.samples if sample.labels["outcome"] == "refused")


def test_a_name_that_another_member_has_published_is_queued_once_more(refused: Deployment, queued: list[str]) -> None:
    refused.server.by_hand("example.org.", "delete vm.example.org.")
    refused.member().turn()
    assert "vm.example.org." in refused.rows()
    for _ in range(5):
        refused.rest()
    assert queued == ["vm.example.org."] and tried(refused.dns) == 1


def test_who_publishes_no_longer_forgets_what_waits(refused: Deployment, queued: list[str]) -> None:
    mine = [True]
    member = refused.member()
    member._mine = lambda _: mine[0]
    member.turn()
    assert tried(member) == 1
    mine[0] = False
    for _ in range(5):
        member.turn()
    assert queued == ["vm.example.org."]
    mine[0] = True
    member.turn()  # at once, without the delay of before
    assert tried(member) == 2
