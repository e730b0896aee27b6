"""Hosts and origins: whom a browser may be asking for, where nobody shows a token."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.store.replica import Replica
from controller.store.store import Store
from northbound.context import Context
from northbound.hosts import Hosts

from .conftest import Api, plain_context

NONE = Hosts(("tenet.example",))
TOKENS = Hosts(("tenet.example",), tokens=True)


def status(hosts: Hosts, host: str, **fields: str) -> int:
    environ: dict[str, Any] = {"wsgi.url_scheme": "http"} | ({"HTTP_HOST": host} if host else {})
    refusal = hosts.refusal(environ | {f"HTTP_{name.upper()}": value for name, value in fields.items()})
    return refusal.status if refusal else 200


@pytest.mark.parametrize("hosts", [NONE, TOKENS])
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", 200), ("127.0.0.1:9696", 200), ("[::1]:9696", 200), ("[::1]", 200), ("192.0.2.1", 200),
        ("localhost", 200), ("LocalHost:9696", 200), ("localhost.", 200), ("", 200),
        ("tenet.example", 200), ("TENET.example.:80", 200),
        ("evil.example", 421), ("evil.example:9696", 421), ("localhost.evil.example", 421), ("xtenet.example", 421),
        ("127.0.0.1.evil.example", 421), ("2130706433", 421), ("0x7f.1", 421), ("[evil]", 421), (":9696", 421),
    ],
)  # fmt: skip
def test_hosts(hosts: Hosts, host: str, expected: int) -> None:
    assert status(hosts, host) == expected


@pytest.mark.parametrize(
    ("host", "origin", "expected"),
    [
        ("127.0.0.1:9696", "http://127.0.0.1:9696", 200),
        ("[::1]:9696", "http://[::1]:9696", 200),
        ("localhost", "http://localhost:80", 200),
        ("LOCALHOST:9696", "http://localhost:9696", 200),
        ("127.0.0.1:9696", "https://tenet.example", 200),  # a proxy may ask under an address
        ("127.0.0.1:9696", "http://127.0.0.1:3000", 403),  # a page of another server here
        ("127.0.0.1:9696", "http://localhost:9696", 403),
        ("127.0.0.1:9696", "http://evil.example", 403),
        ("127.0.0.1:9696", "null", 403),
        ("127.0.0.1:9696", "", 403),
        ("127.0.0.1:9696", "http://[", 403),
        ("127.0.0.1:9696", "http://127.0.0.1:99999", 403),
    ],
)
def test_origins(host: str, origin: str, expected: int) -> None:
    assert status(NONE, host, origin=origin) == expected
    assert status(TOKENS, host, origin=origin) == 200


@pytest.mark.parametrize(("site", "expected"), [("same-origin", 200), ("none", 200), ("Cross-Site", 403)])
def test_fetches(site: str, expected: int) -> None:
    assert status(NONE, "127.0.0.1", sec_fetch_site=site) == expected
    assert status(TOKENS, "127.0.0.1", sec_fetch_site=site) == 200


def test_where_nothing_is_configured() -> None:
    """Tokens suffice; without them only addresses and localhost are taken."""
    assert status(Hosts((), tokens=True), "evil.example") == 200
    assert status(Hosts(()), "evil.example") == 421
    assert status(Hosts(("*",)), "evil.example", origin="http://other.example") == 200


def test_what_is_refused_changes_nothing_and_says_why(store: Store, replica: Replica) -> None:
    context = plain_context(store, replica)
    api = Api(replace_hosts(context, Hosts(())))
    before = api.everything()
    body = {"network": {"shared": True}}
    reply = api.call("POST", "/v2.0/networks", body, Host="evil.example:9696")
    assert reply.error == (421, "MisdirectedRequest")
    assert "[northbound] hosts" in reply.json["NeutronError"]["message"]
    reply = api.call("POST", "/v1.1/tenants/red/networks/n/ports", Host="127.0.0.1", Origin="http://evil.example")
    assert reply.error == (403, "CrossSiteRequest")
    assert api.call("GET", "/", Host="evil.example").status == 421
    assert api.everything() == before
    assert api.call("POST", "/v2.0/networks", body, Host="127.0.0.1").status == 201


def replace_hosts(context: Context, hosts: Hosts) -> Context:
    return replace(context, hosts=hosts)
