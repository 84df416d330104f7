"""Whatever the size and the seed: the truth covers each record once, and the town is the same every time."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from samechild.identifiers import nhs_number
from samechild.town import indistinguishable_twin_sets, load_rates, make_town
from samechild.town.places import postcode_text

SIZES = st.tuples(st.integers(1, 120), st.integers(1, 4), st.integers(0, 2**40), st.booleans())


@given(SIZES)
@settings(max_examples=20)
def test_any_town_keeps_its_promises(size: tuple[int, int, int, bool]) -> None:
    children, authorities, seed, harder = size
    rates = load_rates(harder=harder)
    town = make_town(children, authorities, seed, rates)
    assert town.truth.select(["source", "record_id"]).equals(town.records.select(["source", "record_id"]))
    ids = town.records["record_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    assert not town.truth["true_child_id"].null_count
    assert town.records.equals(make_town(children, authorities, seed, rates).records)
    valid = nhs_number.check_many(town.records["nhs_number"]).values
    assert all(number.startswith("9") for number in pc.drop_null(valid).to_pylist())
    found = indistinguishable_twin_sets(town)
    assert 0 <= found.indistinguishable <= found.with_unplaceable_record <= found.sets


@given(st.sets(st.integers(0, 40_000), min_size=1, max_size=50), st.integers(1, 5))
def test_different_places_have_different_postcodes(places: set[int], authorities: int) -> None:
    numbers = np.array([place + authority * 10_000_000 for place in sorted(places) for authority in range(authorities)])
    made = postcode_text(numbers, authorities).to_pylist()
    assert len(set(made)) == len(numbers)
    assert not any(text.startswith(("JE", "UB", "YO", "ZE")) for text in made)
