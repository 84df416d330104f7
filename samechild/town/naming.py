"""What the children of the town are called: first, middle and known-as names, look-alike twins, surnames by custom.

Names follow sex, year of birth and community. Brothers and sisters get different first names; some twins get names
that look alike; cousins and strangers now and then share one. Shares are in ``rates.toml``; which custom belongs to
which community is a modelling choice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.town import names as name_lists
from samechild.town.chance import Chance
from samechild.town.names import Names, Pool
from samechild.town.rates import FamilyRates
from samechild.town.records import Children, Flags, Ints


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


def give_names(children: Children, chance: Chance, names: Names, rates: FamilyRates) -> None:
    """First, middle and known-as names; brothers and sisters get different ones, twins sometimes alike."""
    count = len(children)
    everyone = np.arange(count)
    children.forename = draw_first_names(children, everyone, chance, names)
    name_apart(children, chance, names)
    middle = draw_first_names(children, everyone, chance, names)
    children.middle = np.where(chance.happens(rates.middle_name, count), middle, -1)
    second = draw_first_names(children, everyone, chance, names)
    has_second = (children.middle >= 0) & chance.happens(rates.second_middle_name, count)
    children.second_middle = np.where(has_second, second, -1)
    _muhammad(children, chance, names, rates)
    _cousin_names(children, chance, rates)
    _alike_twins(children, chance, names, rates)
    _namesakes(children, chance, rates)
    children.middle = np.where(children.middle == children.forename, -1, children.middle)
    _known_as(children, chance, names, rates)


def name_apart(children: Children, chance: Chance, names: Names) -> None:
    """Draw again for children with a brother's or sister's first name, a few times."""
    for _ in range(4):
        again = np.flatnonzero(same_in_family(children))
        children.forename[again] = draw_first_names(children, again, chance, names)


def same_in_family(children: Children) -> Flags:
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
    """Name the later twins after the first: 20% a listed variant, 50% easily taken for it, the rest one initial."""
    first, boy = rows[0], bool(children.male[rows[0]])
    table = names.alike[boy]
    if 20 <= way < 70 and int(children.forename[first]) not in table:
        children.forename[first] = list(table)[number % len(table)]
    like = int(children.forename[first])
    for turn, row in enumerate(rows[1:], 1):
        near = names.same_initial(like, bool(children.male[row]))
        if children.male[row] == children.male[first]:
            listed = names.variants[names.variant_start[like] : names.variant_start[like + 1]]
            closer = listed if way < 20 else table.get(like, listed) if way < 70 else listed[:0]
            near = closer if len(closer) else near
        if len(near):
            children.forename[row] = near[(number // 7 + turn) % len(near)]


def _part(children: Children, rows: range, names: Names, number: int, *, shared: bool) -> None:
    """Make sure that children born together differ in first name, or in the second where the first is shared."""
    taken: set[tuple[int, int]] = set()
    of_many = {names.position[name] for name in name_lists.MUHAMMAD}  # brothers may share it
    for row in rows:
        pool = names.general_first[bool(children.male[row]), 2012].names
        by_middle = shared or int(children.forename[row]) in of_many
        changed = children.middle if by_middle else children.forename
        for step in range(len(rows) + 2):
            name = (int(children.forename[row]), int(children.middle[row]) if by_middle else -1)
            if name not in taken:
                break
            changed[row] = pool[(number + step) % 80]
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


def custom_surnames(children: Children, religious: Flags, names: Names) -> None:
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
