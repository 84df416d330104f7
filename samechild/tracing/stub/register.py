"""The people of the stand-in, and how a search finds them.

The rules are those of the service's published interface: a search that is not fuzzy needs the family name and the
birth date and compares names as they are written but for capitals and accents; ``*`` stands for the rest of a name;
fuzzy searches go by how names sound, accept given and family name exchanged, and look at history too. Somebody found
by an earlier name or address is shown as they are now. A restricted person is never found by postcode or practice.

Source: Personal Demographics Service FHIR API, NHS England.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

import msgspec
from rapidfuzz.distance import JaroWinkler

from samechild.demographics.letters import to_letters
from samechild.errors import Conflict, Invalid
from samechild.identifiers import nhs_number
from samechild.identifiers.kinds import Kind

WILDCARD = "*"
_HISTORIC = 0.05
"""Taken off the score of what was found in history."""


class Name(msgspec.Struct, frozen=True):
    """A name a person has or had. ``use``: usual, old or nickname."""

    family: str
    given: tuple[str, ...] = ()
    use: str = "usual"


class Address(msgspec.Struct, frozen=True):
    """Where a person lives or lived. ``use``: home or old."""

    postcode: str
    lines: tuple[str, ...] = ()
    use: str = "home"


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """One synthetic person as the national service would hold them."""

    number: str
    names: tuple[Name, ...] = ()
    born: date | None = None
    sex: str = ""  # male, female, other, unknown, or empty
    addresses: tuple[Address, ...] = ()
    practice: str = ""
    phone: str = ""
    email: str = ""
    died: date | None = None
    restricted: bool = False
    birth_order: int = 0  # place in the birth; 0: not recorded
    version: int = 1

    def __repr__(self) -> str:
        return "Registered(values hidden)"


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched for, after the service has read it."""

    family: str = ""
    given: tuple[str, ...] = ()
    born: tuple[date, date] | None = None
    sex: str = ""
    postcode: str = ""
    practice: str = ""
    phone: str = ""
    email: str = ""
    died: tuple[date, date] | None = None
    fuzzy: bool = False
    exact: bool = False
    history: bool = False


class Found(msgspec.Struct, frozen=True):
    """A person who was found, and how alike: 1 is exact."""

    person: Registered
    score: float


class Register:
    """Every person of the stand-in, found by number or by birth date."""

    def __init__(
        self, people: Iterable[Registered], superseded: dict[str, str] | None = None, invalidated: Iterable[str] = ()
    ) -> None:
        self.people: dict[str, Registered] = {}
        self.superseded = dict(superseded or {})
        self.invalidated = frozenset(invalidated)
        self._by_birth: dict[date, list[Registered]] = defaultdict(list)
        for person in people:
            self._add(person)
        if any(number in self.people for number in [*self.superseded, *self.invalidated]):
            raise Conflict("A superseded or invalidated number of the stand-in also belongs to a person.")

    def _add(self, person: Registered) -> None:
        if nhs_number.check(person.number).kind != Kind.SYNTHETIC:
            raise Invalid("The stand-in takes synthetic people only: their numbers begin with 9.")
        if person.number in self.people:
            raise Conflict("Two people of the stand-in have one number.")
        self.people[person.number] = person
        if person.born is not None:
            self._by_birth[person.born].append(person)

    def now(self, number: str) -> str:
        """The number that a number leads to now: itself, or what replaced it, however often it was replaced."""
        for _ in range(len(self.superseded)):
            if number not in self.superseded:
                break
            number = self.superseded[number]
        return number

    def search(self, asked: Search, most: int) -> list[Found] | None:
        """Everybody who fits, the likest first; None when there are more than ``most``."""
        found: list[Found] = []
        for person in self._born_within(asked.born):
            score = _score(person, asked)
            if score is not None:
                found.append(Found(person, score))
        if len(found) > most:
            return None
        return sorted(found, key=lambda one: (-one.score, one.person.number))

    def _born_within(self, born: tuple[date, date] | None) -> Iterable[Registered]:
        if born is None:
            return
        first, last = born
        if (last - first).days > len(self._by_birth):
            days: Iterable[date] = sorted(day for day in self._by_birth if first <= day <= last)
        else:
            days = (first + timedelta(days=step) for step in range((last - first).days + 1))
        for day in days:
            yield from self._by_birth.get(day, ())


def folded(text: str) -> str:
    """A name as it is compared: capitals, no accents; hyphens, spaces and apostrophes stand."""
    return " ".join((text.upper() if text.isascii() else to_letters(text).text).split())


