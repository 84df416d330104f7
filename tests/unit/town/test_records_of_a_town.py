"""What the agencies wrote: rates as set, every kind of mistake reached, no real identifier anywhere."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from samechild.errors import Invalid
from samechild.identifiers import nhs_number, postcode, uln, upn
from samechild.records import fields
from samechild.town import Town, load_rates, make_town
from samechild.town.places import NO_FIXED_ABODE
from samechild.town.writing import COLUMNS, UNKNOWN_UPN
from towns import CHILDREN, SEED, the_rates, the_town

THIS_TOWN = "3c2b4e4d1b03b47cf12218136496a0309535d51a7361cd91e3e7180c30454b98"
REAL_AREAS = re.compile(r"^(JE|UB|YO|ZE)\d")
NUMBERS = {"nhs_number": nhs_number, "upn": upn, "former_upn": upn, "uln": uln}


@pytest.fixture(scope="module")
def town() -> Town:
    return the_town()


@pytest.fixture(scope="module")
def records(town: Town) -> pa.Table:
    return town.records


def agency_of(records: pa.Table) -> pa.ChunkedArray:
    return pc.replace_substring_regex(records["source"], r"^[a-z]+?_", "")


def values(records: pa.Table, field: str) -> list[str]:
    return [value for value in records[field].to_pylist() if value is not None]


def test_columns_are_declared_fields(records: pa.Table) -> None:
    assert records.column_names == ["source", "record_id", *COLUMNS]
    assert all(fields()[name].given for name in COLUMNS)
    assert {column.type for column in records.columns} == {pa.string()}


def test_about_three_records_a_child_and_not_every_child_everywhere(town: Town) -> None:
    children = pc.count_distinct(town.truth["true_child_id"]).as_py()
    assert 2.7 < town.records.num_rows / CHILDREN < 3.5
    assert CHILDREN * 0.98 < children < CHILDREN * 1.02
    assert pc.count_distinct(town.records["source"]).as_py() == 12
    counts = pc.value_counts(town.truth["true_child_id"]).field("counts").to_numpy(zero_copy_only=False)
    assert counts.min() == 1
    assert counts.max() >= 7


def test_record_ids_are_of_one_form_and_unique_in_the_town(records: pa.Table) -> None:
    ids = records["record_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"R\d{8}", text) for text in ids)


@pytest.mark.parametrize("field", NUMBERS)
def test_numbers_are_synthetic_and_mostly_valid(records: pa.Table, field: str) -> None:
    held = [value for value in values(records, field) if value not in UNKNOWN_UPN]
    checked = [NUMBERS[field].check(value) for value in held]
    wrong = [value for value, result in zip(held, checked, strict=True) if result.value is None]
    assert 0 <= len(wrong) / len(held) < 0.03
    if field != "former_upn":
        assert wrong
    if field == "nhs_number":
        assert all(value.startswith("9") for value in held if value not in wrong)
    if field.endswith("upn"):
        assert all(value[1:4] == "000" for value in held if value not in wrong)


def test_numbers_are_missing_by_agency_as_set(records: pa.Table) -> None:
    agency = agency_of(records)
    for name, rates in the_rates().agencies.items():
        mine = records.filter(pc.equal(agency, name))
        if mine.num_rows > 1000:
            missing = mine["nhs_number"].null_count / mine.num_rows
            assert abs(missing - rates.missing.nhs_number) < 0.08, name  # hardship brings families to social care
            assert abs(mine["middle_names"].null_count / mine.num_rows - 1) > 0.05, name


def test_schools_nearly_always_have_a_upn_and_hardly_ever_an_nhs_number(records: pa.Table) -> None:
    school = records.filter(pc.equal(agency_of(records), "education"))
    assert school["upn"].null_count / school.num_rows < 0.05
    assert school["nhs_number"].null_count / school.num_rows > 0.95
    health = records.filter(pc.equal(agency_of(records), "health"))
    assert health["nhs_number"].null_count / health.num_rows < 0.05
    assert health["upn"].null_count == health.num_rows


def test_no_postcode_is_a_real_one(records: pa.Table) -> None:
    for field in ("postcode", "previous_postcode"):
        held = values(records, field)
        assert not [text for text in held if REAL_AREAS.match(text) or (text[0] not in "JUYZ")]
        checked = [postcode.check(text) for text in held if text != NO_FIXED_ABODE]
        assert sum(result.value is None for result in checked) / len(held) < 0.002
    assert NO_FIXED_ABODE in values(records, "postcode")


def test_every_kind_of_mistake_is_reached(town: Town) -> None:
    records, truth = town.records, town.truth
    first, last = (records[name].to_pylist() for name in ("forename", "surname"))
    assert {"Baby", "Baby Boy", "Baby Girl", "Male Infant"} <= set(first)
    assert {"Twin One", "Twin 1", "Twin 2", "Twin I"} & set(first)
    assert any(text and len(text) <= 20 and "-" in text for text in last)
    assert any(text and not text.isascii() for text in [*first, *last])
    assert {"1", "2"} <= set(values(records, "birth_order"))
    assert {*UNKNOWN_UPN} & set(values(records, "upn"))
    assert any(text[-1].isalpha() for text in values(records, "upn") if text not in UNKNOWN_UPN)
    for field in ("known_as", "former_surname", "previous_postcode", "former_upn", "uln", "uprn", "la_child_id"):
        assert values(records, field), field
    child, born = truth["true_child_id"].to_pylist(), records["date_of_birth"].to_pylist()
    days: dict[str, set[str]] = {}
    for one, day in zip(child, born, strict=True):
        if day:
            days.setdefault(one, set()).add(day)
    several = [sorted(found) for found in days.values() if len(found) == 2]
    assert any(a[:4] == b[:4] and a[5:7] == b[8:] and a[8:] == b[5:7] for a, b in several)
    assert any(a[5:] == b[5:] and abs(int(a[:4]) - int(b[:4])) == 1 for a, b in several)
    assert any("-01-01" in a or "-01-01" in b for a, b in several)


def test_some_records_of_a_twin_carry_the_other_twins_number(town: Town) -> None:
    columns = [town.truth["twin_set"], town.truth["true_child_id"], town.records["nhs_number"]]
    held: dict[str, dict[str, set[str]]] = {}
    for twin_set, child, number in zip(*(column.to_pylist() for column in columns), strict=True):
        if twin_set and number:
            held.setdefault(twin_set, {}).setdefault(number, set()).add(child)
    shared = [number for numbers in held.values() for number, children in numbers.items() if len(children) > 1]
    assert shared
    neighbours = [sorted(int(number) // 10 for number in numbers) for numbers in held.values() if len(numbers) > 1]
    assert np.median([b - a for a, b, *_ in neighbours]) <= 2


def test_children_who_move_across_stand_in_both_authorities(town: Town) -> None:
    place = [source.split("_")[0] for source in town.truth["source"].to_pylist()]
    where: dict[str, set[str]] = {}
    for child, authority in zip(town.truth["true_child_id"].to_pylist(), place, strict=True):
        where.setdefault(child, set()).add(authority)
    assert 0.01 < np.mean([len(found) > 1 for found in where.values()]) < 0.08


def test_minority_and_poorer_families_have_fewer_numbers(town: Town) -> None:
    records = town.records.filter(pc.equal(agency_of(town.records), "social_care"))
    groups = records["ethnicity"].to_pylist()
    numbers = records["nhs_number"].to_pylist()
    rate = {
        name: np.mean(
            [number is None for number, group in zip(numbers, groups, strict=True) if group and (group in mine)]
        )
        for name, mine in {"majority": {"WBRI"}, "minority": {"APKN", "ABAN", "BAFR", "AIND", "WOTH", "AOTH"}}.items()
    }
    assert rate["minority"] > rate["majority"]


def test_same_seed_same_town_another_seed_another() -> None:
    one, again, other = (make_town(300, 2, seed) for seed in (SEED, SEED, SEED + 1))
    for part in ("records", "truth", "never_link", "superseded"):
        assert getattr(one, part).equals(getattr(again, part))
    assert not one.records.equals(other.records)


def test_a_seed_gives_this_very_town_on_any_machine() -> None:
    rows = make_town(150, 2, 1).records.to_pylist()
    digest = hashlib.sha256(repr([tuple(row.values()) for row in rows]).encode()).hexdigest()
    assert digest == THIS_TOWN, "a change of lists, rates or code made another town: say so in the changelog"


def test_the_harder_rates_make_a_town_too() -> None:
    town = make_town(500, 1, 1, load_rates(harder=True))
    assert town.records.num_rows > 1000


@pytest.mark.parametrize(
    ("children", "authorities", "seed"), [(0, 2, 1), (10**9, 2, 1), (10, 0, 1), (10, 99, 1), (10, 2, -1)]
)
def test_sizes_out_of_range_are_refused(children: int, authorities: int, seed: int) -> None:
    with pytest.raises(Invalid):
        make_town(children, authorities, seed)


def test_progress_is_told() -> None:
    told = []
    make_town(50, 1, 1, progress=lambda done, of: told.append((done, of)))
    assert told == [(50, 50)]
