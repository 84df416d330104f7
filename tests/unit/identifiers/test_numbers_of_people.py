"""The other numbers of people: learner, Scottish, Northern Irish, National Insurance, benefit and local ones."""

from __future__ import annotations

import re
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest

from samechild.errors import Invalid
from samechild.identifiers import (
    chi_number,
    child_benefit_number,
    hc_number,
    la_child_id,
    nhs_number,
    nino,
    scn,
    ucrn,
    uln,
)
from samechild.identifiers.kinds import KINDS, Kind

YEARS = (0, 1, 19, 24, 99)

NEVER_USED = [
    "BG",
    "GB",
    "KN",
    "NK",
    "NT",
    "TN",
    "ZZ",
    "DA",
    "FA",
    "IA",
    "QA",
    "UA",
    "VA",
    "AD",
    "AF",
    "AI",
    "AQ",
    "AU",
    "AV",
    "AO",
    "QQ",
    "OO",
]

CASES: list[tuple[ModuleType, str, Kind, str]] = [
    (uln, "9999999999", Kind.SENTINEL, "uln-not-yet"),
    (uln, "7777777777", Kind.SENTINEL, "uln-repeated-digit"),
    (uln, "0000000078", Kind.IMPOSSIBLE, "uln-form"),
    (uln, "1000000060", Kind.IMPOSSIBLE, "uln-check-digit"),
    (uln, "0101011237", Kind.IMPOSSIBLE, "uln-form"),
    (uln, "9990000018", Kind.ELSEWHERE, "uln-like-nhs-number"),
    (uln, "3200000015", Kind.IMPOSSIBLE, "uln-check-digit"),
    (uln, "4000000004", Kind.ELSEWHERE, "uln-like-nhs-number"),
    (uln, "6000000006", Kind.ELSEWHERE, "uln-like-nhs-number"),
    (uln, "7000000007", Kind.ELSEWHERE, "uln-like-nhs-number"),
    (chi_number, "2902001002", Kind.ISSUED, ""),
    (chi_number, "1111111111", Kind.REVIEW, "chi-number-elevens"),
    (chi_number, "2222222222", Kind.SENTINEL, "chi-number-repeated-digit"),
    (chi_number, "101011237", Kind.REVIEW, "chi-number-lost-zero"),
    (chi_number, "101011238", Kind.IMPOSSIBLE, "chi-number-form"),
    (chi_number, "2902191230", Kind.IMPOSSIBLE, "chi-number-date"),
    (chi_number, "0000010000", Kind.IMPOSSIBLE, "chi-number-date"),
    (chi_number, "1904851232", Kind.IMPOSSIBLE, "chi-number-check-digit"),
    (chi_number, "010101123X", Kind.IMPOSSIBLE, "chi-number-form"),
    (hc_number, "3333333333", Kind.SENTINEL, "hc-number-repeated-digit"),
    (hc_number, "4010232137", Kind.ELSEWHERE, "hc-number-is-nhs-number"),
    (hc_number, "0101011237", Kind.IMPOSSIBLE, "hc-number-range"),
    (hc_number, "3200000007", Kind.IMPOSSIBLE, "hc-number-range"),
    (hc_number, "32000000", Kind.IMPOSSIBLE, "hc-number-form"),
    (scn, "050000028", Kind.ISSUED, ""),
    (scn, "50000028", Kind.REVIEW, "scn-lost-zero"),
    (scn, "050000029", Kind.IMPOSSIBLE, "scn-check-digit"),
    (scn, "50000029", Kind.IMPOSSIBLE, "scn-form"),
    (scn, "00000000", Kind.IMPOSSIBLE, "scn-form"),
    (scn, "000000000", Kind.SENTINEL, "scn-repeated-digit"),
    (scn, "777777777", Kind.SENTINEL, "scn-repeated-digit"),
    (scn, "05000002X", Kind.IMPOSSIBLE, "scn-form"),
    (scn, "", Kind.MISSING, ""),
    (nino, "AB123456", Kind.REVIEW, "nino-no-suffix"),
    (nino, "TN010190M", Kind.IMPOSSIBLE, "nino-temporary"),
    (nino, "11A11111", Kind.IMPOSSIBLE, "nino-temporary"),
    *((nino, f"{prefix}123456A", Kind.IMPOSSIBLE, "nino-prefix") for prefix in NEVER_USED),
    (nino, "AB123456E", Kind.IMPOSSIBLE, "nino-form"),
    (nino, "ab 12 34 56 c", Kind.ISSUED, ""),
    (child_benefit_number, "chb12345678 ab", Kind.ISSUED, ""),
    (child_benefit_number, "CHB12345678", Kind.IMPOSSIBLE, "child-benefit-number-form"),
    (ucrn, "a12-3456", Kind.ISSUED, ""),
    (ucrn, "A" * 33, Kind.IMPOSSIBLE, "ucrn-form"),
    (ucrn, "see notes.", Kind.IMPOSSIBLE, "ucrn-form"),
    (ucrn, "000", Kind.SENTINEL, "ucrn-repeated-digit"),
    (ucrn, "AAAAAAAAAAAA", Kind.ISSUED, ""),
    (la_child_id, " ch100234 ", Kind.ISSUED, ""),
    (la_child_id, "A 123", Kind.IMPOSSIBLE, "la-child-id-form"),
    (la_child_id, "A-123", Kind.IMPOSSIBLE, "la-child-id-form"),
    (la_child_id, "ſé", Kind.IMPOSSIBLE, "la-child-id-form"),
    (la_child_id, "0", Kind.SENTINEL, "la-child-id-filler"),
    (la_child_id, "111111", Kind.ISSUED, ""),
    (la_child_id, "\ufeff \u00a0", Kind.MISSING, ""),
]


