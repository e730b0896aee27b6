"""The soak (tests/soak) as a benchmark that is run alone: its figures are faults."""

from tests.soak.soak import measure

__all__ = ["measure"]
