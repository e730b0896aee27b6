"""Tenet beside OVN: both on hypervisors of their own, measured in turns in one run.  `python -m tests.bench.peers`."""
