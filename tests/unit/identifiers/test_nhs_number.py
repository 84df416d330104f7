"""NHS number: ranges, reserved values, numbers of other countries, synthetic numbers."""

from __future__ import annotations

import nhs_number as nhs_library
import numpy as np
import pyarrow as pa
import pytest
import stdnum.gb.nhs

from samechild.errors import Invalid
from samechild.identifiers import nhs_number, uln
from samechild.identifiers.kinds import KINDS, Kind


@pytest.mark.parametrize(
    ("value", "kind", "problem", "belongs_to"),
    [
        ("9990000018", Kind.SYNTHETIC, "", ""),
        ("4000000004", Kind.ISSUED, "", ""),
        ("6000000006", Kind.ISSUED, "", ""),
        ("7000000007", Kind.ISSUED, "", ""),
        ("", Kind.MISSING, "", ""),
        ("  -\u2013\u00a0\ufeff", Kind.MISSING, "", ""),
        ("999000001", Kind.IMPOSSIBLE, "nhs-number-form", ""),
        ("999.000.0018", Kind.IMPOSSIBLE, "nhs-number-form", ""),
        ("９９９００００018", Kind.IMPOSSIBLE, "nhs-number-form", ""),
        ("999000001٨", Kind.IMPOSSIBLE, "nhs-number-form", ""),
        ("9990000019", Kind.IMPOSSIBLE, "nhs-number-check-digit", ""),
        ("5000000005", Kind.IMPOSSIBLE, "nhs-number-range", ""),
        ("8600000009", Kind.IMPOSSIBLE, "nhs-number-range", ""),
        ("0000000019", Kind.IMPOSSIBLE, "nhs-number-range", ""),
        ("3200000007", Kind.IMPOSSIBLE, "nhs-number-range", ""),
        ("8000000008", Kind.ELSEWHERE, "nhs-number-is-irish", "other_id"),
        ("0000000000", Kind.SENTINEL, "nhs-number-no-match", ""),
        ("9999999999", Kind.SENTINEL, "nhs-number-many-matches", ""),
        ("999 999 9999", Kind.SENTINEL, "nhs-number-many-matches", ""),
        ("1111111111", Kind.SENTINEL, "nhs-number-repeated-digit", ""),
        ("4444444444", Kind.SENTINEL, "nhs-number-repeated-digit", ""),
        ("0101011237", Kind.ELSEWHERE, "nhs-number-is-chi", "chi_number"),
        ("0101201234", Kind.ELSEWHERE, "nhs-number-is-chi", "chi_number"),
        ("3200000015", Kind.ELSEWHERE, "nhs-number-is-hc", "hc_number"),
        ("9276308686", Kind.ELSEWHERE, "nhs-number-like-uln", "uln"),
        ("0000000050", Kind.IMPOSSIBLE, "nhs-number-check-digit", ""),
    ],
)
def test_what_a_value_is(value: str, kind: Kind, problem: str, belongs_to: str) -> None:
    found = nhs_number.check(value)
    assert (found.kind, found.problem, found.belongs_to) == (kind, problem, belongs_to)
    many = nhs_number.check_many(pa.array([value]))
    assert KINDS[many.kinds[0]] == kind
    assert many.findings[many.problems[0]].problem == problem
    assert many.values.to_pylist() == [found.value]


@pytest.mark.parametrize(
    "typed", ["999 000 0018", "999-000-0018", " 9990000018\n", "999\u00a0000\u20110018", "\ufeff9990000018"]
)
def test_separators_are_dropped(typed: str) -> None:
    assert nhs_number.parse(typed) == "9990000018"
    assert nhs_number.normalise(typed) == "9990000018"
    assert nhs_number.display(nhs_number.parse(typed)) == "999 000 0018"


def test_parse_refuses_without_repeating_the_value() -> None:
    for value in ("9990000019", "0000000000", "999000001X"):
        with pytest.raises(Invalid) as refused:
            nhs_number.parse(value)
        assert value not in str(refused.value)
        assert str(refused.value)
    with pytest.raises(Invalid, match="no usable value"):
        nhs_number.parse("")


def test_both_libraries_agree_save_where_we_say() -> None:
    """``stdnum`` knows no ranges; ``nhs-number`` takes the reserved values and not the modulus 10 CHI numbers."""
    rng = np.random.default_rng(11)
    prefixes = rng.integers(0, 10**9, 5_000)
    for number in (f"{prefix:09d}{digit}" for prefix, digit in zip(prefixes, rng.integers(0, 10, 5_000), strict=True)):
        found = nhs_number.check(number)
        if found.value is not None:
            assert stdnum.gb.nhs.is_valid(number)
            assert nhs_library.is_valid(number)
        elif stdnum.gb.nhs.is_valid(number):
            assert found.problem in {"nhs-number-range", "nhs-number-is-chi", "nhs-number-is-hc", "nhs-number-is-irish"}
        else:
            assert not nhs_library.is_valid(number)
    for reserved in ("0000000000", "9999999999"):
        assert nhs_library.is_valid(reserved)
        assert stdnum.gb.nhs.is_valid(reserved)
        assert nhs_number.check(reserved).value is None
    assert not nhs_library.is_valid("0101201234")
    assert nhs_number.check("0101201234").belongs_to == "chi_number"


def test_synthetic_numbers_are_valid_distinct_and_in_order() -> None:
    ends = [0, 1, 8, 9, nhs_number.FIRST_FIXTURE_SERIAL, nhs_number.SYNTHETIC_COUNT - 1]
    serials = np.concatenate([ends, np.random.default_rng(3).choice(nhs_number.SYNTHETIC_COUNT, 50_000, replace=False)])
    numbers = nhs_number.synthetic_many(np.unique(serials))
    assert numbers.to_pylist() == sorted(set(numbers.to_pylist()))
    found = nhs_number.check_many(numbers)
    assert found.values.equals(numbers)
    assert {KINDS[code] for code in np.unique(found.kinds)} == {Kind.SYNTHETIC}
    assert all(stdnum.gb.nhs.is_valid(number) for number in numbers.to_pylist()[:2000])
    assert uln.check_many(numbers).values.null_count == len(numbers)
    assert nhs_number.from_serial(nhs_number.FIRST_FIXTURE_SERIAL) == "9990000018"
    assert nhs_number.from_serial(0) == "9000000009"
    assert nhs_number.from_serial(nhs_number.SYNTHETIC_COUNT - 1) < "9999999999"


@pytest.mark.parametrize("serials", [[-1], [nhs_number.SYNTHETIC_COUNT], [0.5], ["1"]])
def test_serials_out_of_range_are_refused(serials: list[object]) -> None:
    with pytest.raises(Invalid, match=r"[Ss]erial"):
        nhs_number.synthetic_many(np.array(serials))


def test_no_serials_make_no_numbers() -> None:
    assert len(nhs_number.synthetic_many(np.array([], dtype=np.int64))) == 0
    assert len(nhs_number.check_many(nhs_number.synthetic_many([])).values) == 0


def test_status_codes_are_the_eight_published() -> None:
    assert list(nhs_number.STATUS_MEANINGS) == [f"0{code}" for code in range(1, 9)]
