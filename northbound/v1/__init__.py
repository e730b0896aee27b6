"""Quantum API v1.0 and v1.1: networks, ports, attachments.  JSON and XML; the tenant is in the path."""
