"""Who lives in the town: households with children, born, named, numbered and moved about as families are.

Everything is drawn column by column for a block of families, so that a million records take seconds. Rates come from
``rates.toml``. What only a person's judgement could give (who looks like whom) is made afterwards, for the few children
it concerns.
"""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.town import names as name_lists
from samechild.town.chance import Chance
from samechild.town.names import Names, Pool
from samechild.town.places import Places
from samechild.town.rates import FamilyRates, Rates
from samechild.town.records import Children, Flags, Floats, Ints

CHILDHOOD = 6574  # days from birth to the day before the eighteenth birthday
YOUTH = 2550  # further days, to the twenty-fifth birthday
SERIALS_OF_A_BIRTH = 5  # numbers kept for one maternity, so that twins' numbers are neighbours and strangers' are not
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

    none = np.full(count, -1, dtype=np.int64)
    children = Children(
        family=first * 2 + family, maternity=first * 2 + maternity, babies=babies[maternity], birth_order=order,
        male=male, born=born_of_birth[maternity], community=homes.community[family],
        ethnicity=homes.ethnicity[family], hardship=homes.hardship[family], authority=homes.authority[family],
        earlier_authority=homes.earlier_authority[family], postcode=homes.postcode[family],
        earlier_postcode=homes.earlier_postcode[family], other_postcode=homes.other_postcode[family],
        house=chance.below(90, len(births))[family], forename=none.copy(), middle=none.copy(),
        second_middle=none.copy(), known_as=none.copy(),
        surname=np.where(stepchild, homes.stepfather[family], homes.surname[family]),
        surname_second=np.where(stepchild, -1, homes.surname_second[family]),
        surname_joiner=homes.surname_joiner[family], former_surname=homes.former_surname[family],
        mother_surname=homes.mother_surname[family], nhs_serial=serial, first_nhs_serial=none.copy(),
        upn_serial=serial.copy(), former_upn_serial=none.copy(), temporary_upn_serial=none.copy(),
        uln_serial=first * 2 + chance.order(count), adopted_as=none.copy(), adopted_at=none.copy(),
    )  # fmt: skip
    _give_names(children, chance, names, rates)
    _custom_surnames(children, homes.religious[family], chance, names)
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


def draw_surnames(community: Ints, chance: Chance, names: Names) -> Ints:
    """A surname for each family from its community's list."""
    surname = np.zeros(len(community), dtype=np.int64)
    for number in range(len(names.communities)):
        mine = np.flatnonzero(community == number)
        surname[mine] = names.last[number].draw(chance, len(mine))
    return surname


def draw_first_names(children: Children, rows: Ints, chance: Chance, names: Names) -> Ints:
    """A first name for each child, by sex, community and year of birth."""
    male, community, born = children.male[rows], children.community[rows], children.born[rows]
    own = chance.happens(names.own_share[community], len(rows))
    year = 1970 + born / 365.2425
    cohort = np.abs(year[:, None] - np.array(name_lists.COHORTS)).argmin(axis=1)
    drawn = np.full(len(rows), -1, dtype=np.int64)

    def fill(mine: Flags, pool: Pool) -> None:
        at = np.flatnonzero(mine)
        drawn[at] = pool.draw(chance, len(at))

    for sex in (False, True):
        for index, cohort_year in enumerate(name_lists.COHORTS):
            fill(~own & (male == sex) & (cohort == index), names.general_first[sex, cohort_year])
        for number in np.unique(community[own]).tolist():
            fill(own & (male == sex) & (community == number), names.first[sex, number])
    return drawn


def _give_names(children: Children, chance: Chance, names: Names, rates: Rates) -> None:
    """First, middle and known-as names; brothers and sisters get different ones, twins sometimes alike."""
    count, family = len(children), rates.families
    everyone = np.arange(count)
    children.forename = draw_first_names(children, everyone, chance, names)
    for _ in range(3):
        again = np.flatnonzero(_same_in_family(children))
        children.forename[again] = draw_first_names(children, again, chance, names)
    middle = draw_first_names(children, everyone, chance, names)
    children.middle = np.where(chance.happens(family.middle_name, count), middle, -1)
    second = draw_first_names(children, everyone, chance, names)
    has_second = (children.middle >= 0) & chance.happens(family.second_middle_name, count)
    children.second_middle = np.where(has_second, second, -1)
    _muhammad(children, chance, names, family)
    _cousin_names(children, chance, family)
    _alike_twins(children, chance, names, family)
    _known_as(children, chance, names, family)
    _namesakes(children, chance, family)


def _same_in_family(children: Children) -> Flags:
    """True where an earlier child of the family has the same first name."""
    order = np.lexsort((np.arange(len(children)), children.forename, children.family))
    family, name = children.family[order], children.forename[order]
    same = np.zeros(len(children), dtype=np.bool_)
    same[order[1:]] = (family[1:] == family[:-1]) & (name[1:] == name[:-1])
    return same


