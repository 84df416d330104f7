"""What the rules say: every rule with what it means, what to do, and examples that pass and fail. For anybody.

Councils and their suppliers are told in advance what will be found, in the words in which it is told later.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from samechild.collection.reading_child import fields_in_words, said, table_in_words
from samechild.collection.records import declared
from samechild.collection.rules.catalogue import RULES as EVERY_RULE
from samechild.collection.rules.catalogue import by_code
from samechild.collection.rules.rule import Day, Example, Rule
from samechild.errors import Missing
from samechild.web.blocks import Answer, Block, Cell, Link, Sheet, Summary, Table, Words
from samechild.web.pages.quality_feed import PART, RULES
from samechild.web.pages.quality_parts import about_rule, grade_tag
from samechild.web.routes import ANYBODY, Page
from samechild.web.visits import Visit


def show(visit: Visit) -> Answer:
    """Every rule, by the table it looks at."""
    tables: dict[str, list[Rule]] = {}
    for rule in EVERY_RULE:
        tables.setdefault(table_in_words(rule), []).append(rule)
    head = ("Rule", "What is wrong", "Kind", "Like")
    return Sheet(
        title="What the rules say",
        blocks=(
            Words(f"{len(EVERY_RULE)} rules look at what councils send each day.", lead=True),
            Words(
                "What is not taken has the wrong shape and is refused with the reason. Errors and queries never keep a "
                "record out: it is taken, and its council is told."
            ),
            *(Table(name, head, tuple(_row(rule) for rule in rules)) for name, rules in tables.items()),
        ),
        wide=True,
    )


def _row(rule: Rule) -> tuple[Cell, ...]:
    return (about_rule(rule), rule.message, grade_tag(rule.grade), rule.analogue)


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
    told = str(thing) if isinstance(thing, bytes | str) else _told(thing)
    return told + (f" (looked at on {example.at.today.isoformat()})" if example.at is not None else "")


def _told(thing: Any) -> str:
    if not isinstance(thing, msgspec.Struct):
        return said(thing)
    titles = {} if isinstance(thing, Day) else {name: each.title for name, each in declared(type(thing)).items()}
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
    return value.isoformat() if isinstance(value, date) else said(value)


PAGES = (
    Page(path=RULES, who=ANYBODY, show=show, part=PART),
    Page(path=f"{RULES}/{{rule}}", who=ANYBODY, show=show_one, part=PART),
)
