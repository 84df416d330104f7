"""The downtime card: whom to phone about a child when the system is down, and how what was shared is entered later.

No refusal and no outage may leave a child unprotected. The card is printed and lies beside the telephone; it holds the
organisations' own routes and the numbers they entered, and nothing of any child.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from samechild.errors import Invalid
from samechild.policy.consent.share_forms import QUESTIONS
from samechild.policy.governance.written import day_words, render
from samechild.policy.people.organisations import Organisation, is_active, kinds


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A telephone number an organisation entered for emergencies: what it is, and the number as people dial it."""

    organisation: str
    label: str
    number: str
    entered_by: str
    entered_at: datetime


class Line(msgspec.Struct, frozen=True):
    """One organisation on the card: who can decide there, how to reach them, and its emergency numbers."""

    name: str
    kind: str
    who: str
    how: str
    numbers: tuple[tuple[str, str], ...]


_DIALLED = re.compile(r"[+(]?[0-9][0-9 ()-]{1,23}(?: ?(?:ext|x)\.? ?\d{1,6})?")


def checked_number(number: Number) -> Number:
    """Check a number before it is printed on a card that somebody dials in an emergency.

    Raises:
        Invalid: when it has no label, or is not a telephone number.
    """
    made = msgspec.structs.replace(number, label=number.label.strip(), number=number.number.strip())
    if not made.label or len(made.label) > 80:
        raise Invalid("Say in a few words what the number is: duty desk by day, emergency duty team at night.")
    if not _DIALLED.fullmatch(made.number):
        raise Invalid("This is not a telephone number: digits and spaces, with a plus or an extension if it has one.")
    return made


def card_lines(organisations: Sequence[Organisation], numbers: Sequence[Number], now: datetime) -> list[Line]:
    """The organisations of a card that are active and can be reached, by name."""
    found = [
        Line(
            each.name,
            kinds()[each.kind].title,
            each.route.who if each.route else "",
            each.route.how if each.route else "",
            tuple((number.label, number.number) for number in numbers if number.organisation == each.organisation),
        )
        for each in organisations
        if is_active(each, now)
    ]
    return sorted((line for line in found if line.how or line.numbers), key=lambda line: line.name.lower())


def unreachable(organisations: Sequence[Organisation], numbers: Sequence[Number], now: datetime) -> list[str]:
    """Names of active organisations that the card cannot help anybody to reach."""
    reached = {number.organisation for number in numbers}
    return sorted(
        each.name
        for each in organisations
        if is_active(each, now) and each.route is None and each.organisation not in reached
    )


def card(organisations: Sequence[Organisation], numbers: Sequence[Number], now: datetime, today: date) -> str:
    """Write the card as one printable HTML page."""
    return render(
        "downtime_card.html",
        lines=card_lines(organisations, numbers, now),
        questions=list(QUESTIONS.values()),
        today=day_words(today),
    )
