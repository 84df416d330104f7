"""Adopted children: one child, two identities that nobody may put together.

After an adoption order a child has a new surname, often a new forename, and where identity must be protected a new NHS
number and a new UPN, with no link to the old (Adoption and Children Act 2002, s. 67; the school admits a new pupil).
In the town the two identities are two children; what the old identity's agencies wrote down stays with them.
"""

from __future__ import annotations

import numpy as np

from samechild.town.chance import Chance
from samechild.town.families import SERIALS_OF_A_BIRTH
from samechild.town.names import Names
from samechild.town.naming import draw_first_names, draw_surnames, name_apart
from samechild.town.places import Places
from samechild.town.rates import Rates
from samechild.town.records import Children, Ints

YOUNGEST, OLDEST = 240, 3300  # age in days at adoption


def adopt(
    children: Children, first: int, as_at: int, chance: Chance, places: Places, names: Names, rates: Rates
) -> Children:
    """Add the second identity of each adopted child; twins are adopted together. ``first``, ``as_at``: as elsewhere."""
    count = len(children)
    age = as_at - children.born
    adopted_births = children.maternity[
        (children.birth_order == 1) & (age > YOUNGEST + 90) & chance.happens(rates.families.adopted, count)
    ]
    rows = np.flatnonzero(np.isin(children.maternity, adopted_births))
    if not len(rows):
        return children
    _, birth = np.unique(children.maternity[rows], return_inverse=True)
    span = np.minimum(age[rows] - 30, OLDEST) - YOUNGEST
    births = int(birth.max()) + 1
    at = YOUNGEST + (chance.fractions(births)[birth] * span).astype(np.int64)
    new = _second_identities(children, rows, birth, first * 2 + count, chance, places, names, rates)
    children.adopted_at[rows] = new.adopted_at[:] = at
    children.adopted_as[rows] = count + np.arange(len(rows))
    return Children(
        **{
            field: np.concatenate([getattr(children, field), getattr(new, field)])
            for field in Children.__struct_fields__
        }
    )


def _second_identities(
    children: Children, rows: Ints, birth: Ints, serial: int, chance: Chance, places: Places, names: Names, rates: Rates
) -> Children:
    new = children.of(rows)
    family, births, none = rates.families, int(birth.max()) + 1, np.full(len(rows), -1, dtype=np.int64)
    new.family = new.maternity = serial + birth
    new.hardship = new.hardship * 0.3
    away = chance.happens(family.adopted_across, births)[birth] & (places.authorities > 1)
    new.authority = np.where(away, (new.authority + 1) % places.authorities, new.authority)
    new.earlier_authority = new.authority
    home = np.full(births, -1, dtype=np.int64)
    home[birth] = new.authority
    new.postcode = places.postcode(home, chance)[birth]
    new.earlier_postcode, new.other_postcode = none.copy(), none.copy()
    new.house = chance.below(90, births)[birth]
    community = np.zeros(births, dtype=np.int64)
    community[birth] = new.community
    new.surname = names.women(draw_surnames(community, chance, names)[birth], new.community, new.male)
    new.surname_second, new.former_surname = none.copy(), none.copy()
    new.mother_surname = new.surname
    renamed = np.flatnonzero(chance.happens(family.adopted_first_name_changed, births)[birth])
    new.middle[renamed] = new.forename[renamed]
    new.forename[renamed] = draw_first_names(new, renamed, chance, names)
    again = renamed[new.forename[renamed] == new.middle[renamed]]
    new.forename[again] = draw_first_names(new, again, chance, names)
    name_apart(new, chance, names)
    new.known_as = none.copy()
    new.nhs_serial = (serial + birth) * SERIALS_OF_A_BIRTH + new.birth_order
    kept = chance.happens(family.adopted_former_upn_kept, len(rows))
    new.former_upn_serial = np.where(kept, new.upn_serial, -1)
    new.upn_serial = new.nhs_serial.copy()
    new.uln_serial = serial + np.arange(len(rows))
    new.first_nhs_serial, new.temporary_upn_serial = none.copy(), none.copy()
    return new
