"""A new field is one line of the table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TRIAL = """
import json
import importlib.util, sys
found = importlib.util.spec_from_file_location("controller.flow.spec", "controller/flow/spec.py")
spec = importlib.util.module_from_spec(found)
sys.modules["controller.flow.spec"] = spec
found.loader.exec_module(spec)
new = spec.FieldSpec("nsh_ttl", 8, 0x0001, 77, "decimal", spec.FRAME, "ip", "printed_as", "called")
spec.SPECS = (*spec.SPECS, new)
from controller.flow import Flow, Table, field, masked, move, output, put
from controller.flow.interpret import Pipeline
zero, one = Table(0, "zero", frozenset()), Table(1, "one", frozenset())
flows = [
    Flow(zero, 1, (field("nsh_ttl", 5),), (put("nsh_ttl", 6), move("nsh_ttl[0..3]", "reg0[0..3]")), goto=one),
    Flow(one, 1, (masked("nsh_ttl", 2, 2), field("reg0", 6)), (output(3),)),
]
print(json.dumps([str(flows[0]), field("nsh_ttl", 5).wire.hex(), Pipeline(flows).send({"in_port": 1, "nsh_ttl": 5})]))
"""


def test_a_field_prints_encodes_and_is_interpreted_after_one_line() -> None:
    """In a process of its own, where the table has the line before anybody reads it."""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", TRIAL], cwd=root, capture_output=True, text=True, check=True)
    text, wire, sent = json.loads(done.stdout)
    assert text == (
        "table=0,priority=1,printed_as=5 actions=set_field:6->called,move:NXM_NX_NSH_TTL[0..3]->NXM_NX_REG0[0..3],"
        "goto_table:1"
    )
    assert wire == "00019a0105"
    assert sent == [[3, {"nsh_ttl": 6}]]