def _muhammad(children: Children, chance: Chance, names: Names, rates: FamilyRates) -> None:
    """Boys named Muhammad and another name, by which many are known."""
    muslim = np.array([group in name_lists.MUSLIM for group in names.communities])[children.community]
    spellings = np.array([names.position[name] for name in name_lists.MUHAMMAD])
    already = np.isin(children.forename, spellings)
    chosen = muslim & children.male & ~already & chance.happens(rates.muhammad_first, len(children))
    rows = np.flatnonzero(chosen)
    family_spelling = spellings[np.minimum(chance.below(12, len(rows)) // 2, len(spellings) - 1)]
    children.middle[rows] = children.forename[rows]
    children.forename[rows] = family_spelling
    known = rows[chance.happens(0.6, len(rows))]
    children.known_as[known] = children.middle[known]


def _cousin_names(children: Children, chance: Chance, rates: FamilyRates) -> None:
    """Children named as a cousin is: same surname, near in age, another family."""
    year = children.born // 1500
    order = np.lexsort((chance.bits(len(children)), year, children.male, children.surname, children.authority))
    before = np.roll(order, 1)
    cousin = chance.happens(rates.cousin_same_name, len(children)) & (children.babies[order] == 1)
    for held in (children.authority, children.surname, children.male, year, children.community):
        cousin &= held[order] == held[before]
    cousin &= children.family[order] != children.family[before]
    children.forename[order[cousin]] = children.forename[before[cousin]]


def _alike_twins(children: Children, chance: Chance, names: Names, rates: FamilyRates) -> None:
    """Give some twins names that look alike; make sure that, but for a few, twins' first names differ."""
    starts = np.flatnonzero((children.babies > 1) & (children.birth_order == 1))
    alike = chance.happens(rates.alike_names, len(starts))
    shared = chance.happens(rates.shared_first_name, len(starts))
    how, pick = chance.below(100, len(starts)), chance.bits(len(starts))
    for start, is_alike, is_shared, way, number in zip(
        starts.tolist(), alike.tolist(), shared.tolist(), how.tolist(), pick.tolist(), strict=True
    ):
        rows = range(start, start + int(children.babies[start]))
        if is_shared and len({bool(children.male[row]) for row in rows}) == 1:
            _share_first_name(children, rows, names, number)
        elif is_alike:
            _name_alike(children, rows, names, way, number)
        _part(children, rows, names, number, shared=is_shared)


def _share_first_name(children: Children, rows: range, names: Names, number: int) -> None:
    """One first name for all, told apart by the second: Muhammad Ali and Muhammad Hassan."""
    for turn, row in enumerate(rows):
        pool = names.general_first[bool(children.male[row]), 2012]
        if children.middle[row] < 0 or (turn and children.middle[row] == children.middle[rows[0]]):
            children.middle[row] = pool.names[(number + 7 * turn) % 60]
        children.known_as[row] = children.middle[row]
        children.forename[row] = children.forename[rows[0]]


def _name_alike(children: Children, rows: range, names: Names, way: int, number: int) -> None:
    """Name the later twins after the first: 45% nearly the same, 20% a listed variant, the rest one initial."""
    for turn, row in enumerate(rows[1:], 1):
        like = int(children.forename[rows[0]])
        if children.male[row] != children.male[rows[0]]:
            near = names.same_initial(like, bool(children.male[row]))
        elif way < 20:
            near = names.variants[names.variant_start[like] : names.variant_start[like + 1]]
        elif way < 65:
            near = names.alike[bool(children.male[row])].get(like, np.array([], dtype=np.int64))
        else:
            near = names.same_initial(like, bool(children.male[row]))
        if not len(near):
            near = names.same_initial(like, bool(children.male[row]))
        if len(near):
            children.forename[row] = near[(number // turn) % len(near)]


def _part(children: Children, rows: range, names: Names, number: int, *, shared: bool) -> None:
    """Make sure that children born together differ in first name, or in the second where the first is shared."""
    taken: set[tuple[int, ...]] = set()
    for row in rows:
        pool = names.general_first[bool(children.male[row]), 2012].names
        step = 0
        while True:
            name = (
                (int(children.forename[row]), int(children.middle[row])) if shared else (int(children.forename[row]),)
            )
            if name not in taken:
                break
            if shared:
                children.middle[row] = pool[(number + step) % 80]
            else:
                children.forename[row] = pool[(number + step) % 80]
            step += 1
        taken.add(name)


def _known_as(children: Children, chance: Chance, names: Names, rates: FamilyRates) -> None:
    """Names children go by: a short form, the middle name, an English name beside a heritage one."""
    count = len(children)
    chosen = chance.happens(rates.known_as, count) & (children.known_as < 0)
    short = names.variant(children.forename, chance)
    by_middle = chance.happens(0.35, count) & (children.middle >= 0)
    known = np.where(by_middle, children.middle, np.where(short >= 0, short, children.middle))
    children.known_as = np.where(chosen, known, children.known_as)
    aliased = np.array([group in name_lists.ENGLISH_ALIAS for group in names.communities])[children.community]
    alias = np.flatnonzero(aliased & chance.happens(rates.english_alias, count) & (children.known_as < 0))
    for sex in (False, True):
        mine = alias[children.male[alias] == sex]
        children.known_as[mine] = names.general_first[sex, 2012].draw(chance, len(mine))


def _namesakes(children: Children, chance: Chance, rates: FamilyRates) -> None:
    """Strangers with one first name, surname and birth date, as happens by chance in a large place."""
    rows = np.flatnonzero(chance.happens(rates.namesakes, len(children)) & (children.babies == 1))
    model = chance.below(len(children), len(rows))
    apart = (children.babies[model] == 1) & (children.family[model] != children.family[rows])
    apart &= ~np.isin(model, rows)
    rows, model = rows[apart], model[apart]
    for field in ("forename", "male", "born", "surname", "surname_second", "community"):
        getattr(children, field)[rows] = getattr(children, field)[model]


def _custom_surnames(children: Children, religious: Flags, chance: Chance, names: Names) -> None:
    """Surnames that differ between brothers and sisters: Singh and Kaur, Begum and Bibi, -ski and -ska."""
    at = names.position
    indian = (children.community == names.communities.index("indian")) & religious
    sikh_last = indian & (children.house % 2 == 0)
    religious_name = np.where(children.male, at["Singh"], at["Kaur"])
    children.surname = np.where(sikh_last, religious_name, children.surname)
    children.middle = np.where(indian & ~sikh_last & (children.middle < 0), religious_name, children.middle)
    for group, listed in name_lists.FEMALE_SURNAMES.items():
        chosen = religious & ~children.male & (children.community == names.communities.index(group))
        choice = np.array([at[name] for name in listed])[children.house % len(listed)]
        children.surname = np.where(chosen, choice, children.surname)
    for field in ("surname", "surname_second", "former_surname", "mother_surname"):
        male = children.male & (field != "mother_surname")
        setattr(children, field, names.women(getattr(children, field), children.community, male))


def _number_changes(children: Children, first: int, chance: Chance, rates: Rates) -> None:
    """Superseded NHS numbers, temporary and former UPNs; learner numbers from 14."""
    count, family = len(children), rates.families
    spare = FIRST_NUMBERS + (first * 2 + chance.order(count)) * 2
    children.first_nhs_serial = np.where(chance.happens(family.second_nhs_number, count), spare, -1)
    children.temporary_upn_serial = np.where(chance.happens(family.temporary_upn, count), spare, -1)
    children.former_upn_serial = np.where(chance.happens(family.changed_upn, count), spare, -1)


def _new_homes(children: Children, chance: Chance, places: Places, rates: Rates) -> None:
    """Children who live elsewhere than their family: children's homes, foster families, guardians, no fixed abode."""
    count, family = len(children), rates.families
    in_care = chance.happens(family.in_care * (1 + rates.hardship.social_care * (children.hardship - 1 / 3)), count)
    homes = places.postcode(chance.below(places.authorities, max(1, count // 8000)), chance)
    foster = places.postcode(children.authority, chance)
    placed = np.where(chance.happens(family.children_home, count), homes[chance.below(len(homes), count)], foster)
    guardian = chance.happens(family.guardianship, count) & ~in_care
    elsewhere = in_care | guardian
    children.earlier_postcode = np.where(elsewhere, children.postcode, children.earlier_postcode)
    children.postcode = np.where(
        in_care, placed, np.where(guardian, places.postcode(children.authority, chance), children.postcode)
    )
    children.house = np.where(elsewhere, 90 + chance.below(9, count), children.house)
    children.house = np.where(chance.happens(family.no_fixed_abode, count), -1, children.house)


def full_surname(first: Ints, second: Ints, joiner: Ints, text: Any) -> Any:
    """Surnames as text, both parts of a double-barrelled one joined by a hyphen or a space."""
    one = text.take(pa.array(np.maximum(first, 0), mask=first < 0))
    both = np.flatnonzero((second >= 0) & (first >= 0) & (second != first))
    if not len(both):
        return one
    left, right = text.take(pa.array(first[both])), text.take(pa.array(second[both]))
    joined = pc.if_else(
        pa.array(joiner[both] == 0),
        pc.binary_join_element_wise(left, right, "-"),
        pc.binary_join_element_wise(left, right, " "),
    )
    chosen = np.zeros(len(first), dtype=np.bool_)
    chosen[both] = True
    return pc.replace_with_mask(one, pa.array(chosen), joined)
