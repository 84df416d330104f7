"""Shares with honest bounds: a count out of a count, and how far the truth may lie from it.

The interval is the exact one of Clopper and Pearson (Biometrika 26, 1934): it never claims more than 95% when it says
95%, also when nothing was found at all.
"""

from __future__ import annotations

import msgspec
from scipy.special import betaincinv

CONFIDENCE = 0.95


class Share(msgspec.Struct, frozen=True):
    """``found`` out of ``of``, as a share, with its exact 95% interval; the share is None when there was nothing."""

    found: int
    of: int
    share: float | None
    low: float | None
    high: float | None


def share(found: int, of: int) -> Share:
    """Say what share of a number was found, with the exact two-sided 95% interval (Clopper and Pearson 1934)."""
    if of == 0:
        return Share(0, 0, None, None, None)
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if found == 0 else float(betaincinv(found, of - found + 1, tail))
    high = 1.0 if found == of else float(betaincinv(found + 1, of - found, 1 - tail))
    return Share(int(found), int(of), found / of, low, high)
