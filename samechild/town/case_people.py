"""Who the children of a council's case system are: taken from a town's families, each with an id of its own.

A council sends the same made-up children every night, so one child is the same person whatever day is asked for. The
children come either from a town that was made before (so that its schools and health services know them too) or, when
nothing but a seed is given, from families made for the purpose.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import msgspec
import pyarrow as pa

from samechild.identifiers import upn
from samechild.town.chance import Chance
from samechild.town.families import make_families
from samechild.town.names import load_names
from samechild.town.naming import full_surname
from samechild.town.places import ROOM_FOR_POSTCODES, choose_places, postcode_text
from samechild.town.rates import load_rates
from samechild.town.records import Town

BLOCK = 1_000
POSTCODES_FOR = 60_000
"""Children for whose families a council has postcodes, however few of them are made."""
UNBORN = 170
"""Days into the future in which the youngest are born; half of them are known before."""
_EPOCH = date(1970, 1, 1)
_PRIME, _OTHER_PRIME = 9_999_991, 99_999_989
_PURPOSE = 91  # the part of a seed's draws that is for case systems


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who one child is to a council: names, birth, where home is, and the council's own number of the child."""

    la_child_id: str
    number: int  # of this person among the council's; the ids of everything kept about the child come from it
    family: int
    first_name: str | None
    surname: str | None
    born: date
    male: bool
    ethnicity: str | None
    upn: str | None  # once at school
    no_upn: str | None = None  # why there is none (UN1 to UN10)
    postcode: str | None
    next_postcode: str | None = None  # where the family may move to


def child_id(number: int, seed: int) -> str:
    """The council's own number of a child: seven digits, all different, in no order."""
    return f"{(number * 48_271 + seed * 7_919 + 1_234_567) % _PRIME:07d}"


def made_people(count: int, seed: int, today: date) -> Iterator[Person]:
    """Make so many children of one council, from birth to 25 on ``today``; the first ones do not depend on ``count``.

    Memory stays the same however many are asked for. Postcodes are of areas that do not exist, UPNs of the authority
    000 that issues none.
    """
    rates, names = load_rates(), load_names()
    places = choose_places(POSTCODES_FOR, 1, seed, names)
    shift = (today - rates.as_at).days + UNBORN
    for first in range(0, count, BLOCK):
        chance = Chance(seed, _PURPOSE, first // BLOCK)
        people = make_families(BLOCK, first, chance, places, names, rates)
        wanted = min(BLOCK, count - first)
        texts = [names.text.take(pa.array(people.forename))]
        texts.append(full_surname(people.surname, people.surname_second, people.surname_joiner, names.text))
        texts.append(upn.synthetic_many(seed % 1_000 * 900_000 + people.upn_serial % 900_000))
        texts.append(postcode_text(people.postcode % ROOM_FOR_POSTCODES, 1))
        texts.append(postcode_text(chance.below(places.postcodes, BLOCK), 1))
        columns = [part.to_pylist() for part in texts]
        numbers = zip(
            people.family.tolist(), people.born.tolist(), people.male.tolist(), people.ethnicity.tolist(), strict=True
        )
        for row, (family, born, male, ethnicity) in enumerate(numbers):
            if row == wanted:
                break
            if born + shift > (today - _EPOCH).days + UNBORN // 2:  # not yet known to anybody
                born -= 400
            yield Person(
                la_child_id=child_id(first + row, seed), number=first + row, family=family,
                first_name=columns[0][row], surname=columns[1][row],
                born=_EPOCH + timedelta(days=born + shift), male=male,
                ethnicity=places.ethnicities[ethnicity], upn=columns[2][row],
                postcode=columns[3][row], next_postcode=columns[4][row],
            )  # fmt: skip


def people_of(town: Town, source: str, today: date) -> list[Person]:
    """The children whom one social care service of a town knows, as it wrote them down, mistakes and blanks included.

    ``source`` is such as ``alder_social_care``. Two records of one child under one number give one person. A child
    without a birth date, or aged 26 or more on ``today``, is left out.
    """
    rows = town.records.filter(pa.compute.equal(town.records["source"], source))
    told: list[dict[str, Any]] = rows.to_pylist()
    found: dict[str, Person] = {}
    for number, row in enumerate(told):
        own = row["la_child_id"] or row["record_id"]
        try:
            born = date.fromisoformat(row["date_of_birth"] or "")
        except ValueError:
            continue
        if own in found or not born <= today < born + timedelta(days=26 * 365):
            continue
        whole = upn.check(row["upn"] or "").value is not None
        found[own] = Person(
            la_child_id="".join(letter for letter in own if letter.isascii() and letter.isalnum())[:20],
            number=number, family=number, first_name=row["forename"], surname=row["surname"], born=born,
            male=row["sex"] == "M", ethnicity=row["ethnicity"], upn=row["upn"] if whole else None,
            no_upn=None if whole else row["upn"], postcode=row["postcode"],
        )  # fmt: skip
    return list(found.values())


def item_ids(number: int, seed: int) -> Iterator[str]:
    """Ids for what is kept about one child, never two alike in a council; they do not tell whose they are."""
    stem = (number * 69_621 + seed * 104_729 + 31_415_926) % _OTHER_PRIME
    return (f"{stem:08d}{count}" for count in itertools.count(10))
