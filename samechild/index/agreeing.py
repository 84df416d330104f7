"""What may agree between a search and a record, in degrees, and how much each degree says.

Each thing searched by is a condition with levels, the strongest first: the surname as typed, a listed variant, a slip
of the finger, a name that sounds alike. A level weighs as many bits as it is rare among the records that can be
searched (the term frequencies of linkage), less what its looseness costs. Reasons are in words and hold no value.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from math import log2

import msgspec

from samechild.demographics.sounds import phonex
from samechild.demographics.variants import FORENAME, SURNAME
from samechild.index.copy import SpaceCopy
from samechild.index.keying import key_of
from samechild.index.postings import Rows
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


_NOT_CLOSE = frozenset({"sound", "two slips", "near", "far"})


class Level(msgspec.Struct, frozen=True):
    """One degree of agreement in one kind of key: the rows that reach it (ascending arrays), its weight in bits.

    ``words`` say it; they are empty where the record must be asked which of its fields agrees.
    """

    degree: str
    kind: str
    rows: tuple[Rows, ...]
    size: int
    weight: float
    words: str


class Condition(msgspec.Struct, frozen=True):
    """One thing that is searched by: what agrees, strongest first. ``suffices``: agreeing on it alone is enough."""

    levels: tuple[Level, ...]
    texts: tuple[str, ...] = ()  # as typed, to tell which field agrees
    required: bool = True
    suffices: bool = False

    @property
    def size(self) -> int:
        """How many entries all levels have."""
        return sum(level.size for level in self.levels)

    @property
    def exact(self) -> list[Rows]:
        """The rows that agree just as typed."""
        return [rows for level in self.levels if level.degree == "same" for rows in level.rows]


def conditions_of(copy: SpaceCopy, query: Query, *, closely: bool) -> list[Condition]:
    """Everything that a query asks for, with the levels that some record of the copy reaches.

    ``closely`` leaves out what only sounds alike, has two slips, or is no more than near.
    """
    found = [_name(copy, word, closely) for word in query.words]
    if query.birth is not None:
        found.append(_birth(copy, query.birth, closely))
    found += [_place(copy, kind, value, closely) for kind, value in query.places]
    found += [_number(copy, number) for number in query.numbers]
    return found


def _levels(copy: SpaceCopy, wanted: Iterable[tuple[str, Keys, str]]) -> tuple[Level, ...]:
    """Look up and weigh the levels that any record reaches; (degree, keys, words) for each, the strongest first."""
    made: list[Level] = []
    seen: set[tuple[str, int]] = set()
    reached, last = 0, float("inf")
    for degree, keys, words in wanted:
        held: list[tuple[str, tuple[Rows, ...], int]] = []
        most = 0
        for kind, some in keys.items():
            postings = copy.found_by.get(kind)
            if postings is None:
                continue
            new = [key for key in some if (kind, key) not in seen]
            seen.update([(kind, key) for key in new])
            rows = tuple([each for key in new for each in postings.arrays(key)])
            most = max(most, len(postings))
            if rows:
                held.append((kind, rows, sum(map(len, rows))))
        if not held:
            continue
        reached += sum(size for _, _, size in held)
        last = max(min(log2((most + 1) / min(reached, most)) - _COST[degree], last - STEP), STEP / 8)
        made += [
            Level(degree, kind, rows, size, last, words.format(_CALLED.get(kind, kind.replace("_", " "))))
            for kind, rows, size in held
        ]
    return tuple(made)


# --- names ------------------------------------------------------------------------------------------------------------


def _name(copy: SpaceCopy, word: Word, closely: bool) -> Condition:
    own = {GIVEN: ("given",), FAMILY: ("family",), EITHER: ("given", "family")}[word.side]
    exact = _keys(own, [word.text, *word.together])
    if len(word.text) == 1 and "given" in own:
        exact["initial"] = frozenset([key_of(word.text)])
    forms = {
        "given": listed_variants(FORENAME).get(word.text, ()),
        "family": (*listed_variants(SURNAME).get(word.text, ()), *copy.words.related(word.text)),
    }
    near = copy.words.near(word.text, 1 if closely else 2)
    other = {GIVEN: ("family",), FAMILY: ("given",), EITHER: ()}[word.side]
    levels = [
        ("same", exact, ""),
        ("part", _keys(own, word.parts), "part of a double {} agrees"),
        ("variant", {kind: frozenset(map(key_of, forms[kind])) for kind in own}, "another form of the {}"),
        ("one slip", _keys(own, [name for name, slips in near if slips == 1]), "{} with one slip"),
        ("exchanged", _keys(other, [word.text]), "forename and surname exchanged"),
    ]
    if not closely:
        sound = phonex(word.text) if len(word.text) > 1 else None
        levels += [
            ("sound", _keys([f"{kind}_sound" for kind in own], [sound] if sound else []), "sounds like the {}"),
            ("two slips", _keys(own, [name for name, slips in near if slips == 2]), "{} with two slips"),
        ]
    return Condition(_levels(copy, levels), (word.text, *word.together), not word.optional)


def _keys(kinds: Iterable[str], texts: Iterable[str]) -> Keys:
    keys = frozenset(map(key_of, texts))
    return dict.fromkeys(kinds, keys) if keys else {}


# --- births -----------------------------------------------------------------------------------------------------------


def _birth(copy: SpaceCopy, birth: Birth, closely: bool) -> Condition:
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
    return Condition(_levels(copy, [level for level in levels if not closely or level[0] not in _NOT_CLOSE]))


def slipped(day: str) -> set[str]:
    """Every text that is one wrong digit, or two neighbouring digits exchanged, away from an ISO date.

    Some are no dates; no record holds those.
    """
    found = set()
    for place, digit in enumerate(day):
        if digit == "-":
            continue
        before, after = day[:place], day[place + 1 :]
        found.update([before + other + after for other in "0123456789"])
        if after and after[0] != "-":
            found.add(before + after[0] + digit + after[1:])
    return found - {day}


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


def _place(copy: SpaceCopy, kind: str, value: str, closely: bool) -> Condition:
    if kind != "postcode":
        return Condition(_levels(copy, [("same", _keys([kind], [value]), "same {}")]))
    levels = [
        ("same", _keys(["postcode"], [value]), ""),
        ("near", _keys(["postcode_sector"], [value[:-2]]), "same {}"),
        ("far", _keys(["postcode_district"], [value[:-4]]), "same {}"),
    ]
    return Condition(_levels(copy, levels[:1] if closely else levels), (value,))


_CALLED = {
    "given": "forename",
    "family": "surname",
    "given_sound": "forename",
    "family_sound": "surname",
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

_WHICH = {
    "given": (("forename", "same forename"), ("known_as", "same name that the child is known by")),
    "family": (("surname", "same surname"), ("former_surname", "same former surname")),
    "postcode": (("postcode", "same postcode"),),
}
_ELSE = {
    "given": "same given name",
    "family": "part of the surname agrees",
    "postcode": "an earlier postcode agrees",
    "initial": "same initial",
}


def reason(copy: SpaceCopy, condition: Condition, level: Level, row: int) -> str:
    """Say in words how a record agrees with a condition."""
    if level.words:
        return level.words
    for field, words in _WHICH.get(level.kind, ()):
        if copy.value(row, field) in condition.texts:
            return words
    return _ELSE[level.kind]
