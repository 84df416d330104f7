"""Which agency knows which child, and since when: schools, health, social care, early years, emergency, youth justice.

A *contact* is one record that an agency will hold: of which child, in which authority, and whether it was made before
the child moved. What is written in it, rightly or wrongly, is decided in :mod:`samechild.town.writing`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from samechild.town.chance import Chance
from samechild.town.rates import AgencyRates, Rates
from samechild.town.records import Children, Flags, Floats, Ints

SCHOOL_AGE = 1520  # days: four years and two months
NURSERY_AGE = 730


class Contacts(NamedTuple):
    """One element for each record an agency holds: the child, the authority whose agency it is, made before a move,
    and whether it is the child's second record there."""

    child: Ints
    authority: Ints
    before_move: Flags
    again: Flags


def contacts(agency: str, children: Children, as_at: int, chance: Chance, rates: Rates) -> Contacts:
    """Decide which children an agency knows, who stands there twice, and whose record stayed behind when they moved."""
    agency_rates = rates.agencies[agency]
    count = len(children)
    share = _share_known(agency, agency_rates, children, as_at, rates)
    known = np.flatnonzero(chance.happens(share, count))
    twice = known[chance.happens(agency_rates.second_record, len(known))]
    crossed = children.earlier_authority != children.authority
    behind = np.flatnonzero(crossed & chance.happens(share * rates.recording.left_behind, count))

    moved = children.earlier_postcode >= 0
    child = np.concatenate([known, twice, behind])
    second = np.repeat([False, True, True], [len(known), len(twice), len(behind)])
    stays = np.repeat([False, False, True], [len(known), len(twice), len(behind)])
    old = chance.happens(agency_rates.old_address, len(child)) & ~crossed[child]
    before_move = moved[child] & (old | (second & ~crossed[child]) | stays)
    authority = np.where(stays, children.earlier_authority[child], children.authority[child])
    return Contacts(child, authority, before_move, second & ~stays)


def _share_known(agency: str, agency_rates: AgencyRates, children: Children, as_at: int, rates: Rates) -> Floats:
    """The chance that the agency knows each child: by age, hardship, and the side of an adoption it stands on."""
    youngest, oldest = agency_rates.ages
    age = (as_at - children.born) / 365.2425
    share = np.where((age >= youngest) & (age < oldest + 1), agency_rates.share, 0.0)
    if agency in ("social_care", "youth_justice"):
        share = share * (1 + rates.hardship.social_care * (children.hardship - 1 / 3))
    old, new = children.adopted_as >= 0, (children.adopted_at >= 0) & (children.adopted_as < 0)
    if agency == "social_care":
        return np.clip(np.where(old, 1.0, np.where(new, 0.1, share)), 0, 1)
    if agency == "health":
        return np.clip(np.where(old, 0.9, np.where(new, 1.0, share)), 0, 1)
    if agency == "education":
        share = np.where(old & (children.adopted_at < SCHOOL_AGE), 0.0, share)
    if agency == "early_years":
        share = np.where(old & (children.adopted_at < NURSERY_AGE), 0.0, share)
    if agency == "youth_justice":
        share = np.where(old, 0.0, share)
    return np.clip(np.where(old, share * 0.6, share), 0, 1)
