"""Compiler from the model to flows: pure, in units, only what changed."""
