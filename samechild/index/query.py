"""What a person searches by, read from one box or from fields and made comparable.

A practitioner types what they have: "ahmed 3/1/2010", "O'Brien LS1 6", a number read over the telephone with spaces in
it. Everything is read as :mod:`samechild.demographics` reads a record, so that what is typed and what is held meet.
What was typed is never repeated in a message.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec

from samechild.demographics import names
from samechild.demographics.address import read_code, read_email, read_phone, read_text
from samechild.demographics.dates import DateReading, latest_birth, read_date, swapped
from samechild.demographics.letters import to_letters
from samechild.demographics.numbers import TELLING, read_number, read_other_id
from samechild.demographics.placeholders import NEWBORN, is_no_name
from samechild.errors import Invalid
from samechild.identifiers import establishment, postcode
from samechild.identifiers.text import HYPHENS, INVISIBLE, SPACES
from samechild.index.keying import IDENTIFIERS

LONGEST = 200
"""Letters that one box takes."""
MOST_WORDS = 8
"""Parts of names that one search takes."""
OLDEST = 130
"""Ages in years above this are not read."""

GIVEN, FAMILY, EITHER = "given", "family", ""
_NAME_FIELDS = {
    GIVEN: ("forename", "known_as", "middle_names"),
    FAMILY: ("former_surname", "surname"),
    EITHER: ("forename", "former_surname", "known_as", "middle_names", "surname"),
}


class Word(msgspec.Struct, frozen=True):
    """One part of a name in capitals A to Z; ``parts`` of a double name, and what it makes with words beside it."""

    text: str
    side: str = EITHER
    parts: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    optional: bool = False  # a small word before a surname


class Birth(msgspec.Struct, frozen=True):
    """When a child was born: a date, a month or a year, or from a first to a last day (ISO texts)."""

    day: str = ""
    month: str = ""
    year: str = ""
    first: str = ""
    last: str = ""

    @property
    def swapped(self) -> str | None:
        """The date with day and month exchanged, when that is another date."""
        return swapped(self.day) if self.day else None


class Number(msgspec.Struct, frozen=True):
    """One identifier as typed: what it is in each field that it may belong to."""

    read: tuple[tuple[str, str], ...]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched by. It does not print its values.

    ``unread`` names the fields whose values could not be read; nothing is searched by them.
    """

    words: tuple[Word, ...] = ()
    birth: Birth | None = None
    places: tuple[tuple[str, str], ...] = ()  # (what kind of place in samechild.index.keying.SEARCHED, its value)
    numbers: tuple[Number, ...] = ()
    unborn: bool = False
    unread: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Query(on={fields_used(self)}, values hidden)"


_PLACE_FIELDS = {
    "postcode": ("postcode", "previous_postcode"),
    "postcode_sector": ("postcode_sector",),
    "postcode_district": ("postcode_district",),
    "area": ("area",),
    "town": ("town",),
    "school": ("school",),
}


def fields_used(query: Query) -> tuple[str, ...]:
    """The fields of :class:`samechild.records.Record` that a search looks at, in alphabetical order, for the gate."""
    used = {field for word in query.words for field in _NAME_FIELDS[word.side]}
    used |= {"date_of_birth"} if query.birth else set()
    used |= {field for kind, _ in query.places for field in _PLACE_FIELDS[kind]}
    used |= {_field(name) for number in query.numbers for name, _ in number.read}
    return tuple(sorted(used))


def terms_of(query: Query) -> tuple[str, ...]:
    """What is searched for, each as a field and a value: for keyed references only, never to be written down."""
    terms = {f"name{word.side}\x1f{word.text}" for word in query.words}
    if query.birth:
        terms.add("date_of_birth\x1f" + " ".join(msgspec.structs.astuple(query.birth)))
    terms |= {f"{kind}\x1f{value}" for kind, value in query.places}
    terms |= {f"{_field(name)}\x1f{value}" for number in query.numbers for name, value in number.read}
    return tuple(sorted(terms))


def without(query: Query, fields: Collection[str]) -> Query:
    """The same search without what would look at any of some fields, for an asker who may not search by them."""
    out = set(fields)
    numbers = [
        Number(tuple((name, value) for name, value in number.read if _field(name) not in out))
        for number in query.numbers
    ]
    return Query(
        words=tuple(word for word in query.words if not out & set(_NAME_FIELDS[word.side])),
        birth=None if "date_of_birth" in out else query.birth,
        places=tuple(place for place in query.places if not out & set(_PLACE_FIELDS[place[0]])),
        numbers=tuple(number for number in numbers if number.read),
        unborn=query.unborn and "date_of_birth" not in out,
        unread=query.unread,
    )


