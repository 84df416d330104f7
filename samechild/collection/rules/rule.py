"""What a validation rule is: a question about one child's record, true when something is wrong, with its own examples.

A rule does no I/O, never edits data and is applied to the merged child, never to the fragment that was received. One
test runs every example of every rule; the catalogue prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec

from samechild.collection.records import Child, Episode


class Grade(StrEnum):
    """How bad it is: refused at the door, an error to mend, a query to check, or merely worth knowing."""

    REJECT = "reject"
    ERROR = "error"
    QUERY = "query"
    INFO = "info"


Cell = tuple[Any, str]
"""One value: the thing it stands in (of children's social care a ``records.Thing``), and its field."""

Found = bool | Iterable[Sequence[Cell]]
"""What a rule finds: yes or no about the thing it looks at, or several problems, each with the cells it links."""


class Unsure(tuple[Cell, ...]):
    """The cells of a problem that what came before the history window may explain: an error then counts as a query."""

    __slots__ = ()


class At(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may know besides the thing it looks at.

    ``child`` is the whole merged child, ``episode`` the episode the thing stands in, ``today`` the day it was received,
    ``window`` the first day of the history window, ``before`` the child as it was before the newest submission,
    ``shared`` what this child has in common with another child of the authority (``upn``, ``name and birth``),
    ``miles`` the straight-line distance between two postcodes, None where they are not known, and ``exists`` whether a
    postcode of the right form exists, None where nobody can say. The last two need a postcode directory.
    """

    child: Child
    today: date
    window: date
    episode: Episode | None = None
    before: Child | None = None
    shared: frozenset[str] = frozenset()
    miles: Callable[[str, str], float | None] = lambda one, other: None
    exists: Callable[[str], bool | None] = lambda value: None


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """An authority's day: what it holds and sent, in numbers, for rules about the whole.

    ``earlier`` is the last day before on which something was received. Counts are of children held unless said.
    """

    day: date
    born: int = 0
    sex_unknown: int = 0
    disability_codes: frozenset[str] = frozenset()
    with_two_disabilities: int = 0
    conferences: int = 0  # initial child protection conferences in the last year
    plans_started: int = 0  # child protection plans started in the last year
    held: int = 0
    open_episodes: int = 0
    open_episodes_before: int = 0
    days_since_received: int = 0
    changed: int = 0  # children sent with changes on this day
    in_need: int = 0  # on the last 31 March
    on_plans: int = 0
    looked_after: int = 0
    published: dict[str, int] = {}  # the same three by name (in_need, on_plans, looked_after), as last published


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A thing to look at and where it stands."""

    thing: Any  # a Thing, a Day, or a thing of another collection
    at: Any = None  # an At, or what another collection's rules may know


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of the catalogue. ``test`` is None for what the declared types check at the door.

    ``on`` is the type it looks at: one of ``collection.records``, or :class:`Day`. ``fields`` are the cells it links:
    a field of ``on`` (dotted for what is nested in it, such as ``social_care_episodes.closure_date``), or
    ``episode.FIELD`` or ``details.FIELD`` for cells of the surroundings. ``message`` says what is wrong,
    ``mend`` what to do, in words that a data officer understands. ``without_postcodes`` says what becomes of the rule
    where nobody brought a postcode directory; empty: it needs none.
    """

    code: str
    grade: Grade
    on: type
    fields: tuple[str, ...]
    message: str
    mend: str
    analogue: str = ""  # the rule of a statutory return that it comes from
    since: int = 2025  # first collection year
    until: int = 0  # last one; 0: still in force
    test: Callable[[Any, Any], Found] | None = None
    passes: tuple[Example, ...] = ()
    fails: tuple[Example, ...] = ()
    without_postcodes: str = ""


Test = Callable[[Any, Any], Found]
"""The question: asked of a thing and of what may be known besides (of children's social care an :class:`At`)."""


def rule(
    code: str,
    *,
    on: type,
    grade: Grade,
    fields: Sequence[str],
    message: str,
    mend: str,
    passes: Sequence[Any],
    fails: Sequence[Any],
    analogue: str = "",
    since: int = 2025,
    until: int = 0,
    without_postcodes: str = "",
) -> Callable[[Test], Rule]:
    """Declare a rule by decorating the function that asks its question.

    The examples are an :class:`Example` each, or only the thing, which then stands in a child of the usual kind.
    """

    def declare(test: Test) -> Rule:
        return Rule(
            code=code,
            grade=grade,
            on=on,
            fields=tuple(fields),
            message=message,
            mend=mend,
            analogue=analogue,
            since=since,
            until=until,
            test=test,
            passes=tuple(_example(each) for each in passes),
            fails=tuple(_example(each) for each in fails),
            without_postcodes=without_postcodes,
        )

    return declare


def _example(given: Any) -> Example:
    return given if isinstance(given, Example) else Example(thing=given)
