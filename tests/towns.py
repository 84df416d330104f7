"""One small town for all the tests about towns: made once, read by many."""

from __future__ import annotations

import datetime
from functools import cache

from samechild.town import Rates, Town, load_rates, make_town
from samechild.town.adoptions import adopt
from samechild.town.chance import Chance
from samechild.town.families import make_families
from samechild.town.names import Names, load_names
from samechild.town.places import Places, choose_places
from samechild.town.records import Children

CHILDREN, SEED = 12_000, 3
AS_AT = (datetime.date(2025, 8, 31) - datetime.date(1970, 1, 1)).days


@cache
def the_town() -> Town:
    return make_town(CHILDREN, authorities=2, seed=SEED)


@cache
def the_rates() -> Rates:
    return load_rates()


@cache
def the_places() -> Places:
    return choose_places(60_000, 2, SEED, load_names())


def some_children(rates: Rates | None = None, count: int = 60_000, first: int = 0) -> Children:
    """Children as they live, before any agency writes about them and before adoptions."""
    return make_families(count, first, Chance(SEED, 1), the_places(), load_names(), rates or the_rates())


def with_adoptions(children: Children, rates: Rates | None = None, first: int = 0) -> Children:
    names: Names = load_names()
    return adopt(children, first, AS_AT, Chance(SEED, 2), the_places(), names, rates or the_rates())