def _field(name: str) -> str:
    return "la_child_id" if name == "own_child_id" else name


# --- boxes ------------------------------------------------------------------------------------------------------------

SIDES = {"forename": GIVEN, "surname": FAMILY, "name": EITHER}
_BIRTHS = ("date_of_birth", "born_from", "born_to", "age")
_PLACES = ("postcode", "area", "town", "school")

FIELDS = (*SIDES, *_BIRTHS, *_PLACES, "number", "phone", "email", "unborn", *IDENTIFIERS)
"""What :func:`of_fields` reads: the names of boxes."""


class _Read(msgspec.Struct):
    """What has been read so far."""

    words: list[Word] = []
    births: list[Birth] = []
    places: list[tuple[str, str]] = []
    numbers: list[Number] = []
    unborn: bool = False
    unread: list[str] = []

    def query(self, today: date) -> Query:
        """The query, when there is something in it to search by."""
        if self.unborn and not self.births:
            first, last = today + timedelta(days=1), latest_birth(today)
            self.births.append(Birth(first=first.isoformat(), last=last.isoformat()))
        query = Query(
            words=tuple(self.words[:MOST_WORDS]),
            birth=self.births[0] if self.births else None,
            places=tuple(dict.fromkeys(self.places)),
            numbers=tuple(dict.fromkeys(self.numbers)),
            unborn=self.unborn,
            unread=tuple(dict.fromkeys(self.unread)),
        )
        if not (any(not word.optional for word in query.words) or query.birth or query.places or query.numbers):
            what = f" This could not be read: {', '.join(query.unread)}." if query.unread else ""
            raise Invalid(f"Type a name, a date of birth or an age, a postcode or an area, or a number.{what}")
        return query


def of_fields(given: Mapping[str, str], today: date) -> Query:
    """Read a search from boxes (:data:`FIELDS`); blank ones are left out.

    ``postcode`` may be a whole one, a sector or a district; ``date_of_birth`` a date, a month or a year; ``age`` a
    number or two ("5 to 7"); ``number`` any identifier in any spelling; ``name`` parts of a name in any order;
    ``unborn`` anything at all.

    Raises :class:`~samechild.errors.Invalid` when there is no such box, one holds far too much, or nothing can be read.
    """
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise Invalid(f"There is no such box to search by; use: {', '.join(FIELDS)}.")
    values = {name: value.strip() for name, value in given.items() if value and value.strip()}
    if any(len(value) > LONGEST for value in values.values()):
        raise Invalid(f"Type at most {LONGEST} letters into one box.")
    read = _Read()
    for name, value in values.items():
        if name in SIDES:
            into: list[Any] = read.words
            found: Sequence[Any] = words_in(value, SIDES[name])
        elif name in _PLACES:
            into, found = read.places, _place(name, value)
        elif name in _BIRTHS:
            into, found = read.births, _births(name, value, today)
        elif name == "unborn":
            read.unborn = True
            continue
        else:
            into, found = read.numbers, _numbers(name, value)
        into.extend(found)
        if not found:
            read.unread.append(name)
    if "born_from" in values and "born_to" in values and len(read.births) > 1:
        read.births = [_between(read.births)]
    return read.query(today)


def words_in(text: str, side: str = EITHER) -> list[Word]:
    """The parts of a name as typed, without titles and what is no name; a small word such as *de* may be left out."""
    texts = [names.one_form(each) for each in to_letters(text).text.split()]
    texts = [each for each in texts if not (each in names.TITLES or each in NEWBORN or is_no_name(each, each))]
    texts = [each for each in texts if any(map(str.isalpha, each))]
    found = []
    for place, each in enumerate(texts):
        whole = each.replace("-", "")
        before = [other.replace("-", "") for other in texts[max(place - 3, 0) : place]]
        together = ["".join(before[start:]) + whole for start in range(len(before))]
        if place + 1 < len(texts):
            together.append(whole + texts[place + 1].replace("-", ""))
        parts = tuple(part for part in each.split("-") if len(part) > 1) if "-" in each else ()
        is_prefix = whole in _PREFIXES and place + 1 < len(texts)
        found.append(Word(whole, side, parts, tuple(together), is_prefix))
    return found


