"""How sex, places, contacts and wrapped numbers are read."""

from __future__ import annotations

import pytest

from samechild.demographics.address import read_address, read_code, read_email, read_phone, read_postcode, read_text
from samechild.demographics.numbers import NumberRead, read_number, read_other_id, read_status
from samechild.demographics.sex import read_sex


@pytest.mark.parametrize("text", ["M", "male", " Boy ", "1", "1.0", "01"])
def test_male(text: str) -> None:
    assert read_sex(text) == ("M", None)


@pytest.mark.parametrize("text", ["F", "FEMALE", "girl", "2"])
def test_female(text: str) -> None:
    assert read_sex(text) == ("F", None)


@pytest.mark.parametrize("text", ["0", "9", "X", "U", "I", "Unknown", "", "Not known", "Indeterminate", "?"])
def test_sex_not_known(text: str) -> None:
    assert read_sex(text) == (None, None)


def test_sex_unreadable() -> None:
    assert read_sex("female | male") == (None, "sex-unreadable")


def test_addresses() -> None:
    same = [
        "Flat 2, 12 St. John's Road",
        "FLAT 2 12 ST JOHNS RD",
        "Apartment 2; 12 Saint Johns road",
        "apt 2, No. 12, St John’s Road",
    ]
    assert {read_address(text) for text in same} == {"FLAT 2 12 ST JOHNS RD"}
    assert read_address("No fixed abode") is None
    assert read_address("Confidential") is None
    assert read_address("The") is None
    assert read_text("N/K") is None
    assert read_text("  Stoke-on-Trent ") == "STOKE ON TRENT"


def test_postcodes() -> None:
    assert read_postcode("ls1 6ab") == ("LS1 6AB", None)
    assert read_postcode("ZZ99 3VZ") == (None, None)
    assert read_postcode("NFA") == (None, None)
    assert read_postcode("4000") == (None, "postcode-form")
    assert read_postcode("4000", as_text=True) == ("4000", None)


def test_contacts() -> None:
    for text in (
        "020 7946 0000",
        "+44 20 7946 0000",
        "0044 (0)20 7946 0000",
        "442079460000",
        "2079460000",
        "02079460000.0",
    ):
        assert read_phone(text) == ("02079460000", None), text
    assert read_phone("+33 1 23 45 67 89") == ("0033123456789", None)
    assert read_phone("0000000000") == (None, "phone-unreadable")
    assert read_phone("unknown") == (None, None)
    assert read_phone("123") == (None, "phone-unreadable")
    assert read_email(" Mum@Example.ORG ") == ("mum@example.org", None)
    assert read_email("none") == (None, None)
    assert read_email("mum at example") == (None, "email-unreadable")
    assert read_code("302/1234") == read_code("302 1234") == read_code("3021234.0") == "3021234"


NUMBER = "9990000018"


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        "999 000 0018",
        "999-000-0018",
        f'="{NUMBER}"',
        f"'{NUMBER}",
        f"{NUMBER}.0",
        "9.990000018E+09",
        "9,990000018e9",
    ],
)
def test_a_number_survives_the_spreadsheet(text: str) -> None:
    assert read_number("nhs_number", text) == NumberRead(value=NUMBER)


@pytest.mark.parametrize(
    ("field", "text", "problem"),
    [("nhs_number", "9.99E+09", "number-lost-digits"), ("nhs_number", "9990000019", "nhs-number-check-digit"),
     ("nhs_number", "0000000000", "nhs-number-no-match"), ("nhs_number", "９９９００００01８", "nhs-number-form"),
     ("upn", "UN11", "upn-form"), ("la_child_id", "12 34", "la-child-id-form")],
)  # fmt: skip
def test_a_wrong_number_is_refused_and_never_mended(field: str, text: str, problem: str) -> None:
    assert read_number(field, text) == NumberRead(problem=problem)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("upn", "UN1"),
        ("upn", "un10"),
        ("nhs_number", "NK"),
        ("nhs_number", "n/a"),
        ("nhs_number", ""),
        ("nhs_number", '=""'),
    ],
)
def test_no_number_is_no_problem(field: str, text: str) -> None:
    assert read_number(field, text) == NumberRead()


def test_a_number_in_the_wrong_column() -> None:
    assert read_number("nhs_number", "9276308686") == NumberRead(
        belongs_to="uln", moved="9276308686", problem="uln-misplaced"
    )
    assert read_number("uln", NUMBER) == NumberRead(
        belongs_to="nhs_number", moved=NUMBER, problem="nhs-number-misplaced"
    )
    assert read_number("nhs_number", "0101011237").belongs_to == "chi_number"
    assert read_number("ucrn", NUMBER).belongs_to is None


def test_national_insurance_numbers_compare_on_eight_characters() -> None:
    assert read_number("nino", "AB 12 34 56 C") == NumberRead(value="AB123456")
    assert read_number("nino", "AB123456") == NumberRead(value="AB123456", problem="nino-no-suffix")


def test_local_identifiers_keep_their_noughts_and_marks() -> None:
    assert read_number("la_child_id", "00123").value == "00123"
    assert read_number("la_child_id", "mos-001234567").value == "MOS-001234567"
    assert read_number("uprn", "000123").value == "123"
    assert read_other_id(" ab-12 34 ") == "AB1234"
    assert read_other_id("0000000") is None
    assert read_other_id("7") == "7"
    assert read_other_id("n/a") is None


def test_status() -> None:
    assert read_status("1") == ("01", None)
    assert read_status("08") == ("08", None)
    assert read_status("9") == (None, "nhs-number-status-unknown")
    assert read_status(" ") == (None, None)
