"""Answers that are kept: as if they were made anew after any change, and no more than so many."""

from __future__ import annotations

import dns.edns
import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.names import Naming
from controller.services import kept_answers
from controller.services.dns import Forward, Resolver, Unanswerable, resolve
from controller.services.kept_answers import KeptAnswers

from .dns_site import ALONE, RECURSIVE, Site, mangled, question

NAMES = ["web", "www", ""]
ASKED = [
    question(name, kind)
    for name, kind in (
        ("web.here.test.", "A"), ("www.here.test.", "A"), ("web.", "AAAA"), ("5.0.0.10.in-addr.arpa.", "PTR"),
        ("host-10-0-0-5.here.test.", "A"), ("web.cloud.test.", "A"), ("www.own.test.", "A"),
    )
]  # fmt: skip
CHANGES = st.one_of(
    st.tuples(
        st.sampled_from(["p", "q"]), st.sampled_from(["n1", "n2"]), st.sampled_from(["10.0.0.5", "10.0.0.6"]),
        st.sampled_from(NAMES), st.sampled_from(["", "own.test."]), st.sampled_from(["red", "blue"]),
    ),
    st.sampled_from(["", "cloud.test.", "<project_id>.test."]),
    st.sampled_from(["p", "q"]).map(lambda row_id: (row_id,)),
)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(CHANGES, max_size=6), st.booleans())
def test_what_is_kept_is_what_would_be_made(changes: list[tuple[str, ...] | str], recursive: bool) -> None:
    site = Site()
    resolver = RECURSIVE if recursive else ALONE
    kept = KeptAnswers(site.model, resolver)
    askers = [site.asker, site.port("other", "n2", "10.0.0.2"), site.port("third", "n3", "10.0.0.2")]
    for change in changes:
        if isinstance(change, str):
            site.domain("n1", change)
        elif len(change) == 1:
            row = site.model.get(type(site.asker), change[0])
            if row is not None:
                site.delete(row)
        else:
            port_id, network_id, address, name, domain, project = change
            site.port(port_id, network_id, address, name=name, domain=domain, project=project)
        for asker in askers:
            for wire in ASKED:
                assert kept.resolve(wire, asker) == resolve(wire, asker, site.model, resolver)


def test_it_is_made_once_while_nothing_changes_that_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    site, made = Site(), []

    def counted(*arguments: object) -> bytes | Forward:
        made.append(arguments)
        return resolve(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(kept_answers, "resolve", counted)
    kept = KeptAnswers(site.model, ALONE)
    site.port("web", "n1", "10.0.0.5", name="web")
    for identity in range(3):
        wire = identity.to_bytes(2, "big") + question("web.here.test.")[2:]
        found = kept.resolve(wire, site.asker)
        assert isinstance(found, bytes) and dns.message.from_wire(found).id == identity
        site.port("elsewhere", "n2", f"10.0.0.{50 + identity}", name=f"n{identity}")
    assert len(made) == 1
    site.port("web2", "n2", "10.0.0.5", name="web")
    kept.resolve(question("web.here.test."), site.asker)
    assert len(made) == 2


@given(st.booleans(), st.sampled_from([b"", b"12345678", b"87654321"]), st.integers(0, 2**16 - 1), st.booleans())
def test_what_a_client_draws_makes_no_other_question(upper: bool, cookie: bytes, identity: int, own: bool) -> None:
    site = Site()
    site.port("web", "n1", "10.0.0.5", name="web")
    kept = KeptAnswers(site.model, RECURSIVE)
    name = "web.here.test." if own else "www.example.test."
    kept.resolve(question(name, payload=1232), site.asker)
    options = [dns.edns.CookieOption(cookie, b"")] if cookie else []
    wire = question(name.upper() if upper else name, payload=1232, options=options)
    wire = identity.to_bytes(2, "big") + wire[2:]
    assert kept.resolve(wire, site.asker) == resolve(wire, site.asker, site.model, RECURSIVE)
    assert len(kept) == 1


@given(st.one_of(st.binary(max_size=60), st.tuples(
    st.sampled_from([question("web.here.test."), question("a.b.", payload=1232), question("web.", "PTR", 600)]),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=3), st.integers(0, 60),
).map(lambda drawn: mangled(*drawn))))  # fmt: skip
def test_no_message_is_answered_otherwise_for_being_kept(wire: bytes) -> None:
    """But for malformed options of EDNS, which are none of our business."""
    site = Site()
    kept = KeptAnswers(site.model, ALONE)
    for _ in range(2):
        try:
            found: object = kept.resolve(wire, site.asker)
        except Unanswerable:
            found = None
        try:
            made: object = resolve(wire, site.asker, site.model, ALONE)
        except Unanswerable:
            made = None
        assert found == made


def test_no_more_is_kept_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """One project that asks for everything keeps its own share, and in all there is a bound."""
    monkeypatch.setattr(kept_answers, "MOST", 64)
    monkeypatch.setattr(kept_answers, "OF_PROJECT", 8)
    site = Site()
    kept = KeptAnswers(site.model, Resolver(Naming("here.test.")))
    quiet = site.port("quiet", "n3", "10.0.0.3", name="quiet")
    kept.resolve(question("quiet.here.test."), quiet)
    for number in range(kept_answers.OF_PROJECT + 5):
        kept.resolve(question(f"n{number}.here.test."), site.asker)
    assert len(kept) == kept_answers.OF_PROJECT + 1
    for project in range(12):
        asker = site.port(f"of{project}", "n2", "10.0.0.4", project=f"many{project}")
        for number in range(kept_answers.OF_PROJECT):
            kept.resolve(question(f"n{number}.here.test."), asker)
    assert kept_answers.MOST - kept_answers.OF_PROJECT <= len(kept) <= kept_answers.MOST


def test_a_long_question_is_answered_and_not_kept() -> None:
    site = Site()
    kept = KeptAnswers(site.model, ALONE)
    option = dns.edns.GenericOption(65001, b"x" * 600)
    wire = question("web.here.test.", payload=1232, options=[option])
    assert kept.resolve(wire, site.asker) == resolve(wire, site.asker, site.model, ALONE)
    assert len(kept) == 0
