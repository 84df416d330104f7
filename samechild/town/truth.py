"""The truth about a town, kept apart from what its agencies wrote: who is who, who was adopted, which twins are which.

Identifiers here are scrambled, so that neither a record id nor a child id tells anything; the record ids of the agency
files say nothing about the child.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.identifiers import nhs_number
from samechild.town.chance import Chance
from samechild.town.records import Children, Flags, Ints, Town
from samechild.town.writing import UNNAMED

PRIME = 99_999_989  # the largest of eight digits
TELLING = (
    "forename",
    "middle_names",
    "known_as",
    "sex",
    "birth_order",
    "nhs_number",
    "upn",
    "former_upn",
    "uln",
    "la_child_id",
)
"""The fields in which two children born together can differ at all."""
NAMELESS = {form.upper() for forms in UNNAMED.values() for form in forms if "{" not in form}
PAIR = pa.schema([(name, pa.string()) for name in ("source_a", "record_a", "source_b", "record_b")])


def scrambled(numbers: Ints, letter: str, key: int) -> Any:
    """A letter and eight digits for each number below :data:`PRIME`: all different, in no order."""
    digits = pa.array((numbers * (48_271 + 2 * key) + 31_415_926 * (key + 1)) % PRIME).cast(pa.string())
    return pc.binary_join_element_wise(pa.scalar(letter), pc.utf8_lpad(digits, 8, "0"), "")


def truth_table(source: Any, record_id: Any, child: Ints, children: Children, first: int) -> Any:
    """Who each record is about: source, record_id, true_child_id, twin_set, former_identity_of."""
    number = first * 2 + child
    adopted = children.adopted_as[child]
    twins = children.babies[child] > 1
    blank = pa.scalar(None, pa.string())
    return pa.table(
        {
            "source": source,
            "record_id": record_id,
            "true_child_id": scrambled(number, "K", 1),
            "twin_set": pc.if_else(pa.array(twins), scrambled(children.maternity[child], "T", 2), blank),
            "former_identity_of": pc.if_else(
                pa.array(adopted >= 0), scrambled(first * 2 + np.maximum(adopted, 0), "K", 1), blank
            ),
        }
    )


def never_link(source: Any, record_id: Any, child: Ints, children: Children, chance: Chance, known: float) -> Any:
    """The pairs an adoption team lists: each record of the old identity it knows, with each of the new identity.

    ``known`` is the share of the old identity's records that the team knows; at least one record of each child always.
    """
    of_child: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(children.adopted_at[child] >= 0).tolist():
        of_child[int(child[row])].append(row)
    olds = np.flatnonzero(children.adopted_as >= 0).tolist()
    rows_a: list[int] = []
    rows_b: list[int] = []
    for old in olds:
        held = of_child[old]
        luck = chance.happens(known, len(held)).tolist()
        listed = [row for row, is_known in zip(held, luck, strict=True) if is_known] or held[:1]
        for row in listed:
            for other in of_child[int(children.adopted_as[old])]:
                rows_a.append(row)
                rows_b.append(other)
    a, b = pa.array(rows_a, pa.int64()), pa.array(rows_b, pa.int64())
    return pa.table([source.take(a), record_id.take(a), source.take(b), record_id.take(b)], schema=PAIR)


def superseded(children: Children) -> Any:
    """NHS numbers that a later one replaced: old, new."""
    rows = np.flatnonzero(children.first_nhs_serial >= 0)
    return pa.table(
        {
            "old": nhs_number.synthetic_many(children.first_nhs_serial[rows]),
            "new": nhs_number.synthetic_many(children.nhs_serial[rows]),
        }
    )


class TwinSets(msgspec.Struct, frozen=True):
    """How many twin and triplet sets a town's files show, and how many of them nothing in the files can tell apart."""

    sets: int  # sets of which at least two members have records
    indistinguishable: int  # of those, two members differ in no field that any of their records both fill
    with_unplaceable_record: int  # of those, some record could be either member's as far as any field shows

    @property
    def share_indistinguishable(self) -> float:
        """The share of sets that no field could tell apart."""
        return self.indistinguishable / self.sets if self.sets else 0.0


def indistinguishable_twin_sets(town: Town) -> TwinSets:
    """Count the twin sets that no field could tell apart: what no linkage, and no person, could do better.

    Two records tell their children apart when they both fill a field of :data:`TELLING` and differ there; a
    placeholder such as "Baby" fills nothing. Names are compared without regard to capitals.
    """
    in_set: Flags = pc.is_valid(town.truth["twin_set"]).combine_chunks().to_numpy(zero_copy_only=False)
    rows = pa.array(np.flatnonzero(in_set))
    truth, records = town.truth.take(rows), town.records.select(list(TELLING)).take(rows)
    values = [[_telling(value) for value in records[field].to_pylist()] for field in TELLING]
    sets: dict[str, dict[str, list[tuple[str | None, ...]]]] = defaultdict(lambda: defaultdict(list))
    names = zip(truth["twin_set"].to_pylist(), truth["true_child_id"].to_pylist(), strict=True)
    for (twin_set, child), record in zip(names, zip(*values, strict=True), strict=True):
        sets[twin_set][child].append(record)
    several = [list(members.values()) for members in sets.values() if len(members) > 1]
    alike = sum(
        any(not any(_differ(a, b) for a in one for b in two) for one, two in _pairs(members)) for members in several
    )
    unplaceable = sum(
        any(
            any(not any(_differ(a, b) for b in two) for a in one)
            or any(not any(_differ(a, b) for a in one) for b in two)
            for one, two in _pairs(members)
        )
        for members in several
    )
    return TwinSets(len(several), alike, unplaceable)


def _telling(value: str | None) -> str | None:
    if value is None or value.upper() in NAMELESS:
        return None
    return value.upper()


def _differ(a: tuple[str | None, ...], b: tuple[str | None, ...]) -> bool:
    return any(left is not None and right is not None and left != right for left, right in zip(a, b, strict=True))


def _pairs(members: list[Any]) -> list[tuple[Any, Any]]:
    return [(one, two) for index, one in enumerate(members) for two in members[index + 1 :]]
