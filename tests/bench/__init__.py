"""Benchmarks: what Tenet does in how much time, on real Open vSwitch.  `python -m tests.bench [NAME...]`."""
