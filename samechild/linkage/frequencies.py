"""How common is each value? Agreement on a rare surname says more than agreement on SMITH.

A relative frequency is the share of the records *holding any value in that field* that hold this one, as Splink counts
it. When a model is stored, rare values are pooled: a value held by fewer than :data:`POOLED_BELOW` records is not
listed but counted into one entry with the mean frequency of all of them, so that a stored model names nobody. A stored
model used on new data takes the frequencies of the new data unless told otherwise: they describe *these* records, and
the new ones hold rare values that the stored model, on purpose, has forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from samechild.errors import Invalid

POOLED_BELOW = 20
"""A value must be held by at least so many records to be listed in a stored model."""


class Frequencies(msgspec.Struct, frozen=True):
    """Relative frequencies of one field's values; ``rare`` is the mean frequency of values not listed, if pooled.

    ``records`` is how many records held a value when they were counted.
    """

    listed: dict[str, float]
    rare: float | None = None
    rare_values: int = 0
    records: int = 0

    def of(self, value: Any) -> float | None:
        """Give a value's relative frequency, 0 to 1; None when the value is missing or nothing is known of it."""
        if value is None:
            return None
        return self.listed.get(value, self.rare)


def count_frequencies(values: Iterable[Any]) -> Frequencies:
    """Count how common each value of a field is among the records that hold one; every value is listed."""
    counts = Counter(value for value in values if value is not None)
    total = counts.total()
    return Frequencies({value: held / total for value, held in sorted(counts.items())}, records=total)


def pool(frequencies: Frequencies, below: int = POOLED_BELOW) -> Frequencies:
    """Leave out every value held by fewer than ``below`` records, keeping only their number and mean frequency."""
    total = frequencies.records
    if total <= 0:
        return Frequencies({})
    kept = {value: share for value, share in frequencies.listed.items() if round(share * total) >= below}
    left_out = len(frequencies.listed) - len(kept) + frequencies.rare_values
    left_share = 1.0 - sum(kept.values())
    rare = max(left_share, 0.0) / left_out if left_out else None
    return Frequencies(kept, rare, left_out, total)


def write_frequencies(tables: Mapping[str, Frequencies], below: int = POOLED_BELOW) -> dict[str, Any]:
    """Write term frequencies for a stored model, rare values pooled: plain JSON, the commonest value first.

    ``tables`` maps a field's name to its frequencies. Deterministic. Pooling again changes nothing.
    """
    written: dict[str, Any] = {"pooled_below": below, "columns": {}}
    for column in sorted(tables):
        pooled = pool(tables[column], below)
        written["columns"][column] = {
            "records": pooled.records,
            "rare_values": pooled.rare_values,
            "rare_frequency": pooled.rare,
            "values": dict(sorted(pooled.listed.items(), key=lambda each: (-each[1], each[0]))),
        }
    return written


def read_frequencies(written: Mapping[str, Any]) -> dict[str, Frequencies]:
    """Read what :func:`write_frequencies` wrote: field name to frequencies.

    Raises :class:`~samechild.errors.Invalid` when it is something else.
    """
    try:
        return {
            column: Frequencies(
                {value: float(share) for value, share in table["values"].items()},
                table["rare_frequency"],
                int(table["rare_values"]),
                int(table["records"]),
            )
            for column, table in written["columns"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Invalid(
            "The term frequencies of the stored model cannot be read; store the model again, or leave them out and "
            "the frequencies of the new records are used."
        ) from error
