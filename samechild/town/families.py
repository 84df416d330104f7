"""Who lives in the town: households with children, born, named, numbered and moved about as families are.

Everything is drawn column by column for a block of families, so that a million records take seconds. Rates come from
``rates.toml``. What only a person's judgement could give (who looks like whom) is made afterwards, for the few children
it concerns.
"""

from __future__ import annotations

import datetime
from typing import NamedTuple

import msgspec
import numpy as np

from samechild.town import names as name_lists
from samechild.town.chance import Chance
from samechild.town.names import Names
from samechild.town.naming import custom_surnames, draw_surnames, give_names
from samechild.town.places import Places
from samechild.town.rates import FamilyRates, Rates
from samechild.town.records import Children, Flags, Floats, Ints

CHILDHOOD = 6574  # days from birth to the day before the eighteenth birthday
YOUTH = 2550  # further days, to the twenty-fifth birthday
SERIALS_OF_A_BIRTH = 5  # numbers kept for one maternity, so that twins' numbers are neighbours and strangers' are not
CHILDRENS_HOME, NO_HOUSE = 99, -1  # house numbers with a meaning
FIRST_NUMBERS = 60_000_000  # serials of numbers later superseded or given up begin here


class Homes(NamedTuple):
    """One element per family."""

    authority: Ints
    earlier_authority: Ints
    postcode: Ints
    earlier_postcode: Ints
    other_postcode: Ints
    ethnicity: Ints
    community: Ints
    hardship: Floats
    surname: Ints
    surname_second: Ints
    surname_joiner: Ints
    stepfather: Ints
    former_surname: Ints
    mother_surname: Ints
    religious: Flags


def make_families(count: int, first: int, chance: Chance, places: Places, names: Names, rates: Rates) -> Children:
    """Make the families of exactly ``count`` children (adopted children's second identities come on top).

    ``first`` is the number of children in the blocks before: it keeps numbers and families apart between blocks.
    """
    births, babies = _births(count, chance, rates.families)
    homes = _homes(len(births), chance, places, names, rates)
    family_of_birth = np.repeat(np.arange(len(births)), births)
    born_of_birth = _birth_dates(births, family_of_birth, chance, rates)
    maternity = np.repeat(np.arange(len(family_of_birth)), babies)
    family = family_of_birth[maternity]
    order = np.arange(count) - np.repeat(np.cumsum(babies) - babies, babies) + 1

    identical = chance.happens(rates.families.identical, len(babies))[maternity] & (babies[maternity] > 1)
    boy_first = chance.happens(0.512, len(babies))[maternity]
    male = np.where(identical, boy_first, chance.happens(0.512, count))
    half = chance.happens(rates.families.half_siblings, len(family_of_birth)) & ~_is_first(family_of_birth)
    stepchild = half[maternity]
    serial = (first * 2 + chance.order(len(family_of_birth))[maternity]) * SERIALS_OF_A_BIRTH + order

    blank = Children.blank(count)
    children = msgspec.structs.replace(
        blank,
        family=first * 2 + family, maternity=first * 2 + maternity, babies=babies[maternity], birth_order=order,
        male=male, born=born_of_birth[maternity], community=homes.community[family],
        ethnicity=homes.ethnicity[family], hardship=homes.hardship[family], authority=homes.authority[family],
        earlier_authority=homes.earlier_authority[family], postcode=homes.postcode[family],
        earlier_postcode=homes.earlier_postcode[family], other_postcode=homes.other_postcode[family],
        house=chance.below(90, len(births))[family],
        surname=np.where(stepchild, homes.stepfather[family], homes.surname[family]),
        surname_second=np.where(stepchild, -1, homes.surname_second[family]),
        surname_joiner=homes.surname_joiner[family], former_surname=homes.former_surname[family],
        mother_surname=homes.mother_surname[family], nhs_serial=serial, upn_serial=serial.copy(),
        uln_serial=first * 2 + chance.order(count),
    )  # fmt: skip
    give_names(children, chance, names, rates.families)
    custom_surnames(children, homes.religious[family], names)
    _number_changes(children, first, chance, rates)
    _new_homes(children, chance, places, rates)
    return children


def _is_first(groups: Ints) -> Flags:
    """True for the first element of each run of equal numbers."""
    starts: Flags = np.diff(groups, prepend=-1) != 0
    return starts


def _births(count: int, chance: Chance, rates: FamilyRates) -> tuple[Ints, Ints]:
    """Births of each family, and babies of each birth, that come to exactly ``count`` children."""
    running: Floats = np.cumsum(np.array(rates.births, dtype=np.float64))
    running /= running[-1]
    births = 1 + np.minimum(np.searchsorted(running, chance.fractions(count), side="right"), len(running) - 1)
    family = np.repeat(np.arange(count), births)
    babies = 1 + chance.happens(rates.multiple, len(family)).astype(np.int64)
    babies += (babies == 2) & chance.happens(rates.triplets, len(family))
    total = np.cumsum(np.bincount(family, weights=babies, minlength=count).astype(np.int64))
    families = int(np.searchsorted(total, count, side="right"))
    short = count - (int(total[families - 1]) if families else 0)
    kept = family < families
    births = np.concatenate([births[:families], np.ones(short, dtype=np.int64)])
    return births, np.concatenate([babies[kept], np.ones(short, dtype=np.int64)])


