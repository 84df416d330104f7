"""A national register of a synthetic town's children, as the national service would hold them.

The town's agencies each wrote down what they knew; here stands what is true, and how it usually stands nationally: the
present names with the earlier ones as history (or, for some, not changed yet), the present address with earlier ones,
twins one after the other, a few children restricted, a few not registered at all, superseded numbers leading to the
present one, and, for adopted children, an old number that was withdrawn and leads nowhere. Shares are modelling
choices of this project, not statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec
import numpy as np
import pyarrow as pa

from samechild.errors import Invalid
from samechild.identifiers import nhs_number
from samechild.town.actions import BLOCK
from samechild.town.adoptions import adopt
from samechild.town.chance import Chance
from samechild.town.errors import misspell
from samechild.town.families import make_families
from samechild.town.names import load_names
from samechild.town.naming import full_surname
from samechild.town.places import choose_places, postcode_text
from samechild.town.rates import Rates, load_rates
from samechild.town.records import Children, Flags, Ints
from samechild.town.truth import scrambled
from samechild.tracing.stub.register import Address, Name, Register, Registered

RESTRICTED = 0.015
RESTRICTED_ADOPTED = 0.40
NOT_REGISTERED = 0.01
NAME_NOT_CHANGED_YET = 0.30
MOVE_NOT_KNOWN_YET = 0.15
OTHER_PARENT = 0.10
UNNAMED_NEWBORN = 0.05
MISSPELT = 0.005
WRONG_BIRTH_DATE = 0.001
BIRTH_ORDER = 0.60
OLD_IDENTITY_STILL_OPEN = 0.05


class NationalTown(msgspec.Struct, frozen=True):
    """The register of a town, and the truth about it for those who measure.

    ``numbers``: the present number of each child by the town's ``true_child_id``; a child who is not registered, or
    whose identity was closed by an adoption, is not there. ``superseded``: children who had an earlier number.
    ``restricted`` and ``former`` (old identities of adopted children): true child ids. ``homes``: postcodes held now.
    """

    register: Register
    numbers: dict[str, str]
    superseded: frozenset[str]
    restricted: frozenset[str]
    former: frozenset[str]
    adopted: frozenset[str]
    changed_name: frozenset[str]
    twins: dict[str, tuple[str, ...]]
    born: dict[str, date]
    given: dict[str, str]
    homes: dict[str, str]


def people_of_town(children: int, authorities: int = 2, seed: int = 1, rates: Rates | None = None) -> NationalTown:
    """Make the national register of the town that :func:`samechild.town.actions.make_town` makes of the same values.

    Raises:
        Invalid: for more children than a town's first block holds (100,000).
    """
    if not 1 <= children <= BLOCK:
        raise Invalid(f"The stand-in's register holds 1 to {BLOCK:,} children: ask for a number in between.")
    rates = rates or load_rates()
    names = load_names()
    places = choose_places(children, authorities, seed, names)
    made = make_families(children, 0, Chance(seed, 1, 0), places, names, rates)
    as_at = (rates.as_at - date(1970, 1, 1)).days
    made = adopt(made, 0, as_at, Chance(seed, 2, 0), places, names, rates)
    return _registered(made, places.authorities, Chance(seed, 5, 0), as_at)


def _registered(made: Children, authorities: int, chance: Chance, as_at: int) -> NationalTown:
    count, names = len(made), load_names()
    ids: list[str] = scrambled(np.arange(count), "K", 1).to_pylist()
    numbers: list[str] = nhs_number.synthetic_many(made.nhs_serial).to_pylist()
    former = made.adopted_as >= 0
    adopted = (made.adopted_at >= 0) & ~former
    absent = chance.happens(NOT_REGISTERED, count)
    restricted = chance.happens(np.where(adopted, RESTRICTED_ADOPTED, RESTRICTED), count)
    closed = former & ~chance.happens(OLD_IDENTITY_STILL_OPEN, count)
    surnames = full_surname(made.surname, made.surname_second, made.surname_joiner, names.text).to_pylist()
    forenames = _spelt(made.forename)
    written = _Written(
        numbers=numbers,
        forename=forenames,
        middle=_spelt(made.middle),
        second=_spelt(made.second_middle),
        surname=surnames,
        former=_spelt(made.former_surname),
        mother=_spelt(made.mother_surname),
        home=postcode_text(made.postcode, authorities).to_pylist(),
        earlier=postcode_text(made.earlier_postcode, authorities).to_pylist(),
        other=postcode_text(made.other_postcode, authorities).to_pylist(),
    )
    luck = chance.fractions(count * 7).reshape(7, count)
    bits = chance.bits(count).tolist()
    people = [
        _person(row, made, written, luck[:, row].tolist(), bits[row], as_at, bool(restricted[row]))
        for row in np.flatnonzero(~absent & ~closed).tolist()
    ]
    first = np.flatnonzero(made.first_nhs_serial >= 0)
    old = nhs_number.synthetic_many(made.first_nhs_serial[first]).to_pylist()
    superseded = {before: numbers[row] for before, row in zip(old, first.tolist(), strict=True) if not absent[row]}
    gone = [numbers[row] for row in np.flatnonzero(closed).tolist()]
    shown = {person.number: person for person in people}
    there = [row for row in range(count) if numbers[row] in shown]
    return NationalTown(
        register=Register(people, superseded, gone),
        numbers={ids[row]: numbers[row] for row in there},
        superseded=frozenset(ids[row] for row in first.tolist()),
        restricted=frozenset(ids[row] for row in there if restricted[row]),
        former=_those(ids, former),
        adopted=_those(ids, adopted),
        changed_name=_those(ids, made.former_surname >= 0),
        twins=_born_together(ids, made),
        born={ids[row]: date(1970, 1, 1) + timedelta(days=int(made.born[row])) for row in range(count)},
        given={ids[row]: forenames[row] for row in range(count)},
        homes={ids[row]: shown[numbers[row]].addresses[0].postcode for row in there},
    )


class _Written(msgspec.Struct, frozen=True):
    """The children's names and addresses as text, one element for each child."""

    numbers: list[str]
    forename: list[str]
    middle: list[str]
    second: list[str]
    surname: list[str]
    former: list[str]
    mother: list[str]
    home: list[str | None]
    earlier: list[str | None]
    other: list[str | None]