_PREFIXES = names.SURNAME_PREFIXES - {"BEN", "ABDUL", "FITZ"}
"""Words that may stand before a surname and are seldom a name of their own."""


def _births(name: str, value: str, today: date) -> list[Birth]:
    if name == "age":
        ages = re.findall(r"\d{1,3}", value)
        return [_aged(int(ages[0]), int(ages[-1]), today)] if 1 <= len(ages) <= 2 and int(ages[-1]) <= OLDEST else []
    read = read_date(value, DateReading(today))
    if read.date:
        born = Birth(day=read.date)
    elif read.month:
        born = Birth(month=read.month)
    elif read.year:
        born = Birth(year=read.year)
    else:
        return []
    if name == "date_of_birth":
        return [born]
    first, last = span(born)
    return [Birth(first=first if name == "born_from" else "", last=last if name == "born_to" else "")]


def _between(births: Sequence[Birth]) -> Birth:
    """From the first day of one to the last of the other."""
    first = next((each.first for each in births if each.first), "")
    last = next((each.last for each in births if each.last), "")
    return Birth(first=first, last=last)


def _aged(youngest: int, oldest: int, today: date) -> Birth:
    """Born so that the age today is between two ages, in years."""
    youngest, oldest = min(youngest, oldest), max(youngest, oldest)
    first = _years_before(today, oldest + 1) + timedelta(days=1)
    return Birth(first=first.isoformat(), last=_years_before(today, youngest).isoformat())


def _years_before(today: date, years: int) -> date:
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February
        return today.replace(year=today.year - years, day=28)


def span(birth: Birth) -> tuple[str, str]:
    """The first and the last day that are meant, as ISO texts; empty where there is no end."""
    if birth.day:
        return birth.day, birth.day
    if birth.month:
        year, month = map(int, birth.month.split("-"))
        return f"{birth.month}-01", f"{birth.month}-{monthrange(year, month)[1]:02d}"
    if birth.year:
        return f"{birth.year}-01-01", f"{birth.year}-12-31"
    return birth.first, birth.last


def _place(name: str, value: str) -> list[tuple[str, str]]:
    if name == "school":
        code = read_code(value)
        return [("school", code)] if code else []
    if name != "postcode":
        text = read_text(value)
        return [(name, text)] if text else []
    whole = postcode.check(value).value
    if whole is not None:
        return [("postcode", whole)]
    text = " ".join(to_letters(value).text.split())
    if _SECTOR.fullmatch(text):
        return [("postcode_sector", text)]
    return [("postcode_district", text)] if _DISTRICT.fullmatch(text) else []


_SECTOR = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]? [0-9]")
_DISTRICT = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?")


def _numbers(name: str, value: str) -> list[Number]:
    """What an identifier, telephone number or email address as typed may be."""
    if name == "phone":
        read = [(name, read_phone(value)[0])]
    elif name == "email":
        read = [(name, read_email(value)[0])]
    elif name == "other_id":
        read = [(name, read_other_id(value))]
    elif name == "number":
        read = [pair for field in TELLING for pair in _own(field, value)]
        if not any(found for _, found in read):
            read = [pair for field in ("scn", "ucrn", "la_child_id") for pair in _own(field, value)]
            read += [("other_id", read_other_id(value)), ("phone", read_phone(value)[0] if value[0] in "0+" else None)]
            read.append(("school", establishment.check(value, establishment.Register.SCHOOL).value))
    else:
        read = _own(name, value)
    kept = tuple(dict.fromkeys((field, found) for field, found in read if found))
    return [Number(kept)] if kept else []


def _own(field: str, value: str) -> list[tuple[str, str | None]]:
    """What a value of one identifier's field is, in every field that may hold it."""
    if field == "la_child_id":
        area, _, own = value.rpartition(":")
        found = read_number(field, own).value
        whole = f"{read_text(area)}:{found}" if area and found else found
        return [(field, whole)] if area else [(field, found), ("own_child_id", found)]
    read = read_number(field, value)
    if field in ("upn", "former_upn"):
        return [("upn", read.value), ("former_upn", read.value)]
    return [(field, read.value)]


