"""Quantum's API v1: interface, network, port, attachment.  JSON and XML; the tenant is in the path."""
