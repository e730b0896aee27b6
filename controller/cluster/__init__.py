"""Clusters of controllers over one store: membership, mastership of switches, and progress of every switch."""
