"""The keys under which a record is found: those of the blocking rules, and those a person searches by.

A key is a 64-bit hash of the values it is made of: Python's own, which is drawn anew in every process, so that keys
mean nothing outside it. The same key comes out for one record and for a whole column of distinct values, which is what
lets the copy be filled in bulk and then kept up one record at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import msgspec

from samechild.demographics.sounds import phonex
from samechild.index.postings import MASK
from samechild.linkage.model import BlockingRule, KeyPart
from samechild.linkage.similarity import substr

Value = str | tuple[str, ...] | None
Values = tuple[Value, ...]
Form = Callable[[str], str | None]

ODD = 0x9E3779B97F4A7C15
"""Multiplier that sets one part of a key apart from the next (2**64 over the golden ratio, made odd)."""


class Part(NamedTuple):
    """One part of a key: a column's place, and the form of its texts (None: as they stand)."""

    column: int
    form: Form | None

    def hashes(self, value: Value) -> Sequence[int]:
        """The hash of each text a value holds, each once; none for a value that is missing or empty."""
        form = self.form
        if value is None:
            return ()
        if isinstance(value, str):
            text = value if form is None else form(value)
            return (hash(text) & MASK,) if text else ()
        texts = set(value) if form is None else {form(text) for text in value}
        return [hash(text) & MASK for text in texts if text]


def joined(parts: Sequence[Sequence[int]]) -> Sequence[int]:
    """Every key that can be made of one hash of each part, in the parts' order; none when a part has none."""
    keys = parts[0]
    for hashes in parts[1:]:
        keys = [(key * ODD + each) & MASK for key in keys for each in hashes]
    return keys


def key_of(text: str) -> int:
    """The key of one text standing alone."""
    return hash(text) & MASK


@cache
def cut(start: int, length: int | None) -> Form | None:
    """The form that takes some letters of a text, the first being 1; None for all of it."""
    return None if start == 1 and length is None else lambda text: substr(text, start, length)


def part_of(part: KeyPart, columns: Mapping[str, int]) -> Part:
    """A part of a blocking rule, over the columns of the copy."""
    return Part(columns[part.column], cut(part.start, part.length))


class Rule(NamedTuple):
    """A blocking rule over numbered parts."""

    name: str
    parts: tuple[int, ...]
    most_pairs: int | None


def rules_of(blocking: Sequence[BlockingRule], columns: Mapping[str, int]) -> tuple[list[Part], list[Rule]]:
    """The distinct parts of some blocking rules, and the rules over them."""
    parts: dict[Part, int] = {}
    rules = [
        Rule(
            rule.name,
            tuple(parts.setdefault(part_of(part, columns), len(parts)) for part in rule.parts),
            rule.most_pairs,
        )
        for rule in blocking
    ]
    return list(parts), rules


# --- what a person searches by ----------------------------------------------------------------------------------------


class Searched(msgspec.Struct, frozen=True):
    """One thing people search by: the field that holds it, and the form in which it is compared."""

    name: str
    field: str
    form: Form | None = None


def initial(text: str) -> str:
    """The first letter of a name."""
    return text[:1]


def own_part(text: str) -> str | None:
    """A local authority's child id without the authority before it; None when there is none before it."""
    _, found, own = text.partition(":")
    return own if found else None


IDENTIFIERS = (
    "nhs_number", "chi_number", "hc_number", "ucrn", "scn", "upn", "former_upn", "uln", "nino", "la_child_id",
    "other_id",
)  # fmt: skip
"""The numbers and codes of a person that can be searched by."""

SEARCHED: tuple[Searched, ...] = (
    Searched("given", "given_names"),
    Searched("family", "surname_parts"),
    Searched("given_sound", "given_names", phonex),
    Searched("family_sound", "surname_parts", phonex),
    Searched("initial", "given_names", initial),
    Searched("birth_date", "date_of_birth"),
    Searched("birth_month", "birth_month"),
    Searched("birth_year", "birth_year"),
    Searched("postcode", "postcodes"),
    Searched("postcode_sector", "postcode_sector"),
    Searched("postcode_district", "postcode_district"),
    Searched("area", "area"),
    Searched("town", "town"),
    Searched("school", "school"),
    *(Searched(name, name) for name in IDENTIFIERS),
    Searched("own_child_id", "la_child_id", own_part),
    Searched("phone", "phone"),
    Searched("email", "email"),
)
"""Everything that can be searched by."""

SEARCH_COLUMNS: tuple[str, ...] = tuple(
    dict.fromkeys(
        [*(each.field for each in SEARCHED), "forename", "known_as", "surname", "former_surname", "birth_date_swapped",
         "postcode", "previous_postcode", "sex"]
    )
)  # fmt: skip
"""The fields of :class:`samechild.records.Record` that a copy needs so that everything can be searched by."""

_MADE_FROM: dict[str, tuple[str, ...]] = {
    "forename": ("given_names", "forename_variants", "forename_sound"),
    "middle_names": ("given_names",),
    "known_as": ("given_names", "forename_variants"),
    "full_name": ("forename", "surname", "given_names", "surname_parts"),
    "surname": ("surname_parts", "surname_variants", "surname_sound"),
    "former_surname": ("surname_parts",),
    "date_of_birth": ("birth_date_swapped", "birth_month", "birth_year"),
    "postcode": ("postcodes", "postcode_sector", "postcode_district"),
    "previous_postcode": ("postcodes",),
    "upn": ("upns", "upn_kind"),
    "former_upn": ("upns",),
}


def with_made(fields: frozenset[str]) -> frozenset[str]:
    """Fields with everything that standardising makes from them: who hides a postcode hides its district as well."""
    return fields.union(*(_MADE_FROM.get(field, ()) for field in fields))


def search_parts(columns: Mapping[str, int]) -> list[tuple[Searched, Part]]:
    """What can be searched by in a copy that has only some columns."""
    return [(each, Part(columns[each.field], each.form)) for each in SEARCHED if each.field in columns]
