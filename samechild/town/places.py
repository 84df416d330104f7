"""Where the town's families live: authorities, their people, and postcodes that nobody has.

**No postcode here is real.** Each begins with two letters that the Royal Mail has never used as a postcode area (such
as JA or UC), so that the form is right, districts and sectors nest as in life, and no made-up child can be paired
with a real address. Authorities carry a real area code only so that ethnic groups are mixed as in that place
(Census 2021); the children are made up.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.errors import Invalid
from samechild.town.chance import Chance
from samechild.town.names import Names, read_rows
from samechild.town.records import Floats, Ints

TOWN_NAMES = ("alder", "birch", "cedar", "damson", "elder", "fir", "gorse", "hazel", "ivy", "juniper")
USUAL = {"": 40.0, "pakistani": 2.0, "bangladeshi": 2.0, "indian": 2.0, "hebrew_yiddish": 0.2}
"""How much an ethnic group draws on a name list, 1 for a list not named here (a modelling choice)."""
NO_FIXED_ABODE = "ZZ99 3VZ"
FAMILIES_IN_A_POSTCODE = 4.5
POSTCODES_IN_A_DISTRICT = 500
DISTRICTS = 99
ROOM_FOR_POSTCODES = 10_000_000  # each authority's postcodes are numbered from a multiple of this
_SECOND = "ABCDEFGHKLMNOPQRSTUVWXY"
_USED = {"J": "E", "U": "B", "Y": "O", "Z": "E"}
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"


class Places(NamedTuple):
    """The authorities of a town: area codes, who lives there, how many postcodes each has."""

    la_codes: tuple[str, ...]
    ethnicities: tuple[str, ...]
    ethnicity_running: Floats  # authority x ethnicity, running shares
    community_running: Floats  # ethnicity x community, running shares
    postcodes: int  # in each authority

    @property
    def authorities(self) -> int:
        """How many authorities the town has."""
        return len(self.la_codes)

    def postcode(self, authority: Ints, chance: Chance) -> Ints:
        """A postcode of each authority."""
        return authority * ROOM_FOR_POSTCODES + chance.below(self.postcodes, len(authority))


def choose_places(children: int, authorities: int, seed: int, names: Names) -> Places:
    """Choose authorities by the seed: the first likelier the more people of minority communities live there, so that
    every community is met; the others in the same region, likelier the more children they have."""
    rows = read_rows("local_authorities.csv")
    weight = np.array([float(row["population_0_17"]) for row in rows])
    ethnicities, shares = _ethnicities(tuple(row["la_code"] for row in rows))
    majority = np.diff(shares, axis=1, prepend=0.0)[:, ethnicities.index("WBRI")]
    region = np.array([row["region_code"] for row in rows])
    chance = Chance(seed, 0)
    chosen: list[int] = []
    for _ in range(authorities):
        likely = weight * ((1 - majority) if not chosen else np.where(region == region[chosen[0]], 1.0, 1e-6))
        likely[chosen] = 0
        running = np.cumsum(likely)
        chosen.append(int(np.searchsorted(running, chance.fractions(1)[0] * running[-1], side="right")))
    codes = tuple(rows[index]["la_code"] for index in chosen)
    _, shares = _ethnicities(codes)
    families = children / 1.8 / authorities
    postcodes = max(20, int(families / FAMILIES_IN_A_POSTCODE))
    if postcodes > DISTRICTS * POSTCODES_IN_A_DISTRICT * (len(_areas()) // authorities):
        raise Invalid("A town of this many children has no room for its postcodes; ask for more authorities.")
    return Places(codes, ethnicities, shares, _communities(ethnicities, names), postcodes)


def _ethnicities(codes: tuple[str, ...]) -> tuple[tuple[str, ...], Floats]:
    people = {(row["la_code"], row["ethnicity"]): float(row["people"]) for row in read_rows("la_ethnicity_2021.csv.gz")}
    ethnicities = tuple(sorted({ethnicity for _, ethnicity in people}))
    counts = np.array([[people.get((code, ethnicity), 0.0) for ethnicity in ethnicities] for code in codes])
    running = np.cumsum(counts, axis=1)
    return ethnicities, running / running[:, -1:]


def _communities(ethnicities: tuple[str, ...], names: Names) -> Floats:
    """Which name lists each ethnic group draws on; a list's main group four times as much as its other groups."""
    weight = np.zeros((len(ethnicities), len(names.communities)))
    for row in read_rows("name_groups.csv"):
        community = names.communities.index(row["group"])
        usual = USUAL.get(row["group"], 1.0)
        if row["main_ethnicity_code"] in ethnicities:
            weight[ethnicities.index(row["main_ethnicity_code"]), community] = usual
        for code in row["other_ethnicity_codes"].split():
            if code in ethnicities:
                weight[ethnicities.index(code), community] = usual / 4
    for index, code in enumerate(ethnicities):
        if code.startswith("M") or not weight[index].any():  # one parent's names as often as the other's
            weight[index, names.communities.index("")] = max(1.0, weight[index].sum())
    running = np.cumsum(weight, axis=1)
    return running / running[:, -1:]


@cache
def _areas() -> tuple[str, ...]:
    return tuple(first + second for first, second in product(_USED, _SECOND) if second not in (_USED[first], "O"))


@cache
def _inward() -> Any:
    return pa.array([f"{digit}{a}{b}" for digit, a, b in product("0123456789", _INWARD, _INWARD)])


def postcode_text(numbers: Ints, authorities: int) -> Any:
    """Postcodes as text, null where the number is negative."""
    held = np.maximum(numbers, 0)
    authority, place = held // ROOM_FOR_POSTCODES, held % ROOM_FOR_POSTCODES
    district, within = place // POSTCODES_IN_A_DISTRICT, place % POSTCODES_IN_A_DISTRICT
    outward_number = (authority + authorities * (district // DISTRICTS)) * DISTRICTS + district % DISTRICTS
    used, code = np.unique(outward_number, return_inverse=True)
    outward = pa.array(
        [f"{_areas()[value // DISTRICTS]}{value % DISTRICTS + 1}" for value in used.tolist()], pa.string()
    )
    inward = within * 1237 % 4000
    text = pc.binary_join_element_wise(outward.take(pa.array(code)), _inward().take(pa.array(inward)), " ")
    return pc.if_else(pa.array(numbers >= 0), text, pa.scalar(None, pa.string()))
