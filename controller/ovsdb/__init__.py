"""Hypervisors that come by themselves over OVSDB (RFC 7047): seen as they are, and their br-int kept right."""

from controller.runtime import hub as hub  # before anything of `ovs`, which imports eventlet by itself
