"""What may agree between a search and a record, in degrees, and how much each degree says.

Each thing searched by is a condition with levels, the strongest first: the surname as typed, a listed variant, a slip
of the finger, a name that sounds alike. A level weighs as many bits as it is rare among the records that can be
searched (the term frequencies of linkage), less what its looseness costs. Reasons are in words and hold no value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from math import log2

import msgspec

from samechild.demographics.sounds import phonex
from samechild.demographics.variants import FORENAME, SURNAME
from samechild.index.copy import SpaceCopy
from samechild.index.keying import Value, key_of
from samechild.index.query import EITHER, FAMILY, GIVEN, Birth, Number, Query, Word, span
from samechild.index.spelling import listed_variants

Keys = dict[str, frozenset[int]]
"""Keys to look up, by what they are keys of (the names of samechild.index.keying.SEARCHED)."""

STEP = 0.25
"""Bits by which a weaker level is at least below the stronger one."""

_COST = {
    "same": 0.0,
    "part": 1.0,
    "variant": 1.0,
    "exchanged": 2.0,
    "one slip": 2.0,
    "sound": 3.0,
    "two slips": 4.0,
    "near": 4.0,
    "far": 6.0,
}
"""Bits taken off for how loosely something agrees: about how much rarer it is among records of the child meant."""


class Level(msgspec.Struct, frozen=True):
    """One degree of agreement: its keys, how many entries have them, its weight in bits, and how it is told."""

    degree: str
    keys: Keys
    size: int
    weight: float
    words: str

    @property
    def is_close(self) -> bool:
        """Whether it is as good as what was typed, but for spelling or a slip."""
        return self.degree not in ("sound", "two slips", "near", "far")


class Condition(msgspec.Struct, frozen=True):
    """One thing that is searched by. ``suffices``: who agrees on it is found whatever else was typed."""

    levels: tuple[Level, ...]
    text: str = ""  # a name as typed, to tell which field agrees
    required: bool = True
    suffices: bool = False

    @property
    def size(self) -> int:
        """How many entries all levels have."""
        return sum(level.size for level in self.levels)


def conditions_of(copy: SpaceCopy, query: Query) -> list[Condition]:
    """Everything that a query asks for, with the levels that some record of the copy reaches."""
    found = [_name(copy, word) for word in query.words]
    if query.birth is not None:
        found.append(_birth(copy, query.birth))
    found += [_place(copy, kind, value) for kind, value in query.places]
    found += [_number(copy, number) for number in query.numbers]
    return found


def _levels(copy: SpaceCopy, wanted: Iterable[tuple[str, Keys, str]]) -> tuple[Level, ...]:
    """Weigh the levels that any record reaches; (degree, keys, words) for each, the strongest first."""
    made: list[Level] = []
    seen: set[tuple[str, int]] = set()
    reached, last = 0, float("inf")
    for degree, keys, words in wanted:
        held: Keys = {}
        size = most = 0
        for kind, some in keys.items():
            postings = copy.found_by.get(kind)
            if postings is None:
                continue
            sizes = {key: postings.size(key) for key in some if (kind, key) not in seen}
            held[kind] = frozenset(key for key, count in sizes.items() if count)
            size += sum(sizes.values())
            most = max(most, len(postings))
            seen |= {(kind, key) for key in sizes}
        if not size:
            continue
        reached += size
        last = max(min(log2((most + 1) / min(reached, most)) - _COST[degree], last - STEP), STEP / 8)
        made.append(Level(degree, {kind: some for kind, some in held.items() if some}, size, last, words))
    return tuple(made)


# --- names ------------------------------------------------------------------------------------------------------------


def _name(copy: SpaceCopy, word: Word) -> Condition:
    own = {GIVEN: ("given",), FAMILY: ("family",), EITHER: ("given", "family")}[word.side]
    texts = {word.text, *word.together}
    exact = _keys(own, texts)
    if len(word.text) == 1 and "given" in own:
        exact["initial"] = frozenset([key_of(word.text)])
    near = copy.words.near(word.text)
    forms = {"given": set(listed_variants(FORENAME).get(word.text, ()))}
    forms["family"] = {*listed_variants(SURNAME).get(word.text, ()), *copy.words.related(word.text)}
    sound = phonex(word.text) if len(word.text) > 1 else None
    other = {GIVEN: ("family",), FAMILY: ("given",), EITHER: ()}[word.side]
    levels = [
        ("same", exact, "same {}"),
        ("part", _keys(own, word.parts), "part of a double {} agrees"),
        ("variant", {kind: frozenset(map(key_of, forms[kind])) for kind in own}, "another form of the {}"),
        ("one slip", _keys(own, [other for other, slips in near if slips == 1]), "{} with one slip"),
        ("exchanged", _keys(other, [word.text]), "forename and surname exchanged"),
        ("sound", _keys([f"{kind}_sound" for kind in own], [sound] if sound else []), "sounds like the {}"),
        ("two slips", _keys(own, [other for other, slips in near if slips == 2]), "{} with two slips"),
    ]
    return Condition(_levels(copy, levels), word.text, not word.optional)


def _keys(kinds: Iterable[str], texts: Iterable[str]) -> Keys:
    keys = frozenset(map(key_of, texts))
    return dict.fromkeys(kinds, keys) if keys else {}


# --- births -----------------------------------------------------------------------------------------------------------


def _birth(copy: SpaceCopy, birth: Birth) -> Condition:
    if birth.day:
        other = [birth.swapped] if birth.swapped else []
        levels = [
            ("same", _keys(["birth_date"], [birth.day]), "same date of birth"),
            ("exchanged", _keys(["birth_date"], other), "date of birth with day and month exchanged"),
            ("one slip", _keys(["birth_date"], slipped(birth.day)), "date of birth with one slip"),
            ("near", _keys(["birth_month"], [birth.day[:7]]), "same month of birth"),
            ("far", _keys(["birth_year"], [birth.day[:4]]), "same year of birth"),
        ]
    elif birth.month:
        levels = [
            ("same", _keys(["birth_month"], [birth.month]), "same month of birth"),
            ("near", _keys(["birth_year"], [birth.month[:4]]), "same year of birth"),
        ]
    elif birth.year:
        levels = [("same", _keys(["birth_year"], [birth.year]), "same year of birth")]
    else:
        levels = [("same", _within(*span(birth)), "born in the time asked for")]
    return Condition(_levels(copy, levels))


def slipped(day: str) -> list[str]:
    """Every date that is one wrong digit, or two neighbouring digits exchanged, away from an ISO date."""
    found = set()
    for place, digit in enumerate(day):
        if digit == "-":
            continue
        found |= {day[:place] + other + day[place + 1 :] for other in "0123456789"}
        after = day[place + 1 : place + 2]
        if after and after != "-":
            found.add(day[:place] + after + digit + day[place + 2 :])
    return sorted(other for other in found - {day} if _is_date(other))


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _within(first: str, last: str) -> Keys:
    """The years, months and days that lie between two days, both included, as few as will do."""
    begin = date.fromisoformat(first or "1880-01-01")
    end = date.fromisoformat(last or "2150-12-31")
    keys: dict[str, list[str]] = {"birth_year": [], "birth_month": [], "birth_date": []}
    while begin <= end:
        year_end, month_end = begin.replace(month=12, day=31), _month_end(begin)
        if begin.month == begin.day == 1 and year_end <= end:
            keys["birth_year"].append(f"{begin.year}")
            begin = year_end + timedelta(days=1)
        elif begin.day == 1 and month_end <= end:
            keys["birth_month"].append(f"{begin:%Y-%m}")
            begin = month_end + timedelta(days=1)
        else:
            keys["birth_date"].append(begin.isoformat())
            begin += timedelta(days=1)
    return {kind: frozenset(map(key_of, texts)) for kind, texts in keys.items()}


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


# --- places and numbers -----------------------------------------------------------------------------------------------


def _place(copy: SpaceCopy, kind: str, value: str) -> Condition:
    if kind == "postcode":
        levels = [
            ("same", _keys(["postcode"], [value]), "same postcode"),
            ("near", _keys(["postcode_sector"], [value[:-2]]), "same postcode sector"),
            ("far", _keys(["postcode_district"], [value[:-4]]), "same postcode district"),
        ]
    else:
        levels = [("same", _keys([kind], [value]), "same " + kind.replace("_", " "))]
    return Condition(_levels(copy, levels))


_CALLED = {
    "nhs_number": "NHS number",
    "chi_number": "CHI number",
    "hc_number": "Health and Care number",
    "ucrn": "UCRN",
    "scn": "Scottish Candidate Number",
    "upn": "UPN",
    "former_upn": "former UPN",
    "uln": "ULN",
    "nino": "National Insurance number",
    "la_child_id": "local authority child id",
    "own_child_id": "local authority child id",
    "other_id": "other identifier",
    "phone": "telephone number",
    "email": "email address",
    "school": "school",
}


def _number(copy: SpaceCopy, number: Number) -> Condition:
    keys: dict[str, set[int]] = {}
    for kind, value in number.read:
        keys.setdefault(kind, set()).add(key_of(value))
    levels = _levels(copy, [("same", {kind: frozenset(some) for kind, some in keys.items()}, "same {}")])
    return Condition(levels, suffices=True)


# --- in words ---------------------------------------------------------------------------------------------------------


def reason(copy: SpaceCopy, condition: Condition, level: Level, held: Mapping[str, Value]) -> str:
    """Say in words how a record agrees with a condition; ``held`` is what can be searched of it, by field."""
    if "{}" not in level.words:
        if level.words == "same postcode" and not _holds(held.get("postcode"), level.keys["postcode"]):
            return "an earlier postcode"
        return level.words
    kinds = [kind for kind, keys in level.keys.items() if copy.is_found_by(kind, keys, held)]
    kind = kinds[0] if kinds else next(iter(level.keys))
    called = _CALLED.get(kind)
    if called is None:
        called = "surname" if kind.startswith("family") else "forename"
        if level.degree == "same":
            called = _which(kind, condition.text, held)
    return level.words.format(called)


def _holds(value: Value, keys: frozenset[int]) -> bool:
    return isinstance(value, str) and key_of(value) in keys


def _which(kind: str, text: str, held: Mapping[str, Value]) -> str:
    if kind == "initial":
        return "initial"
    fields = ("surname", "former_surname") if kind == "family" else ("forename", "known_as")
    words = ("surname", "former surname") if kind == "family" else ("forename", "name the child is known by")
    for field, called in zip(fields, words, strict=True):
        if held.get(field) == text:
            return called
    return "part of the surname" if kind == "family" else "given name"
