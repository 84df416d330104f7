"""Codes of places: postcodes and what stands for none, properties, schools and areas."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from samechild.errors import Invalid
from samechild.identifiers import establishment, ons_code, postcode, uprn
from samechild.identifiers.establishment import Register
from samechild.identifiers.kinds import KINDS, Kind


@pytest.mark.parametrize("typed", ["ls16ae", " LS1 6AE ", "LS1  6AE", "L S 1 6 A E", "LS1\u00a06AE", "LS1-6AE"])
def test_a_postcode_has_one_space(typed: str) -> None:
    found = postcode.parse(typed)
    assert found == "LS1 6AE"
    assert postcode.normalise(typed) == "LS1 6AE"
    assert (postcode.sector(found), postcode.district(found)) == ("LS1 6", "LS1")
    assert postcode.check_many(pa.array([typed])).values.to_pylist() == ["LS1 6AE"]


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("ZZ99 3VZ", "no fixed abode"),
        ("zz993wz", "address not known"),
        ("ZZ99 3CZ", "address outside the UK, country not stated (England list)"),
        ("ZZ99 7CZ", "a place outside the United Kingdom, or not known"),
        ("LS1 6AE", None),
        ("ZZ99 7CA", None),
    ],
)
def test_pseudo_postcodes_are_no_place(value: str, meaning: str | None) -> None:
    assert postcode.pseudo_meaning(value) == meaning
    found = postcode.check(value)
    assert (found.kind == Kind.PSEUDO) == (meaning is not None)
    if meaning:
        assert (found.value, found.problem) == (None, "")
        assert KINDS[postcode.check_many(pa.array([value])).kinds[0]] == Kind.PSEUDO


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("LS1", "postcode-first-half"),
        ("EC1A", "postcode-first-half"),
        ("LS", "postcode-form"),
        ("2000", "postcode-form"),
        ("LS1 6AE\nLS1 6AE", "postcode-form"),
        ("LS1.6AE", "postcode-form"),
        ("L\u017f1 6AE", "postcode-form"),
        ("not known", "postcode-form"),
    ],
)
def test_what_is_no_postcode(value: str, problem: str) -> None:
    assert postcode.check(value).problem == problem
    many = postcode.check_many(pa.array([value]))
    assert many.findings[many.problems[0]].problem == problem
    with pytest.raises(Invalid):
        postcode.parse(value)


def test_normalise_leaves_a_fragment_alone() -> None:
    assert postcode.normalise("ls1") == "LS1"


def test_sectors_and_districts_of_a_column() -> None:
    codes = pa.array(["LS1 6AE", None, "EC1A 1BB", "GIR 0AA"])
    assert postcode.sectors(codes).to_pylist() == ["LS1 6", None, "EC1A 1", "GIR 0"]
    assert postcode.districts(codes).to_pylist() == ["LS1", None, "EC1A", "GIR"]


@pytest.mark.parametrize(
    ("value", "canonical", "kind"),
    [
        ("000123", "123", Kind.ISSUED),
        ("0000000000001", "1", Kind.ISSUED),
        ("11", "11", Kind.ISSUED),
        ("0", None, Kind.SENTINEL),
        ("000000000000", None, Kind.SENTINEL),
        ("999999999999", None, Kind.SENTINEL),
        ("01111111111", None, Kind.SENTINEL),
        ("12A", None, Kind.IMPOSSIBLE),
        ("\u0661\u0662", None, Kind.IMPOSSIBLE),
        ("1234567890123", None, Kind.IMPOSSIBLE),
        ("", None, Kind.MISSING),
    ],
)
def test_property_references(value: str, canonical: str | None, kind: Kind) -> None:
    found = uprn.check(value)
    assert (found.value, found.kind) == (canonical, kind)
    many = uprn.check_many(pa.array([value]))
    assert (many.values.to_pylist(), KINDS[many.kinds[0]]) == ([canonical], kind)
    if canonical:
        assert uprn.parse(value) == uprn.normalise(value) == canonical


def test_normalised_noughts_stay_a_nought() -> None:
    assert uprn.normalise("000") == "0"
    assert uprn.normalise(" ") == ""


def test_made_up_property_references_are_valid_and_distinct() -> None:
    serials = np.array([0, 1, 77, uprn.SYNTHETIC_COUNT - 1])
    numbers = uprn.synthetic_many(serials)
    assert len(numbers.unique()) == 4
    assert uprn.check_many(numbers).values.equals(numbers)
    assert uprn.from_serial(77) == "998000000077"


@pytest.mark.parametrize(
    ("register", "value", "canonical"),
    [
        (Register.LAESTAB, "801/2000", "8012000"),
        (Register.SCHOOL, "801/2000", "8012000"),
        (Register.SCHOOL, "136807", "136807"),
        (Register.SCHOOL, "036807", None),
        (Register.LA_NUMBER, "000", None),
        (Register.ODS, " a20047", "A20047"),
        (Register.ODS, "A20047B1234", None),
        (Register.UKPRN, "", None),
    ],
)
def test_codes_of_establishments(register: Register, value: str, canonical: str | None) -> None:
    assert establishment.check(value, register).value == canonical
    assert establishment.check_many(pa.array([value]), register).values.to_pylist() == [canonical]
    if canonical is None:
        with pytest.raises(Invalid):
            establishment.parse(value, register)
    else:
        assert establishment.parse(value, register) == canonical


def test_noughts_name_no_establishment() -> None:
    assert establishment.check("0000000", Register.LAESTAB).kind == Kind.SENTINEL
    assert establishment.display_laestab("8012000") == "801/2000"


@pytest.mark.parametrize(("value", "authority"), [("E08000035", True), ("S12000036", True), ("E01000001", False)])
def test_area_codes(value: str, authority: bool) -> None:
    assert ons_code.is_local_authority(ons_code.parse(value)) is authority


def test_an_area_code_of_nines_is_no_area() -> None:
    found = ons_code.check("e99999999")
    assert (found.value, found.kind, found.problem) == (None, Kind.PSEUDO, "")
    assert ons_code.check_many(pa.array(["e99999999"])).values.to_pylist() == [None]
    assert ons_code.check("").kind == Kind.MISSING
