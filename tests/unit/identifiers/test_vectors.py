"""Every published vector: each right value is taken in its canonical form, each wrong one refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from samechild.identifiers import (
    chi_number,
    child_benefit_number,
    establishment,
    hc_number,
    la_child_id,
    nhs_number,
    nino,
    ons_code,
    postcode,
    ucrn,
    uln,
    upn,
    uprn,
)
from samechild.identifiers.establishment import Register
from samechild.identifiers.kinds import KINDS, USED, Checked, CheckedMany

PUBLISHED = json.loads((Path(__file__).parents[2] / "fixtures" / "identifiers.json").read_text(encoding="utf-8"))

Check = Callable[[str], Checked]
CheckMany = Callable[[pa.Array], CheckedMany]


def _of(register: Register) -> tuple[Check, CheckMany]:
    return partial(establishment.check, register=register), partial(establishment.check_many, register=register)


CHECKS: dict[str, tuple[Check, CheckMany]] = {
    "nhs_number": (nhs_number.check, nhs_number.check_many),
    "chi_number": (chi_number.check, chi_number.check_many),
    "hc_number": (hc_number.check, hc_number.check_many),
    "upn": (upn.check, upn.check_many),
    "uln": (uln.check, uln.check_many),
    "nino": (nino.check, nino.check_many),
    "child_benefit_number": (child_benefit_number.check, child_benefit_number.check_many),
    "ucrn": (ucrn.check, ucrn.check_many),
    "la_child_id": (la_child_id.check, la_child_id.check_many),
    "la_number": _of(Register.LA_NUMBER),
    "laestab": _of(Register.LAESTAB),
    "urn_school": _of(Register.URN),
    "ukprn": _of(Register.UKPRN),
    "uprn": (uprn.check, uprn.check_many),
    "ons_gss": (ons_code.check, ons_code.check_many),
    "ods_code": _of(Register.ODS),
    "postcode": (postcode.check, postcode.check_many),
}

NORMALISED_FIRST = {
    ("upn", "b801200005001"): "B801200005001",
    ("laestab", "801/2000"): "8012000",
    ("uprn", "0100023336956"): "100023336956",
    ("ods_code", "a20047"): "A20047",
    ("postcode", "LS16AE"): "LS1 6AE",
}
"""Values listed as wrong only until they are normalised, with what they become."""


def _vectors(which: str) -> list[tuple[str, dict[str, Any]]]:
    return [(entry["key"], vector) for entry in PUBLISHED["identifiers"] for vector in entry[which]]


def test_every_published_identifier_is_checked() -> None:
    assert set(CHECKS) == {entry["key"] for entry in PUBLISHED["identifiers"]}
    assert len(_vectors("valid")) == 70
    assert len(_vectors("invalid")) == 69


@pytest.mark.parametrize(("key", "vector"), _vectors("valid"))
def test_right_values_are_taken_in_canonical_form(key: str, vector: dict[str, Any]) -> None:
    found = CHECKS[key][0](vector["value"])
    assert found.value == vector["value"]
    assert found.kind in USED
    assert found.problem == ""
    if key == "upn":
        assert upn.is_temporary(upn.parse(vector["value"])) == (
            vector["kind"] == "temporary" if "kind" in vector else False
        )


@pytest.mark.parametrize(("key", "vector"), _vectors("invalid"))
def test_wrong_values_are_refused(key: str, vector: dict[str, Any]) -> None:
    value = vector["value"]
    found = CHECKS[key][0](value)
    if (key, value) in NORMALISED_FIRST:
        assert found.value == NORMALISED_FIRST[key, value]
        return
    assert found.value is None
    assert found.kind not in USED
    if value:
        assert value not in found.message


@pytest.mark.parametrize("key", CHECKS)
def test_a_column_gets_the_same_answers(key: str) -> None:
    one, many = CHECKS[key]
    texts = [vector["value"] for vectors in ("valid", "invalid") for name, vector in _vectors(vectors) if name == key]
    column = pa.array([*texts, None, "", " ", "\u00a0-", *texts])
    found = many(column)
    alone = [one(text or "") for text in column.to_pylist()]
    assert found.values.to_pylist() == [answer.value for answer in alone]
    assert [KINDS[code] for code in found.kinds] == [answer.kind for answer in alone]
    assert [found.findings[code].problem for code in found.problems] == [answer.problem for answer in alone]


@pytest.mark.parametrize("example", PUBLISHED["cross_rules"][0]["examples"], ids=lambda example: example["value"])
def test_no_value_is_both_nhs_number_and_learner_number(example: dict[str, Any]) -> None:
    reserved = example["value"] == "9999999999"
    assert (nhs_number.check(example["value"]).value is not None) == (example["nhs"] and not reserved)
    assert (uln.check(example["value"]).value is not None) == example["uln"]


@pytest.mark.parametrize("value", PUBLISHED["cross_rules"][1]["values"])
@pytest.mark.parametrize("key", ["nhs_number", "chi_number", "hc_number", "uln", "uprn", "ucrn", "la_child_id"])
def test_repeated_digits_are_refused_everywhere(key: str, value: str) -> None:
    one, many = CHECKS[key]
    assert one(value).value is None
    assert many(pa.array([value])).values.to_pylist() == [None]


@pytest.mark.parametrize("value", PUBLISHED["cross_rules"][2]["examples"])
def test_a_chi_number_is_not_an_nhs_number(value: str) -> None:
    found = nhs_number.check(value)
    assert (found.value, found.belongs_to) == (None, "chi_number")
    assert chi_number.check(value).value == value


def test_the_codes_for_an_unknown_upn_are_the_published_ones() -> None:
    assert set(upn.UNKNOWN_CODES) == set(PUBLISHED["upn_unknown_codes"]["codes"])
