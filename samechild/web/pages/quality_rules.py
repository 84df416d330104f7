"""What the rules say: every rule with what it means, what to do, and examples that pass and fail. For anybody.

Councils and their suppliers are told in advance what will be found, in the words in which it is told later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import msgspec

from samechild.collection.attendance.rules import SchoolDay
from samechild.collection.postcodes import postcodes_of
from samechild.collection.reading.child import fields_in_words, said, table_in_words
from samechild.collection.records import declared
from samechild.collection.rules.catalogue import REGISTER_RULES, by_code
from samechild.collection.rules.catalogue import RULES as EVERY_RULE
from samechild.collection.rules.rule import Day, Example, Rule
from samechild.errors import Missing
from samechild.web.blocks import Answer, Block, Cell, Heading, Link, Sheet, Summary, Table, Words
from samechild.web.pages.quality_feed import PART, RULES
from samechild.web.pages.quality_parts import about_rule, grade_tag
from samechild.web.routes import ANYBODY, Page
from samechild.web.visits import Visit


def show(visit: Visit) -> Answer:
    """Every rule of each collection, by the table it looks at."""
    without = not len(postcodes_of(visit.store))
    schools = Words(
        f"{len(REGISTER_RULES)} rules look at the attendance registers that schools send each day. What is not JSON, "
        "not UTF-8 or no day is refused by the same STR rules as above."
    )
    return Sheet(
        title="What the rules say",
        blocks=(
            Words(
                f"{len(EVERY_RULE)} rules look at what councils send each day about children's social care; those of "
                "school attendance stand below them.",
                lead=True,
            ),
            Words(
                "What is not taken has the wrong shape and is refused with the reason. Errors and queries never keep a "
                "record out: it is taken, and its council is told."
            ),
            Heading("Children's social care"),
            *_tables(EVERY_RULE, ("Rule", "What is wrong", "Kind", "Like"), without),
            Heading("School attendance"),
            schools,
            *_tables(REGISTER_RULES, ("Rule", "What is wrong", "Kind"), without),
        ),
        wide=True,
    )


def _tables(rules: Sequence[Rule], head: tuple[str, ...], without_postcodes: bool) -> Iterator[Table]:
    tables: dict[str, list[Rule]] = {}
    for rule in rules:
        tables.setdefault(table_in_words(rule), []).append(rule)
    for name, some in tables.items():
        yield Table(name, head, tuple(_row(rule, without_postcodes)[: len(head)] for rule in some))


def _row(rule: Rule, without_postcodes: bool) -> tuple[Cell, ...]:
    message = rule.message
    if rule.without_postcodes and without_postcodes:
        message += f" ({rule.without_postcodes} here: no postcode directory)"
    return (about_rule(rule), message, grade_tag(rule.grade), rule.analogue)


def _postcodes(rule: Rule, visit: Visit) -> list[tuple[str, str]]:
    """What becomes of a rule that asks a postcode directory; nothing of any other."""
    if not rule.without_postcodes:
        return []
    if len(postcodes_of(visit.store)):
        return [("Postcode directory", "It asks the postcode directory of this installation.")]
    told = f"{rule.without_postcodes[:1].upper()}{rule.without_postcodes[1:]} here: no postcode directory."
    return [("Postcode directory", told)]


def show_one(visit: Visit) -> Answer:
    """One rule with its examples.

    Raises:
        Missing: when there is none of that code.
    """
    rule = by_code().get(visit.named["rule"])
    if rule is None:
        raise Missing("There is no such rule.")
    years = f"From {rule.since}" + (f" to {rule.until}" if rule.until else "")
    return Sheet(
        title=f"{rule.code}: {rule.message}",
        blocks=(
            Summary(
                (
                    ("Kind", grade_tag(rule.grade)),
                    ("What to do", rule.mend),
                    ("Table", table_in_words(rule)),
                    ("Fields", "; ".join(fields_in_words(rule)) or "The whole of it"),
                    ("Like", rule.analogue or "A rule of the daily collection alone"),
                    ("In force", years),
                    *_postcodes(rule, visit),
                )
            ),
            *_examples("Passes", rule.passes),
            *_examples("Fails", rule.fails),
        ),
        back=Link("What the rules say", RULES),
    )


def _examples(words: str, examples: tuple[Example, ...]) -> list[Block]:
    rows = tuple((f"Example {number}", in_short(each)) for number, each in enumerate(examples, start=1))
    return [Table(words, ("Example", "What it says"), rows)] if rows else []


def in_short(example: Example) -> str:
    """What an example says, in a line: the fields it states, and the day on which it is looked at."""
    thing = example.thing
    told = thing.decode() if isinstance(thing, bytes) else str(thing) if isinstance(thing, str) else _told(thing)
    return told + (f" (looked at on {example.at.today.isoformat()})" if example.at is not None else "")


def _told(thing: Any) -> str:
    if not isinstance(thing, msgspec.Struct):
        return said(thing)
    titles = (
        {} if isinstance(thing, Day | SchoolDay) else {name: each.title for name, each in declared(type(thing)).items()}
    )
    told = []
    for name in thing.__struct_fields__:
        value = getattr(thing, name)
        if value in (None, (), frozenset(), {}) or (name == "purge" and not value):
            continue
        told.append(f"{titles.get(name, name.replace('_', ' '))}: {_value(value)}")
    return "; ".join(told) or "nothing"


def _value(value: Any) -> str:
    if isinstance(value, msgspec.Struct):
        return f"({_told(value)})"
    if isinstance(value, tuple):
        return ", ".join(_value(each) for each in value)
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return value.isoformat() if isinstance(value, date) else said(value)


PAGES = (
    Page(path=RULES, who=ANYBODY, show=show, part=PART),
    Page(path=f"{RULES}/{{rule}}", who=ANYBODY, show=show_one, part=PART),
)
