"""The nouns of the town: its families, and a town of records with their truth."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class Children(msgspec.Struct, kw_only=True):
    """Every child of a block of families, one element per child in each column; -1 or null means none.

    An adopted child stands here twice, as two children: ``adopted_as`` on the old identity is the position of the new.
    Names are positions in the town's name list until :func:`samechild.town.families.spell` makes text of them.
    """

    family: Ints
    maternity: Ints
    babies: Ints  # born together: 1, 2 or 3
    birth_order: Ints
    male: Flags
    born: Ints  # days since 1970-01-01
    community: Ints
    ethnicity: Ints
    hardship: Floats
    authority: Ints
    earlier_authority: Ints
    postcode: Ints
    earlier_postcode: Ints
    other_postcode: Ints
    house: Ints
    forename: Ints
    middle: Ints
    second_middle: Ints
    known_as: Ints
    surname: Ints
    surname_second: Ints  # of a double-barrelled surname
    surname_joiner: Ints  # 0 hyphen, 1 space
    former_surname: Ints
    mother_surname: Ints
    nhs_serial: Ints
    first_nhs_serial: Ints  # an NHS number that the present one supersedes
    upn_serial: Ints
    former_upn_serial: Ints
    temporary_upn_serial: Ints
    uln_serial: Ints
    adopted_as: Ints
    adopted_at: Ints  # age in days when adopted; on both identities

    @classmethod
    def blank(cls, count: int) -> Children:
        """So many children of whom nothing is known yet."""
        columns: dict[str, Any] = {field: np.full(count, -1, dtype=np.int64) for field in cls.__struct_fields__}
        children = cls(**columns)
        children.male, children.hardship = np.zeros(count, dtype=np.bool_), np.zeros(count)
        return children

    def of(self, rows: Ints) -> Children:
        """The chosen children, as a copy."""
        return Children(**{field: getattr(self, field)[rows] for field in self.__struct_fields__})

    def __len__(self) -> int:
        return len(self.family)


class Town(msgspec.Struct, frozen=True):
    """A town's records under one set of column names, and the truth about them in tables of its own.

    ``records``: source, record_id and the fields of :class:`samechild.records.Record`, all text,
    dates ISO, null = blank.
    ``truth``: source, record_id, true_child_id, twin_set, former_identity_of, in the same row order.
    ``never_link``: source_a, record_a, source_b, record_b. ``superseded``: old, new NHS numbers.
    """

    records: Any  # pa.Table
    truth: Any  # pa.Table
    never_link: Any  # pa.Table
    superseded: Any  # pa.Table


def concatenated(towns: list[Town]) -> Town:
    """Put blocks of one town together."""
    return Town(*(pa.concat_tables([getattr(town, part) for town in towns]) for part in Town.__struct_fields__))
