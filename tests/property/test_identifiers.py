"""Promises about identifiers on generated text: columns answer as single values do, and check digits catch mistakes."""

from __future__ import annotations

import string
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.identifiers import (
    chi_number,
    child_benefit_number,
    hc_number,
    la_child_id,
    nhs_number,
    nino,
    ons_code,
    postcode,
    scn,
    text,
    ucrn,
    uln,
    upn,
    uprn,
)
from samechild.identifiers.kinds import KINDS, USED

ALL: list[ModuleType] = [
    nhs_number, chi_number, hc_number, upn, uln, nino, child_benefit_number, ucrn, scn, la_child_id, uprn, postcode,
    ons_code,
]  # fmt: skip

GOOD = [
    "9990000018", "4010232137", "9999999999", "0000000000", "1111111111", "0101011237", "0101201234", "1904851231",
    "3200000015", "3333333333", "9276308686", "1000000019", "B801200005001", "M80199999900A", "A000000000000", "UN10",
    "AB123456C", "AB123456", "TN010190M", "CHB12345678AB", "050000028", "50000028", "CH100234", "100023336956",
    "000000000000", "LS1 6AE", "EC1A 1BB", "GIR 0AA", "ZZ99 3VZ", "LS1", "E06000059", "E99999999",
]  # fmt: skip

STRANGE = "\u0660\u0669\uff10\uff19\u00b2\u0131\u017f\u00df\u212a\x00./\\'\u0301\U0001d7d8"


@st.composite
def near_misses(draw: st.DrawFn) -> str:
    """A right or reserved value with a few characters put in, taken out or changed."""
    characters = list(draw(st.sampled_from(GOOD)))
    marks = st.sampled_from([*text.SEPARATORS, *STRANGE, *string.digits, *string.ascii_letters])
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(characters)))
        characters[place : place + draw(st.integers(0, 1))] = draw(st.lists(marks, max_size=2))
    return "".join(characters)


values = st.one_of(
    near_misses(),
    st.text(st.sampled_from(string.digits), min_size=8, max_size=14),
    st.text(st.sampled_from(string.digits + string.ascii_letters + " -/"), max_size=16),
    st.text(max_size=12),
    st.just("9" * 5000),
)


@pytest.mark.parametrize("module", ALL, ids=lambda module: module.__name__.rpartition(".")[2])
@given(column=st.lists(st.none() | values, max_size=30), cut=st.integers(0, 3))
def test_a_column_answers_as_each_value_alone(module: ModuleType, column: list[str | None], cut: int) -> None:
    found = module.check_many(pa.array(column, pa.string()).slice(cut))
    alone = [module.check(value or "") for value in column[cut:]]
    assert found.values.to_pylist() == [answer.value for answer in alone]
    assert [KINDS[code] for code in found.kinds] == [answer.kind for answer in alone]
    assert [found.findings[code].problem for code in found.problems] == [answer.problem for answer in alone]


@pytest.mark.parametrize("module", ALL, ids=lambda module: module.__name__.rpartition(".")[2])
@given(value=values)
def test_what_is_taken_is_canonical_and_what_is_not_says_why(module: ModuleType, value: str) -> None:
    found = module.check(value)
    assert (found.value is not None) == (found.kind in USED)
    assert bool(found.problem) == bool(found.message)
    if found.value is not None:
        assert module.normalise(found.value) == found.value == module.normalise(value)
        assert module.check(found.value) == found
        assert module.parse(value) == found.value
    # Messages are fixed sentences, so none can hold a value.
    assert (found.problem, found.message) in {(known.problem, known.message) for known in module.FINDINGS}


@given(typed=st.lists(st.text(max_size=20) | near_misses(), max_size=20))
def test_cleaning_a_column_is_cleaning_each_value(typed: list[str]) -> None:
    column = pa.array(typed, pa.string())
    assert text.normalise_many(column).to_pylist() == [text.normalise(value) for value in typed]
    assert text.normalise_many(column, "/").to_pylist() == [text.normalise(value, "/") for value in typed]
    assert text.trim_many(column).to_pylist() == [text.trim(value) for value in typed]


@given(digits=st.text(st.sampled_from(string.digits), min_size=10, max_size=10))
def test_no_value_is_both_nhs_number_and_learner_number(digits: str) -> None:
    assert nhs_number.check(digits).value is None or uln.check(digits).value is None


def _swaps_and_slips(right: str, alphabet: str) -> list[str]:
    """Every value one wrong character, or one exchange of neighbours, away."""
    slips = [right[:i] + other + right[i + 1 :] for i in range(len(right)) for other in alphabet if other != right[i]]
    exchanged = [right[:i] + right[i + 1] + right[i] + right[i + 2 :] for i in range(len(right) - 1)]
    return slips + [value for value in exchanged if value != right]


@pytest.mark.parametrize(
    ("module", "count", "other"),
    [(nhs_number, 89_999_991, uln), (uln, 89_999_991, nhs_number)],
)
@given(seed=st.integers(0, 10**9))
def test_every_slip_and_exchange_of_digits_is_caught(
    module: ModuleType, count: int, other: ModuleType, seed: int
) -> None:
    right = module.from_serial(seed % count)
    wrong = _swaps_and_slips(right, string.digits)
    assert module.check_many(pa.array(wrong)).values.null_count == len(wrong)
    assert other.check(right).value is None


@given(prefix=st.integers(0, 10**8 - 1))
def test_every_slip_and_exchange_in_a_candidate_number_is_caught(prefix: int) -> None:
    tries = [f"{prefix:08d}{digit}" for digit in range(10)]
    for right in [value for value in tries if scn.check(value).value]:
        wrong = _swaps_and_slips(right, string.digits)
        assert scn.check_many(pa.array(wrong)).values.null_count == len(wrong)


@given(serial=st.integers(0, upn.SYNTHETIC_COUNT - 1), temporary=st.booleans())
def test_slips_and_exchanges_in_a_upn_are_caught_save_one(serial: int, temporary: bool) -> None:
    """In the last place a letter A to K weighs what the digits 0 to 9 weigh: the one slip the arithmetic cannot see."""
    right = upn.from_serial(serial, temporary=temporary)
    wrong = _swaps_and_slips(right, upn.ALPHABET + string.digits)
    unseen = [value for value in upn.check_many(pa.array(wrong)).values.to_pylist() if value is not None]
    twins = dict(zip(string.digits, upn.ALPHABET, strict=False))
    twins |= {letter: digit for digit, letter in twins.items()}
    assert unseen == ([right[:-1] + twins[right[-1]]] if right[-1] in twins else [])


@pytest.mark.parametrize("module", [nhs_number, uln, upn, uprn], ids=lambda module: module.__name__.rpartition(".")[2])
@given(start=st.integers(0, 10**7), count=st.integers(1, 300))
def test_made_up_values_are_valid_distinct_and_in_order(module: ModuleType, start: int, count: int) -> None:
    serials = np.arange(start, start + count)
    made = module.synthetic_many(serials)
    assert made.to_pylist() == [module.from_serial(int(serial)) for serial in serials]
    assert len(set(made.to_pylist())) == count
    assert module.check_many(made).values.equals(made)
    bodies = [value[1:] if module is upn else value for value in made.to_pylist()]
    assert bodies == sorted(bodies)
