"""The smallest situation on which two answers differ: what a person can read when a comparison fails."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from spec.policy.situations import PLAIN, Situation, told

Answer = Callable[[Situation], bool]


def smallest(situation: Situation, left: Answer, right: Answer) -> Situation:
    """Put back every part of a situation that the difference between two answers does not need."""
    while True:
        before = situation
        for part in told(situation):
            plainer = msgspec.structs.replace(situation, **{part: getattr(PLAIN, part)})
            if left(plainer) != right(plainer):
                situation = plainer
        if situation == before:
            return situation


def in_words(situation: Situation) -> str:
    """A situation as a person reads it: what is particular about it."""
    particular = ", ".join(f"{part}={value!r}" for part, value in told(situation).items())
    return f"Situation({particular})"
