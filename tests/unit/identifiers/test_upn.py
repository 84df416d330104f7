"""UPN: check letter, permanent and temporary, the codes for none, made-up numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import stdnum.gb.upn

from samechild.errors import Invalid
from samechild.identifiers import upn
from samechild.identifiers.kinds import KINDS, Kind


@pytest.mark.parametrize("code", [f"UN{number}" for number in range(1, 11)])
def test_a_code_for_none_is_the_absence_of_a_number(code: str) -> None:
    for typed in (code, code.lower(), f" {code} "):
        found = upn.check(typed)
        assert (found.value, found.kind, found.problem) == (None, Kind.UNKNOWN_CODE, "")
        assert upn.unknown_reason(typed) == upn.UNKNOWN_CODES[code]
        assert KINDS[upn.check_many(pa.array([typed])).kinds[0]] == Kind.UNKNOWN_CODE
    with pytest.raises(Invalid):
        upn.parse(code)


@pytest.mark.parametrize("value", ["UN0", "UN11", "UN", "UN1A", "UNKNOWN"])
def test_what_only_looks_like_a_code_is_wrong(value: str) -> None:
    assert upn.check(value).problem == "upn-form"
    assert upn.unknown_reason(value) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("A000000000000", "upn-repeated-digit"),
        ("1111111111111", "upn-repeated-digit"),
        ("\u0661" * 13, "upn-form"),
        ("B80120000500\u0661", "upn-form"),
        ("B801200005001\n9", "upn-form"),
        ("C801200005001", "upn-check-letter"),
    ],
)
def test_wrong_values(value: str, problem: str) -> None:
    assert upn.check(value).problem == problem
    many = upn.check_many(pa.array([value]))
    assert many.findings[many.problems[0]].problem == problem


def test_the_library_agrees_save_for_authorities_it_does_not_know() -> None:
    rng = np.random.default_rng(5)
    alphabet = [*upn.ALPHABET, *"0123456789"]
    for serial in rng.integers(0, 10**9, 5000):
        value = f"{upn.ALPHABET[serial % 23]}801{serial:09d}"[:12] + str(rng.choice(alphabet))
        assert (upn.check(value).value is not None) == stdnum.gb.upn.is_valid(value)
    for newer in ("J838400099001", "E940400099001", "T943400099001"):
        assert upn.check(newer).kind == Kind.ISSUED
        assert not stdnum.gb.upn.is_valid(newer)


def test_issuer_is_the_authority_in_the_number() -> None:
    assert upn.issuer(upn.parse("J838400099001")) == "838"


@pytest.mark.parametrize("temporary", [False, True])
def test_made_up_numbers_are_valid_and_distinct(temporary: bool) -> None:
    count = upn.TEMPORARY_COUNT if temporary else upn.SYNTHETIC_COUNT
    serials = np.unique(
        np.concatenate([np.arange(100), [count - 1], np.random.default_rng(6).integers(0, count, 30_000)])
    )
    numbers = upn.synthetic_many(serials, temporary=temporary)
    assert len(numbers.unique()) == len(serials)
    found = upn.check_many(numbers)
    assert found.values.equals(numbers)
    assert {KINDS[code] for code in np.unique(found.kinds)} == {Kind.SYNTHETIC}
    assert (upn.temporary_many(numbers) == temporary).all()
    assert upn.is_temporary(upn.from_serial(7, temporary=temporary)) is temporary
    with pytest.raises(Invalid):
        upn.synthetic_many(np.array([count]), temporary=temporary)


def test_temporary_of_a_column_with_gaps() -> None:
    column = pa.chunked_array([["M80199999900A", None], ["B801200005001"]])
    assert upn.temporary_many(column).tolist() == [True, False, False]
