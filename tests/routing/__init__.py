"""Routed networks: random plans of them, who reaches whom by a reference, and the flows against it."""
