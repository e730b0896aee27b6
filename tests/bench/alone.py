"""Run one benchmark in this process, and write its figures to standard output as they are measured."""

from __future__ import annotations

import importlib
import sys

import msgspec


def main() -> None:
    module = importlib.import_module(f"tests.bench.{sys.argv[1]}")
    for figure in module.measure():
        sys.stdout.buffer.write(msgspec.json.encode(figure) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
