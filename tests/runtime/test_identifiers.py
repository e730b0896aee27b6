"""Random UUIDs."""

from __future__ import annotations

import uuid

from controller.runtime.identifiers import new_uuid


def test_it_is_a_uuid_of_version_4_all_of_whose_other_bits_are_random() -> None:
    made = [new_uuid() for _ in range(200)]
    ones, zeros = 0, 0
    for text in made:
        found = uuid.UUID(text)
        assert str(found) == text and found.version == 4 and found.variant == uuid.RFC_4122
        ones, zeros = ones | found.int, zeros | ~found.int
    assert len(set(made)) == 200
    fixed = 0xF << 76 | 0x3 << 62
    assert ones & zeros & ~fixed & (1 << 128) - 1 == (1 << 128) - 1 ^ fixed  # each has been 1, and 0