@pytest.mark.parametrize(("module", "value", "kind", "problem"), CASES)
def test_what_a_value_is(module: ModuleType, value: str, kind: Kind, problem: str) -> None:
    found = module.check(value)
    assert (found.kind, found.problem) == (kind, problem)
    many = module.check_many(pa.array([value]))
    assert KINDS[many.kinds[0]] == kind
    assert many.findings[many.problems[0]].problem == problem
    assert many.values.to_pylist() == [found.value]
    if found.value is None:
        with pytest.raises(Invalid) as refused:
            module.parse(value)
        assert not value.strip() or value not in re.sub(r"\bnought\w*", "", str(refused.value))
    else:
        assert module.parse(value) == found.value


def test_every_day_and_no_other_begins_a_chi_number() -> None:
    """The table of days used for columns against the calendar used for single values."""
    dates = [
        f"{day:02d}{month:02d}{year:02d}" for day in range(33) for month in range(14) for year in (0, 1, 19, 24, 99)
    ]
    values = [f"{date}{serial}" for date in dates for serial in ("0000", "1237", "4821", "7709")]
    found = chi_number.check_many(pa.array(values))
    assert found.values.to_pylist() == [chi_number.check(value).value for value in values]
    assert 50 < len(values) - found.values.null_count < len(values) / 4


def test_nino_compares_on_eight_characters() -> None:
    first, second = nino.parse("AB 12 34 56 A"), nino.parse("AB123456B")
    assert first != second
    assert nino.person_part(first) == nino.person_part(second) == "AB123456"
    assert nino.person_parts(pa.array([first, None, second])).to_pylist() == ["AB123456", None, "AB123456"]
    assert nino.display(first) == "AB 12 34 56 A"


def test_local_ids_carry_their_authority() -> None:
    child = la_child_id.parse("0000012345")
    assert la_child_id.local_id("801", child) == "801:0000012345"
    assert la_child_id.local_id("801", child) != la_child_id.local_id("802", child)
    with pytest.raises(Invalid, match="authority"):
        la_child_id.local_id(" ", child)
    pairs = la_child_id.local_ids(pa.array(["801", None, " ", "e06000059 "]), pa.array(["A1", "A1", "A1", None]))
    assert pairs.to_pylist() == ["801:A1", None, None, None]
    assert la_child_id.local_ids(pa.array(["e06000059 "]), pa.array(["A1"])).to_pylist() == ["E06000059:A1"]


def test_child_benefit_number_is_shown_as_awards_show_it() -> None:
    assert child_benefit_number.display(child_benefit_number.parse("CHB12345678AB")) == "CHB12345678 AB"


def test_made_up_learner_numbers_are_valid_distinct_and_never_nhs_numbers() -> None:
    serials = np.unique(np.concatenate([[0, uln.SYNTHETIC_COUNT - 1], np.arange(1000, 40_000)]))
    numbers = uln.synthetic_many(serials)
    assert len(numbers.unique()) == len(serials)
    assert uln.check_many(numbers).values.equals(numbers)
    assert nhs_number.check_many(numbers).values.null_count == len(numbers)
    assert uln.check(uln.from_serial(0)).value == uln.from_serial(0)
    with pytest.raises(Invalid):
        uln.from_serial(uln.SYNTHETIC_COUNT)
