"""A run of Tempest is judged right: a test that is neither passed nor listed is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from .account import Account, Outcome, account, listed, reasons

LIST = Path(__file__).with_name("not_run.txt").read_text()
TESTS = ["m.A.one", "m.A.two", "m.B.one", "m.C.one"]
NOT_RUN = {"m.C.one": "It makes routers."}
RAN = [Outcome("m.A.one[id-1,smoke]", "success"), Outcome("m.A.two[id-2]", "success"), Outcome("m.B.one", "success")]


def test_all_that_is_not_listed_passed() -> None:
    found = account(TESTS, NOT_RUN, RAN)
    assert found == Account(["m.A.one", "m.A.two", "m.B.one"], {}, {}, [], [])
    assert found.well


@pytest.mark.parametrize(
    ("ran", "wrong"),
    [
        (RAN[:2], {"lost": ["m.B.one"]}),
        ([*RAN[:2], Outcome("m.B.one", "skip", "no routers")], {"skipped": {"m.B.one": "no routers"}}),
        ([*RAN[:2], Outcome("m.B.one", "fail", "409")], {"failed": {"m.B.one": "409"}}),
        ([*RAN[:2], Outcome("m.B.one", "inprogress")], {"failed": {"m.B.one": ""}}),
        ([RAN[2], Outcome("setUpClass (m.A)", "skip", "why")], {"skipped": {"m.A.one": "why", "m.A.two": "why"}}),
        ([*RAN, Outcome("tearDownClass (m.A)", "fail", "why")], {"failed": {"tearDownClass (m.A)": "why"}}),
    ],
)
def test_what_went_wrong_is_told(ran: list[Outcome], wrong: dict[str, object]) -> None:
    found = account(TESTS, NOT_RUN, ran)
    assert not found.well
    assert {name: value for name, value in found._asdict().items() if name != "passed" and value} == wrong


def test_a_listed_test_that_is_no_more_is_told() -> None:
    found = account(TESTS, NOT_RUN | {"m.D.one": "It makes routers."}, RAN)
    assert (found.well, found.stale) == (False, ["m.D.one"])


def test_a_list_is_read() -> None:
    text = "# remark\n\n## It makes routers.\nm.C.one\nm.D.one\n## It asks for QoS.\nm.E.one\n"
    found = listed(text)
    assert found == {"m.C.one": "It makes routers.", "m.D.one": "It makes routers.", "m.E.one": "It asks for QoS."}
    assert reasons(found) == [(2, "It makes routers."), (1, "It asks for QoS.")]
    for wrong in ("m.C.one", "## a\nm.C.one\n## b\nm.C.one"):
        with pytest.raises(ValueError, match=r"m\.C\.one is listed twice, or for no reason"):
            listed(wrong)


def test_our_list_is_in_order() -> None:
    found = listed(LIST)
    assert found
    assert all(test.startswith(("tempest.api.network.", "neutron_tempest_plugin.api.")) for test in found)
    for _, why in reasons(found):
        assert [test for test in found if found[test] == why] == sorted(test for test in found if found[test] == why)
