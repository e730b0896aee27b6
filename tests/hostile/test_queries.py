"""Every call that reads, of the OpenAPI description, with the longest queries: linear in the number of parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from .cost import Call, assert_linear
from .site import Site, running

FEW = 49  # parameters; four times as many are nearly the most that are read
STREAMS = ("/tenet/v1/events",)  # without an end; what one costs is the events'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site"), 100, 5) as found:
        yield found


def queries(document: Any) -> Iterator[tuple[str, str]]:
    """(path, name of a parameter of its query) of all that can be read."""
    for path, calls in document["paths"].items():
        every = [*calls.get("parameters", ()), *calls.get("get", {}).get("parameters", ())]
        named = [each["name"] for each in every if each.get("in") == "query"]
        if "get" in calls and path not in STREAMS:
            yield from ((path, name) for name in named or ["any"])


def test_the_longest_queries_cost_linear_time(site: Site) -> None:
    every = list(queries(site.call("GET", "/openapi.json").json))
    assert len(every) > 50
    for path, name in every:
        real = re.sub(r"\{[^}]*\}", "00000000-0000-4000-8000-000000000000", path)

        def sized(size: int, real: str = real, name: str = name) -> Call:
            query = "&".join(f"{name}=ip_address_substr%3D{number:04}{'x' * 30}" for number in range(size))

            def call() -> None:
                assert site.call("GET", f"{real}?{query}").status < 500, (real, name)

            return call

        assert_linear(sized, FEW, 2)
