"""Saying what is going on while a command works: a moving line on a terminal, plain lines everywhere else.

Progress goes to standard error, so that standard output holds the answer and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[str, float], None]
"""What is being done, in words, and the share of the whole that is done (0 to 1)."""


@contextmanager
def progress(quiet: bool = False) -> Iterator[Say]:
    """Give a function to tell progress with; on a terminal it moves a bar, elsewhere it prints each step once."""
    if quiet:
        yield lambda what, share: None
    elif sys.stderr.isatty():
        with _bar() as say:
            yield say
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Say]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("Starting", total=1.0)

        def say(what: str, share: float) -> None:
            shown.update(task, description=what[:1].upper() + what[1:], completed=share)

        yield say


def _lines() -> Say:
    told = ""

    def say(what: str, share: float) -> None:
        nonlocal told
        if what != told:
            told = what
            print(f"{what[:1].upper()}{what[1:]} ...", file=sys.stderr, flush=True)

    return say


def part(say: Say, start: float, end: float) -> Say:
    """Let one step tell its progress from 0 to 1 within its share of the whole."""
    return lambda what, share: say(what, start + (end - start) * share)
