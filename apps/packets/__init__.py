"""Packets as bytes: read with every length checked, and built with right checksums.  Pure functions."""
