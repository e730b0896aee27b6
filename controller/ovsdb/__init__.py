"""OVSDB side (RFC 7047): hypervisors that connect by themselves are observed, and their br-int is kept right."""

from controller.runtime import hub as hub  # before anything of `ovs`, which imports eventlet by itself
