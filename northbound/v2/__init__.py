"""OpenStack's Networking API v2.0: the resources as they are declared, and the engine that serves any of them."""
