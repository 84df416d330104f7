"""Councils' data quality in numbers, for who runs the collection: what came, what was missed, errors by rule; no child.

Each look is for one of the closed purposes and stands in the ledger, where each council sees it. Small numbers are not
told.
"""

from __future__ import annotations

from samechild.collection.reading.councils import LEAST, OfCouncil, closed_purposes, councils
from samechild.policy.purposes import purposes
from samechild.web.blocks import Answer, Block, Cell, Link, Questions, Sheet, Table, Words, day
from samechild.web.forms import Choice, Field, Filled, Form, blank, read
from samechild.web.menu import ANALYSTS
from samechild.web.routes import Page, Sent
from samechild.web.visits import Visit

PART = "/councils"


def _form(visit: Visit) -> Form:
    choices = tuple(Choice(name, purposes()[name].title) for name in closed_purposes(visit.by))
    return Form(
        button="Show the numbers",
        fields=(
            Field(name="purpose", label="What for?", kind="choice", choices=choices, missing="Say what it is for"),
        ),
    )


def show(visit: Visit) -> Answer:
    """Ask what for."""
    return _ask(blank(_form(visit)))


def _ask(filled: Filled) -> Sheet:
    return Sheet(
        title="Councils' data quality",
        blocks=(
            Words(
                "What councils sent in the last four weeks, and errors by rule: numbers only, never a child.", lead=True
            ),
            Words("Each council sees that you looked, when, and what for."),
            Questions(filled, PART),
        ),
        status=400 if filled.problems else 200,
    )


def count(visit: Visit, sent: Sent) -> Answer:
    """Show the numbers of the councils that may be seen for the purpose."""
    filled = read(_form(visit), sent)
    if filled.problems:
        return _ask(filled)
    found = councils(visit.store, visit.by, filled.one("purpose"), visit.now)
    seen = [each for each in found if each.allowed]
    blocks: list[Block] = [
        Words(f"For: {purposes()[filled.one('purpose')].title.lower()}. Numbers from 1 to {LEAST - 1} are not told."),
        Table(
            "Councils in the last four weeks",
            (
                "Council",
                "Children",
                "Records",
                "Not taken",
                "Days missed",
                "Last",
                "Errors",
                "Queries",
                "Errors per 1,000",
            ),
            tuple(_row(each) for each in seen),
            empty="No council's agreement lets you see its numbers for this.",
        ),
        _rules(seen),
    ]
    others = [each for each in found if not each.allowed]
    if others:
        rows = tuple((each.name, each.why) for each in others)
        blocks.append(Table("Councils whose numbers you may not see for this", ("Council", "Why"), rows))
    return Sheet(title="Councils' data quality", blocks=tuple(blocks), wide=True)


def _row(each: OfCouncil) -> tuple[Cell, ...]:
    share = each.per_thousand
    return (
        each.name,
        told(each.held),
        told(each.records),
        told(each.refused),
        f"{each.missed:,}",
        day(each.last) if each.last else "nothing yet",
        told(each.errors),
        told(each.queries),
        "" if share is None or 0 < each.errors < LEAST else f"{share:.0f}",
    )


def told(number: int) -> str:
    """A count as it is told: small ones are not."""
    return f"1 to {LEAST - 1}" if 0 < number < LEAST else f"{number:,}"


def _rules(found: list[OfCouncil]) -> Table:
    numbers: dict[str, dict[str, int]] = {}
    words = {}
    for each in found:
        for rule, errors in each.rules:
            numbers.setdefault(rule.code, {})[each.name] = errors
            words[rule.code] = rule.message
    most = sorted(numbers, key=lambda code: (-sum(numbers[code].values()), code))
    return Table(
        "Errors open by rule",
        ("Rule", "What is wrong", *(each.name for each in found)),
        tuple(
            (
                Link(code, f"/rules/{code}", whole=True),
                words[code],
                *(told(numbers[code].get(each.name, 0)) for each in found),
            )
            for code in most
        ),
        empty="No errors are open.",
    )


PAGES = (Page(path=PART, who=ANALYSTS, show=show, do=count, part=PART),)
