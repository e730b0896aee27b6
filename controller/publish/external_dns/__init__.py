"""External DNS: names of ports and floating IPs on the operator's server (docs/decisions/0167-external-dns.md)."""
