"""Finding out who asks: a file of tokens, or OpenStack's Keystone."""
