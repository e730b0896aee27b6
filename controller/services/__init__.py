"""Services that the ports of networks ask: answers to frames that `apps/services/` hands over."""
