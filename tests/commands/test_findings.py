"""What `tenet doctor` says of ports that no security group filters."""

from __future__ import annotations

import pytest

from controller.commands.findings import unfiltered


@pytest.mark.parametrize(("count", "said"), [(1, "1 port was made before"), (12, "12 ports were made before")])
def test_ports_of_earlier_versions_are_noted_and_no_fault(count: int, said: str) -> None:
    lines, faults = unfiltered(count)
    assert faults == 0 and len(lines) == 1 and said in lines[0]
    assert unfiltered(0).lines == []
