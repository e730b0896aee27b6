"""Everybody who means harm at once, against a cluster over TLS with traffic: `python -m tests.soak attack`."""
