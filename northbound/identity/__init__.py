"""Identities of callers: a file of tokens, or OpenStack's Keystone."""