def _birth_dates(births: Ints, family: Ints, chance: Chance, rates: Rates) -> Ints:
    """Days since 1970 of each birth: one to five years between births of a family, all within a childhood."""
    gap = 380 + ((chance.fractions(len(family)) + chance.fractions(len(family))) * 900).astype(np.int64)
    gap[_is_first(family)] = 0
    since = np.cumsum(gap)
    start = np.cumsum(births) - births
    since -= np.repeat(since[start], births)
    span = np.maximum.reduceat(since, start)
    squeeze = np.minimum(1.0, 0.97 * CHILDHOOD / np.maximum(span, 1))
    since = np.floor(since * squeeze[family]).astype(np.int64)
    span = np.maximum.reduceat(since, start).astype(np.int64)
    youngest = chance.below(CHILDHOOD - span, len(births))
    grown = chance.happens(rates.families.grown_up, len(births))
    youngest += np.where(grown, chance.below(YOUTH, len(births)), 0)
    as_at = (rates.as_at - datetime.date(1970, 1, 1)).days
    age = youngest[family] + (span[family] - since)
    return (as_at - age).astype(np.int64)


def _chosen(running: Floats, rows: Ints, chance: Chance) -> Ints:
    """For each row number of a table of running shares, draw a column."""
    drawn = chance.fractions(len(rows))
    found = np.zeros(len(rows), dtype=np.int64)
    for row in range(len(running)):
        mine = rows == row
        found[mine] = np.searchsorted(running[row], drawn[mine], side="right")
    columns: Ints = np.minimum(found, running.shape[1] - 1)
    return columns


def _homes(count: int, chance: Chance, places: Places, names: Names, rates: Rates) -> Homes:
    family = rates.families
    authority = chance.below(places.authorities, count)
    ethnicity = _chosen(places.ethnicity_running, authority, chance)
    community = _chosen(places.community_running, ethnicity, chance)
    hardship = np.minimum(chance.fractions(count), chance.fractions(count))
    moving = 1 + rates.hardship.moving * (hardship - 1 / 3)
    moved = chance.happens(family.moved * moving, count)
    across = chance.happens(family.moved_across * moving, count) & (places.authorities > 1)
    away = (authority + 1 + chance.below(max(1, places.authorities - 1), count)) % places.authorities
    earlier_authority = np.where(across, away, authority)
    earlier = np.where(moved | across, places.postcode(earlier_authority, chance), -1)
    other = np.where(chance.happens(family.separated, count), places.postcode(authority, chance), -1)

    surname = draw_surnames(community, chance, names)
    like = np.lexsort((chance.bits(count), community, authority))
    before = np.roll(like, 1)
    cousin = (authority[like] == authority[before]) & (community[like] == community[before])
    cousin &= chance.happens(family.cousins, count)
    surname[like[cousin]] = surname[before[cousin]]
    second_share = np.full(count, family.double_barrelled)
    for group in name_lists.TWO_SURNAMES:
        second_share[community == names.communities.index(group)] = 0.7
    double = chance.happens(second_share, count)
    mother = draw_surnames(community, chance, names)
    other_name = chance.happens(family.mother_other_surname, count) | double
    mother = np.where(other_name, mother, surname)
    former = np.where(mother != surname, mother, draw_surnames(community, chance, names))
    changed = chance.happens(family.surname_changed, count)
    return Homes(
        authority=authority, earlier_authority=earlier_authority, postcode=places.postcode(authority, chance),
        earlier_postcode=earlier, other_postcode=other, ethnicity=ethnicity, community=community, hardship=hardship,
        surname=surname, surname_second=np.where(double, mother, -1),
        surname_joiner=chance.happens(0.2, count).astype(np.int64),
        stepfather=draw_surnames(community, chance, names), former_surname=np.where(changed, former, -1),
        mother_surname=mother, religious=chance.happens(0.3, count),
    )  # fmt: skip


def _number_changes(children: Children, first: int, chance: Chance, rates: Rates) -> None:
    """Superseded NHS numbers, temporary and former UPNs; learner numbers from 14."""
    count, family = len(children), rates.families
    spare = FIRST_NUMBERS + (first * 2 + chance.order(count)) * 2
    children.first_nhs_serial = np.where(chance.happens(family.second_nhs_number, count), spare, -1)
    children.temporary_upn_serial = np.where(chance.happens(family.temporary_upn, count), spare, -1)
    children.former_upn_serial = np.where(chance.happens(family.changed_upn, count), spare, -1)


def _new_homes(children: Children, chance: Chance, places: Places, rates: Rates) -> None:
    """Brothers and sisters who live elsewhere: a children's home, a foster family, guardians, no fixed abode."""
    share = rates.families
    _, first, family = np.unique(children.family, return_index=True, return_inverse=True)
    count, hardship, authority = len(first), children.hardship[first], children.authority[first]
    in_care = chance.happens(share.in_care * (1 + rates.hardship.social_care * (hardship - 1 / 3)), count)
    in_home = in_care & chance.happens(share.children_home, count)
    homes = places.postcode(chance.below(places.authorities, max(1, count // 4500)), chance)
    new_home = np.where(in_home, homes[chance.below(len(homes), count)], places.postcode(authority, chance))
    guardian = chance.happens(share.guardianship, count) & ~in_care
    homeless = chance.happens(share.no_fixed_abode, count) & ~in_care
    elsewhere = (in_care | guardian)[family]
    children.earlier_postcode = np.where(elsewhere, children.postcode, children.earlier_postcode)
    children.postcode = np.where(elsewhere, new_home[family], children.postcode)
    house = np.where(in_home, CHILDRENS_HOME, np.where(homeless, NO_HOUSE, 90 + chance.below(9, count)))
    children.house = np.where(elsewhere | homeless[family], house[family], children.house)
