"""Services of networks: what their ports are told by the network itself (docs/decisions/0151-services-by-packet-in.md).

DHCP, router advertisements, DNS and metadata.  A flow of the network says which service a frame is for; what it is
answered, `controller/services/` says.
"""