def soundex(name: str) -> str:
    """The American Soundex code of a name, which the service's fuzzy search goes by."""
    letters = [letter for letter in folded(name) if "A" <= letter <= "Z"]
    if not letters:
        return ""
    code, last = letters[0], _SOUNDS.get(letters[0], "")
    for letter in letters[1:]:
        sound = _SOUNDS.get(letter, "")
        if sound and sound != last:
            code += sound
        if letter not in "HW":
            last = sound
    return code[:4].ljust(4, "0")


_SOUNDS = {
    **dict.fromkeys("BFPV", "1"),
    **dict.fromkeys("CGJKQSXZ", "2"),
    **dict.fromkeys("DT", "3"),
    "L": "4",
    **dict.fromkeys("MN", "5"),
    "R": "6",
}


def _score(person: Registered, asked: Search) -> float | None:
    """How well a person fits a search, or None when they do not."""
    if person.restricted and (asked.postcode or asked.practice):
        return None
    if asked.sex and asked.sex != (person.sex or "unknown"):
        return None
    if not _contacts_fit(person, asked):
        return None
    history = asked.history or asked.fuzzy
    named = _name_score(person, asked, history)
    placed = _place_score(person, asked, history)
    if named is None or placed is None:
        return None
    if asked.exact and min(named, placed) < 1:
        return None
    return round(min(named, placed), 4)


def _contacts_fit(person: Registered, asked: Search) -> bool:
    if asked.phone and asked.phone != person.phone:
        return False
    if asked.email and asked.email.casefold() != person.email.casefold():
        return False
    if asked.died and not asked.fuzzy:
        return person.died is not None and asked.died[0] <= person.died <= asked.died[1]
    return True


def _name_score(person: Registered, asked: Search, history: bool) -> float | None:
    if not asked.family and not asked.given:
        return 1.0
    scores = []
    for name in person.names:
        if name.use == "old" and not history:
            continue
        score = _fuzzy_name(name, asked) if asked.fuzzy else _plain_name(name, asked)
        if score is not None:
            scores.append(score - (_HISTORIC if name.use == "old" else 0))
    return max(scores) if scores else None


def _plain_name(name: Name, asked: Search) -> float | None:
    if asked.family and not _begins(name.family, asked.family):
        return None
    if not asked.given:
        return 1.0
    if not name.given or not _begins(name.given[0], asked.given[0]):
        return None
    others = [folded(each) for each in name.given[1:]]
    return 1.0 if all(folded(each) in others for each in asked.given[1:]) else None


def _begins(held: str, asked: str) -> bool:
    if asked.endswith(WILDCARD):
        return folded(held).startswith(folded(asked[:-1]))
    return folded(held) == folded(asked)


def _fuzzy_name(name: Name, asked: Search) -> float | None:
    given = asked.given[0] if asked.given else ""
    held = name.given[0] if name.given else ""
    straight = _sounds_alike(name.family, asked.family) and _sounds_alike(held, given)
    crossed = bool(given and asked.family) and (_sounds_alike(name.family, given) and _sounds_alike(held, asked.family))
    if not straight and not crossed:
        return None
    pairs = [(name.family, asked.family), (held, given)] if straight else [(name.family, given), (held, asked.family)]
    likeness = [JaroWinkler.similarity(folded(one), folded(two)) for one, two in pairs if two]
    return sum(likeness) / len(likeness) - (0 if straight else 0.05)


def _sounds_alike(held: str, asked: str) -> bool:
    return not asked or (bool(held) and soundex(held) == soundex(asked))


def _place_score(person: Registered, asked: Search, history: bool) -> float | None:
    score = 1.0
    if asked.practice and person.practice != asked.practice.upper():
        if not asked.fuzzy:
            return None
        score -= 0.05
    if not asked.postcode:
        return score
    here = [each for each in person.addresses if history or each.use != "old"]
    fitting = [each for each in here if _postcode_fits(each.postcode, asked.postcode)]
    if not fitting:
        return None
    return score - (_HISTORIC if all(each.use == "old" for each in fitting) else 0)


def _postcode_fits(held: str, asked: str) -> bool:
    compact, wanted = _compact(held), _compact(asked)
    return compact.startswith(wanted[:-1]) if wanted.endswith(WILDCARD) else compact == wanted


def _compact(postcode: str) -> str:
    return "".join(postcode.upper().split())
