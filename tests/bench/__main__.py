"""Run benchmarks, each in a process of its own, one after the other; print the table, write results.jsonl.

The table shows beside each figure what the last commit has for it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

import msgspec

from tests.bench.figure import Figure, earlier, table
from tests.bench.results import RESULTS, stored, write_down

NAMES = (
    "compile",
    "install",
    "resync",
    "port_create",
    "port_latency",
    "bulk",
    "bulk_gap",
    "api",
    "memory",
    "discovery",
    "paths_fat_tree",
    "wired",
    "writes_etcd",
    "takeover",
    "takeover_1000",
    "rolling_restart",
    "connections_restart",
    "scale_out",
    "scale_100k",
    "wide_network",
    "security_groups",
    "routed",
    "routed_flows",
    "gateways",
    "dhcp",
    "dhcp_boot",
    "dhcp_rate",
    "dhcp_storm",
    "dns",
    "metadata",
    "idle",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all when none is given")
    names = [name.replace("-", "_") for name in parser.parse_args().names] or list(NAMES)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    before = earlier(_committed())
    figures: list[Figure] = []
    failed: list[str] = []
    for name in names:
        found = _run(name)
        if not found:
            failed.append(name)
        for figure in found:
            figure.details["cores"] = os.cpu_count()
        figures += found
        write_down(found)
    print(table(figures, before))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str) -> list[Figure]:
    """The figures of one benchmark; none when it failed (it has said why)."""
    load = os.getloadavg()[0]
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "tests.bench.alone", name], stdout=subprocess.PIPE)
    print(f"{name}: {time.monotonic() - began:.0f} s, load before {load:.1f}", file=sys.stderr)
    figures = [msgspec.json.decode(line, type=Figure) for line in done.stdout.splitlines() if line.startswith(b"{")]
    for figure in figures:
        figure.details["load_before"] = load
    return [] if done.returncode else figures


def _committed() -> list[bytes]:
    """The lines of the last commit, whatever has been measured since; without a repository, those of the file."""
    path = f"HEAD:./{RESULTS.name}"
    done = subprocess.run(["git", "show", path], cwd=RESULTS.parent, capture_output=True)
    return done.stdout.splitlines() if done.returncode == 0 else stored()


if __name__ == "__main__":
    sys.exit(main())