# --- one box ----------------------------------------------------------------------------------------------------------

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*"
_MARKS = {
    **{ord(mark): " " for mark in SPACES},
    **{ord(mark): None for mark in INVISIBLE},
    **{ord(mark): "-" for mark in HYPHENS},
}
_LABELS = re.compile(r"\b(?:nhs|upn|uln|chi|dob|d\.o\.b\.?)\b(?:\s+(?:no|number|id)\b)?[.:]?", re.IGNORECASE)
_YEAR = r"(?:18|19|20)\d\d"
_PIECES: tuple[tuple[str, str], ...] = (
    ("email", r"\S+@\S+"),
    ("unborn", r"\bunborn(?:\s+baby)?\b"),
    ("date_of_birth", r"(?<![\w/.-])\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}(?![\w/-])"),
    ("date_of_birth", rf"\b\d{{1,2}}(?:st|nd|rd|th)?[\s-]*(?:of\s+)?{_MONTH}[\s,.-]*\d{{2,4}}\b"),
    ("date_of_birth", rf"\b{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?[\s,]+{_YEAR}\b"),
    ("date_of_birth", rf"(?<![\d-])\d{{1,2}}\s+\d{{1,2}}\s+{_YEAR}(?![\d-])"),
    ("date_of_birth", rf"\b{_MONTH}\s+{_YEAR}\b|(?<![\w/])\d{{1,2}}/{_YEAR}\b|(?<![\w-]){_YEAR}-\d{{2}}(?![\w-])"),
    ("years", rf"(?<![\w-]){_YEAR}\s*(?:-|to|until|–)\s*{_YEAR}(?![\w-])"),
    ("age", r"\bage[ds]?\b\s*:?\s*\d{1,3}(?:\s*(?:-|to|or|–)\s*\d{1,3})?\b"),
    ("age", r"\b\d{1,3}(?:\s*(?:-|to|or|–)\s*\d{1,3})?\s*(?:years?|yrs?|y)\b(?:[ /-]?o(?:lds?)?\b)?"),
    ("number", r"(?<!\w)[A-Z](?:[\s-]?\d){11}[\s-]?[\dA-Z]\b"),
    ("number", r"(?<!\S)[A-Z]{2}(?:\s?\d\d){3}\s?[A-D]?\b"),
    ("area", r"\b[EWSN]\d{8}\b"),
    ("postcode", r"\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b"),
    ("postcode", r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d\b(?![\d-])"),
    ("phone", r"(?<!\w)(?:\+44|0044)[\d ()-]{8,}\d\b"),
    ("date_of_birth", rf"(?<![\w-]){_YEAR}(?![\w-]|\s\d)"),
    ("number", r"(?<!\w)[A-Z]{0,2}\d[\d -]{4,}\d[A-Z]?\b"),
    ("postcode", r"(?<![\w-])[A-Z]{1,2}\d[A-Z\d]?(?![\w-])"),
    ("number", r"(?<!\S)\S*\d\S*"),
)
"""What a box may hold beside names, in the order in which it is looked for: what it is, and how it is written."""


def parse(text: str, today: date) -> Query:
    """Read a search from one box: names in any order, a date, an age, a postcode, numbers, "unborn".

    Raises :class:`~samechild.errors.Invalid` when it holds far too much, or nothing that can be read.
    """
    if len(text) > LONGEST:
        raise Invalid(f"Type at most {LONGEST} letters into one box.")
    read = _Read()
    left = _LABELS.sub(" ", text.translate(_MARKS))
    for name, pattern in _PIECES:
        left = re.sub(pattern, partial(_take, read, name, today), left, flags=re.IGNORECASE)
    read.words += words_in(left)
    if not read.words and any(map(str.isalpha, left)):
        read.unread.append("name")
    return read.query(today)


def _take(read: _Read, name: str, today: date, match: re.Match[str]) -> str:
    """Read one piece of a box; what is left in its place: nothing, or the piece when it is something else."""
    piece = match[0]
    if name == "unborn":
        read.unborn = True
        return " "
    if name == "years":
        first, last = sorted(re.findall(_YEAR, piece))
        read.births.append(Birth(first=f"{first}-01-01", last=f"{last}-12-31"))
        return " "
    found: Sequence[Any]
    if name in _BIRTHS:
        found = _births(name, piece, today)
        read.births.extend(found)
    elif name in _PLACES:
        found = _place(name, piece)
        read.places.extend(found)
    else:
        found = _numbers(name, piece.strip())
        read.numbers.extend(found)
    if not found and name in ("number", "email"):
        read.unread.append(name)
        return " "
    return " " if found else piece
