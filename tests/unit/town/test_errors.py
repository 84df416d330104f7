"""The ways a value goes wrong: each does what it says, and the same number makes the same mistake."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import DamerauLevenshtein

from samechild.identifiers import nhs_number, uln, upn
from samechild.town import errors

NAMES = st.text("abcdefghijklmnopqrstuvwxyzé'-", min_size=1, max_size=14).map(str.capitalize)
NUMBERS = st.integers(0, 2**53 - 1)


@pytest.mark.parametrize("way", [way for _, way in errors.MISSPELLINGS])
def test_every_kind_of_misspelling_changes_some_names_by_little(way: errors.Way) -> None:
    made = {
        (name, way(name, number)) for name in ("Catherine", "Mohammed", "Phillips") for number in range(0, 9000, 37)
    }
    changed = [(a, b) for a, b in made if a != b]
    assert len(changed) >= 6
    assert all(DamerauLevenshtein.distance(a, b) <= 2 for a, b in changed)
    assert all(b for _, b in made)


@given(NAMES, NUMBERS)
def test_a_misspelling_is_never_blank_and_always_the_same_for_a_number(name: str, number: int) -> None:
    assert errors.misspell(name, number)
    assert errors.misspell(name, number) == errors.misspell(name, number)
    assert errors.misspell_twice(name, number)


def test_all_kinds_of_misspelling_occur() -> None:
    shares = [share for share, _ in errors.MISSPELLINGS]
    assert sum(shares) == 100
    assert len({errors.misspell("Katherine", number) for number in range(5000)}) > 35


@pytest.mark.parametrize(
    ("surname", "expected"),
    [
        ("Smith-Jones", {"Smith", "Jones", "Smith Jones", "Smithjones", "Jones-Smith", "Smith-Jones"}),
        ("Lopez Garcia", {"Lopez", "Garcia", "Lopez Garcia", "Lopez-Garcia", "Lopezgarcia", "Garcia-Lopez"}),
        ("O'Brien", {"OBrien", "O Brien", "Obrien", "Brien"}),
        ("McDonald", {"McDonald", "Mc Donald", "MacDonald", "Mcdonald", "Donald"}),
        ("Al-Masri", {"AlMasri", "Al Masri", "ElMasri", "Almasri", "Masri"}),
        ("Taylor", {"Taylor"}),
    ],
)
def test_surnames_of_parts_and_prefixes_are_written_other_ways(surname: str, expected: set[str]) -> None:
    assert {errors.other_surname_form(surname, number) for number in range(200)} == expected


def test_has_other_form_agrees_with_the_forms() -> None:
    column = pa.array(["Smith-Jones", "Taylor", "O'Brien", "van Dijk", None, "McCann", "Macey"])
    assert errors.has_other_form(column).tolist() == [True, False, True, True, False, True, True]


def test_accents_are_lost_or_damaged() -> None:
    made = {errors.lose_accents("Zoë", number) for number in range(40)}
    assert made == {"Zoe", "Zo", "ZoÃ«"}


@given(st.integers(0, 10**6), NUMBERS)
def test_a_mistyped_number_is_never_a_valid_one(serial: int, number: int) -> None:
    one = np.array([serial])
    for kind in (nhs_number, upn, uln):
        right = kind.synthetic_many(one)[0].as_py()
        wrong = errors.wrong_digit(right, number)
        assert wrong != right
        assert len(wrong) == len(right)
        assert kind.check(wrong).value is None


@given(NUMBERS)
def test_a_wrong_postcode_keeps_its_form_and_its_unused_area(number: int) -> None:
    wrong = errors.wrong_postcode("JA12 3BD", number)
    assert wrong != "JA12 3BD"
    assert wrong.startswith("JA")
    assert len(wrong) == 8


def test_change_touches_only_the_chosen_rows_and_leaves_blanks() -> None:
    column = pa.array(["Anna", None, "Bela", "Cleo"])
    made = errors.change(
        column, np.array([True, True, False, True]), np.zeros(4, dtype=np.int64), lambda t, n: t.upper()
    )
    assert made.to_pylist() == ["ANNA", None, "Bela", "CLEO"]


def test_day_and_month_swap_only_where_the_day_could_be_a_month() -> None:
    month, day = errors.swapped_day(np.array([2010, 2010]), np.array([3, 3]), np.array([5, 25]))
    assert (month.tolist(), day.tolist()) == ([5, 3], [3, 25])


def test_short_and_odd_values_survive_every_way() -> None:
    for _, way in errors.MISSPELLINGS:
        assert way("Jo", 5)
    assert errors.delete_letter("Jo", 1) == "Jo"
    assert errors.transpose_letters("Jo", 1) == "Jo"
    assert errors.transpose_letters("Ann", 0) == "Nan"
    assert errors.substitute_letter("李", 3) == "李"
    assert errors.misspell("", 3) == ""
    assert errors.wrong_digit("UN", 3) == "UN"
