"""Asking the gate several questions at once, so that they share the ledger's commits.

Every decision is written down before anything is told, and the disk is what takes the time. The ledger lets whoever
waits at the same moment share one commit; the questions of one page, which do not depend on each other, wait together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 6
"""So many questions wait at the same time."""


def together(questions: Sequence[Callable[[], T]]) -> list[T]:
    """Ask questions that do not depend on each other; the answers in their order.

    Raises what the first of them that failed raised, after all have ended.
    """
    if len(questions) < 2:
        return [question() for question in questions]
    with ThreadPoolExecutor(min(AT_ONCE, len(questions))) as pool:
        asked = [pool.submit(question) for question in questions]
    return [each.result() for each in asked]
