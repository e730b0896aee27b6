"""What the documentation says of the code is so: tables, options, metrics, fields."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from apps.pipeline import TABLES
from controller.config import settings
from controller.diagnose import switches
from controller.flow import Table
from northbound.v2.extensions import extensions

ROOT = Path(__file__).parents[1]
PIPELINE = (ROOT / "docs" / "pipeline.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
PAGES = sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
HEADING = re.compile(r"^## (\d+) (\w+)(?: \((everywhere|of [a-z ]+)\))?$", re.MULTILINE)
SETS = {  # what a heading says -> the kind of flow set
    "": "switch", "everywhere": "network", "of security groups": "security_group", "of address sets": "address_set",
    "of plain address sets": "plain_address_set", "of routers": "router",
}  # fmt: skip


def section(table: Table) -> str:
    _, _, rest = PIPELINE.partition(f"\n## {table.number} {table.name}")
    return rest.partition("\n## ")[0]


def line(table: Table, start: str) -> str:
    found = re.findall(rf"^- {start}: (.*)$", section(table), re.MULTILINE)
    assert len(found) == 1, f"table {table.name}: not one line '- {start}: '"
    return str(found[0])


def test_every_table_has_its_section_in_packet_order() -> None:
    described = [(int(number), name, SETS[said]) for number, name, said in HEADING.findall(PIPELINE)]
    assert described == [(table.number, table.name, table.flow_set) for table in TABLES]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_a_table_matches_and_where_it_leads(table: Table) -> None:
    assert set(re.findall(r"`(\w+)`", line(table, "Matches"))) == table.matches
    assert set(re.findall(r"`(\w+)`", line(table, "Leads to"))) == set(table.goto)
    miss = line(table, "A miss")
    assert miss == (f"`{table.miss}`" if table.miss else "delivered" if table.name == "deliver" else "dropped")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_flows_shown_are_of_the_table_and_lead_where_it_may(table: Table) -> None:
    flows = re.findall(r"^table=(\d+),(.*)$", section(table), re.MULTILINE)
    assert flows
    numbers = {each.name: each.number for each in TABLES}
    allowed = {numbers[name] for name in table.goto}
    for number, rest in flows:
        assert int(number) == table.number
        for target in re.findall(r"goto_table:(\d+)|resubmit\(,(\d+)\)", rest):
            assert int(target[0] or target[1]) in allowed, rest


def test_every_option_is_described_with_its_default() -> None:
    rows = re.findall(r"^\| `\[(\w+)\] (\w+)` \| (?:`([^`]*)`|none) \| (.*?) \|$", OPERATIONS, re.MULTILINE)
    described = {(section, name): (default, text) for section, name, default, text in rows}
    options = {(section, option.dest): option for section, each in settings.OPTIONS.items() for option in each}
    assert described.keys() == options.keys()
    for key, option in options.items():
        default, text = described[key]
        assert default == ("" if option.default is None else str(option.default).lower()), key
        assert text.startswith(option.help), key


def test_every_metric_is_described() -> None:
    source = "".join(path.read_text() for path in (ROOT / "controller").rglob("*.py"))
    source = source.replace("CounterMetricFamily(", "counter(").replace("HistogramMetricFamily(", "histogram(")
    source = source.replace("GaugeMetricFamily(", "gauge(")
    made = re.findall(r'(gauge|counter|histogram)\(\s*"(tenet_\w+)"', source)
    names = {f"{name}_total" if kind == "counter" else name for kind, name in made}
    assert len(names) > 10
    assert set(re.findall(r"^\| `(tenet_\w+)", OPERATIONS, re.MULTILINE)) == names


def test_every_field_of_a_switch_is_described() -> None:
    source = Path(switches.__file__).read_text()
    body = source.partition("def _shown(")[2].partition("def connected(")[0]
    fields = set(re.findall(r'^ {12}"(\w+)":', body, re.MULTILINE))
    assert len(fields) > 10
    part = OPERATIONS.partition("## What a switch says")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)`", part, re.MULTILINE)) == fields


def test_every_extension_is_listed() -> None:
    api = (ROOT / "docs" / "api.md").read_text()
    listed = re.findall(r"`([\w-]+)`", api.partition("by upstream's aliases: ")[2].partition("\n\n")[0])
    assert sorted(listed) == sorted(each.alias for each in extensions())


@pytest.mark.parametrize("page", PAGES)
def test_links_within_the_project_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#:\s]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), target


NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
SECURITY = (ROOT / "docs" / "security.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of docs/security.md, without its head."""
    part = SECURITY.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


@pytest.mark.parametrize("page", PAGES)
def test_tests_that_are_named_are_there(page: str) -> None:
    for path, function in NAMED_TEST.findall((ROOT / page).read_text()):
        source = (ROOT / path).read_text()
        assert not function or f"\ndef {function}(" in source, f"{path} has no {function}"


def test_every_boundary_has_its_tests() -> None:
    boundaries = rows("Boundaries, and the tests that hold them")
    assert len(boundaries) > 20
    for who, _, tests in boundaries:
        assert NAMED_TEST.search(tests), who


def test_everybody_who_is_not_trusted_with_everything_has_a_boundary() -> None:
    held = {boundary[0].split()[0].strip(",:") for boundary in rows("Boundaries, and the tests that hold them")}
    for who, _, _, withheld in rows("Who is trusted with what"):
        assert not withheld.strip("| ") or who.split()[0].strip(",:") in held, who
