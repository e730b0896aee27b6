"""Gateways of routers: which switches may be one, and in which order."""