def _spelt(codes: Ints) -> list[str]:
    text = load_names().text.take(pa.array(np.maximum(codes, 0), mask=codes < 0))
    return [name or "" for name in text.to_pylist()]


def _those(ids: Sequence[str], chosen: Flags) -> frozenset[str]:
    return frozenset(ids[row] for row in np.flatnonzero(chosen).tolist())


def _born_together(ids: Sequence[str], made: Children) -> dict[str, tuple[str, ...]]:
    of_birth: dict[int, list[str]] = {}
    for row in np.flatnonzero(made.babies > 1).tolist():
        of_birth.setdefault(int(made.maternity[row]), []).append(ids[row])
    return {one: tuple(other for other in them if other != one) for them in of_birth.values() for one in them}


def _person(
    row: int, made: Children, written: _Written, luck: list[float], bits: int, as_at: int, restricted: bool
) -> Registered:
    born = date(1970, 1, 1) + timedelta(days=int(made.born[row]))
    if luck[0] < WRONG_BIRTH_DATE and born.day <= 12:
        born = date(born.year, born.day, born.month)
    twin = int(made.babies[row]) > 1
    home = _addresses(written, row, luck)
    district = home[0].postcode.partition(" ")[0]
    return Registered(
        number=written.numbers[row],
        names=_names(made, written, row, luck, bits, as_at),
        born=born,
        sex="male" if made.male[row] else "female",
        addresses=home,
        practice=f"Y{sum(map(ord, district)) * 7919 % 90000 + 10000}",
        restricted=restricted,
        birth_order=int(made.birth_order[row]) if twin and luck[6] < BIRTH_ORDER else 0,
        version=1 + bits % 7,
    )


def _names(made: Children, written: _Written, row: int, luck: list[float], bits: int, as_at: int) -> tuple[Name, ...]:
    given = tuple(name for name in (written.forename[row], written.middle[row], written.second[row]) if name)
    newborn = as_at - int(made.born[row]) < 42
    if newborn and luck[1] < UNNAMED_NEWBORN:
        return (Name(written.mother[row], ("Baby",)),)
    if luck[2] < MISSPELT:
        given = (misspell(given[0], bits), *given[1:])
    before = written.former[row]
    if not before:
        return (Name(written.surname[row], given),)
    if luck[3] < NAME_NOT_CHANGED_YET:
        return (Name(before, given),)
    return (Name(written.surname[row], given), Name(before, given, "old"))


def _addresses(written: _Written, row: int, luck: list[float]) -> tuple[Address, ...]:
    home, earlier, other = written.home[row] or "", written.earlier[row], written.other[row]
    if other and luck[5] < OTHER_PARENT:
        return (Address(other), Address(home, use="old"))
    if not earlier or earlier == home:
        return (Address(home),)
    if luck[4] < MOVE_NOT_KNOWN_YET:
        return (Address(earlier),)
    return (Address(home), Address(earlier, use="old"))
