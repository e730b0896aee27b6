"""Places for what waits: the shares of a port and of a project, and that they come back."""

from __future__ import annotations

from msgspec.structs import replace

from controller.services.places import Places
from tests.apps.clouds import port


def test_shares_of_a_port_of_a_project_and_of_all() -> None:
    places = Places(5, 3, 2)
    p, q, r = (port(name, "red", number) for number, name in enumerate("pqr", 1))
    other, another = (replace(port(name, "red", 4), project_id="other") for name in "st")
    assert [places.take(p) for _ in range(3)] == [True, True, False], "a port's own share"
    assert [places.take(q), places.take(q), places.take(r)] == [True, False, False], "its project's share"
    assert [places.take(other), places.take(other), places.take(another)] == [True, True, False], "all"
    for each in (p, p, q, other, other):
        places.give_back(each)
    assert places.taken == 0 and not places._taken
    assert places.take(r)
