"""The truth about a town: every record once, adopted identities apart, and what no field could tell."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from samechild.identifiers import nhs_number, upn
from samechild.town import Town, indistinguishable_twin_sets, make_town
from samechild.town.truth import PRIME, TELLING, scrambled
from towns import the_rates, the_town


@pytest.fixture(scope="module")
def town() -> Town:
    return the_town()


def keys(table: pa.Table, side: str = "") -> list[tuple[str, str]]:
    return list(zip(table[f"source{side}"].to_pylist(), table[f"record{side or '_id'}"].to_pylist(), strict=True))


def test_the_truth_covers_each_record_once(town: Town) -> None:
    assert town.truth.column_names == ["source", "record_id", "true_child_id", "twin_set", "former_identity_of"]
    assert keys(town.truth) == keys(town.records)
    assert len(set(keys(town.truth))) == town.records.num_rows
    assert not town.truth["true_child_id"].null_count


def test_an_adopted_childs_two_identities_share_no_number_but_a_former_upn_kept_by_mistake(town: Town) -> None:
    held: dict[str, dict[str, set[str]]] = {}
    new_of: dict[str, str] = {}
    columns = ["nhs_number", "upn", "former_upn", "la_child_id", "uln"]
    for place, (child, former) in enumerate(
        zip(town.truth["true_child_id"].to_pylist(), town.truth["former_identity_of"].to_pylist(), strict=True)
    ):
        mine = held.setdefault(child, {name: set() for name in columns})
        for name in columns:
            value = town.records[name][place].as_py() if former or child in new_of.values() else None
            if value and not value.startswith("UN"):
                mine[name].add(value)
        if former:
            new_of[child] = former
    for child in set(new_of.values()):  # second pass: records of the new identity that came before the old one's
        for place, this in enumerate(town.truth["true_child_id"].to_pylist()):
            if this == child:
                for name in columns:
                    value = town.records[name][place].as_py()
                    if value and not value.startswith("UN"):
                        held[child][name].add(value)
    assert len(new_of) > 20
    for old, new in new_of.items():
        for name in ("nhs_number", "upn", "la_child_id", "uln"):
            assert not held[old][name] & held[new][name]
    assert not set(new_of) & set(new_of.values())


def test_the_never_link_list_names_every_adopted_child_both_sides_known(town: Town) -> None:
    truth = dict(
        zip(
            keys(town.truth),
            zip(*(town.truth[n].to_pylist() for n in ("true_child_id", "former_identity_of")), strict=True),
            strict=True,
        )
    )
    pairs = list(zip(keys(town.never_link, "_a"), keys(town.never_link, "_b"), strict=True))
    assert len(set(pairs)) == len(pairs)
    for a, b in pairs:
        assert truth[a][1] == truth[b][0]
    listed = {truth[a][0] for a, _ in pairs}
    adopted = {child for child, former in truth.values() if former}
    assert listed == adopted


def test_superseded_numbers_are_valid_and_different(town: Town) -> None:
    old, new = town.superseded["old"].to_pylist(), town.superseded["new"].to_pylist()
    assert old
    assert not set(old) & set(new)
    assert all(nhs_number.check(number).value == number for number in [*old, *new])
    held = set(town.records["nhs_number"].to_pylist())
    assert held & set(old)
    assert held & set(new)


def test_some_school_records_keep_the_old_upn_by_mistake(town: Town) -> None:
    everyone = dict(zip(keys(town.truth), town.truth["true_child_id"].to_pylist(), strict=True))
    held: dict[str, set[str]] = {}
    former: dict[str, set[str]] = {}
    for key, number, before in zip(
        keys(town.records), *(town.records[n].to_pylist() for n in ("upn", "former_upn")), strict=True
    ):
        held.setdefault(everyone[key], set()).add(number)
        if before and upn.check(before).value:
            former.setdefault(everyone[key], set()).add(before)
    assert former


def test_social_care_may_hold_the_adopters_address_on_the_old_record(town: Town) -> None:
    where: dict[str, set[str]] = {}
    old: list[tuple[str, str]] = []
    columns = [
        town.truth["true_child_id"],
        town.truth["former_identity_of"],
        town.records["postcode"],
        town.records["source"],
    ]
    for child, new, place, source in zip(*(column.to_pylist() for column in columns), strict=True):
        where.setdefault(child, set()).add(place)
        if new and source.endswith("social_care"):
            old.append((new, place))
    share = sum(place in where[new] for new, place in old if place) / len(old)
    assert 0.25 < share < 0.65


def test_an_adoption_team_may_not_know_every_record() -> None:
    rates = the_rates()
    families = msgspec.structs.replace(rates.families, adopted=0.2, adoption_team_knows=0.3)
    all_known = make_town(
        1500, 2, 1, msgspec.structs.replace(rates, families=msgspec.structs.replace(families, adoption_team_knows=1.0))
    )
    some_known = make_town(1500, 2, 1, msgspec.structs.replace(rates, families=families))
    assert some_known.records.equals(all_known.records)
    assert 0 < some_known.never_link.num_rows < 0.75 * all_known.never_link.num_rows
    adopted = {
        key
        for key, new in zip(keys(some_known.truth), some_known.truth["former_identity_of"].to_pylist(), strict=True)
        if new
    }
    child = dict(zip(keys(some_known.truth), some_known.truth["true_child_id"].to_pylist(), strict=True))
    assert {child[key] for key in keys(some_known.never_link, "_a")} == {child[key] for key in adopted}


def made(**columns: Sequence[str | None]) -> Town:
    """A town of one twin set, from the given columns of its records."""
    count = len(columns["child"])
    blank = pa.nulls(count, pa.string())
    records = {name: columns.get(name, blank) for name in TELLING}
    ids = [str(number) for number in range(count)]
    truth = {"true_child_id": columns["child"], "twin_set": ["T1"] * count, "record_id": ids}
    empty = pa.table({})
    return Town(pa.table({"record_id": ids, **records}), pa.table(truth), empty, empty)


@pytest.mark.parametrize(
    ("columns", "indistinguishable", "unplaceable"),
    [
        ({"child": ["a", "b"], "forename": ["Ann", "Eve"]}, 0, 0),
        ({"child": ["a", "b"], "forename": ["Ann", "ANN"]}, 1, 1),
        ({"child": ["a", "b"], "forename": ["Baby", "Eve"]}, 1, 1),
        ({"child": ["a", "b"], "forename": ["Twin 1", "Twin 2"]}, 0, 0),
        ({"child": ["a", "a", "b"], "forename": ["Baby", "Ann", "Eve"]}, 0, 1),
        ({"child": ["a", "b"], "forename": [None, None], "nhs_number": ["1", "2"]}, 0, 0),
        ({"child": ["a", "b"], "forename": [None, None], "nhs_number": ["1", None]}, 1, 1),
    ],
)
def test_what_no_field_could_tell(
    columns: dict[str, Sequence[str | None]], indistinguishable: int, unplaceable: int
) -> None:
    found = indistinguishable_twin_sets(made(**columns))
    assert (found.sets, found.indistinguishable, found.with_unplaceable_record) == (1, indistinguishable, unplaceable)


def test_nearly_every_twin_set_can_be_told_apart(town: Town) -> None:
    found = indistinguishable_twin_sets(town)
    assert found.sets > 100
    assert found.share_indistinguishable < 0.02


def test_a_set_known_by_one_member_is_not_counted() -> None:
    found = indistinguishable_twin_sets(made(child=["a", "a"], forename=["Ann", "Ann"]))
    assert found.sets == 0
    assert found.share_indistinguishable == 0.0


def test_scrambled_numbers_are_all_different() -> None:
    made = scrambled(np.array([0, 1, 2, PRIME - 1]), "K", 1).to_pylist()
    assert len(set(made)) == 4
    assert all(len(text) == 9 for text in made)
