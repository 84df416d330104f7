"""One record standardised in plain Python: slow, obvious, and the definition of the right answer.

:func:`samechild.demographics.standardise.standardise` does the same to whole columns and is tested against this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samechild.demographics import address, dates, names, variants
from samechild.demographics.conventions import POSTCODES, Convention
from samechild.demographics.full_names import read_full_name, split_full_name
from samechild.demographics.names import NOTHING, NameRead
from samechild.demographics.numbers import CHECKS, TELLING, read_number, read_other_id, read_status
from samechild.demographics.placeholders import read_birth_order
from samechild.demographics.sex import read_sex
from samechild.demographics.sounds import phonex
from samechild.identifiers import postcode, upn
from samechild.records import Record

BLANK = " \t\r\n\xa0"


def standardise_one(values: Mapping[str, str | None], convention: Convention) -> Record:
    """Make one record comparable: ``values`` by field name, source and record_id among them, as the agency gave them.

    ``convention`` says how its source writes dates (and which fields are kept as plain text). A value that cannot be
    used is None in the record.
    """
    given = {field: value for field, value in values.items() if value is not None and value.strip(BLANK)}
    made: dict[str, Any] = {"source": values["source"], "record_id": values["record_id"]}
    made |= (
        _names(given)
        | _birth(given, convention)
        | _places(given, convention)
        | _numbers(given, convention)
        | _others(given)
    )
    return Record(**{field: value for field, value in made.items() if value})


def _names(given: dict[str, str]) -> dict[str, Any]:
    forename = names.read_forename(given["forename"]) if "forename" in given else NOTHING
    surname = names.read_surname(given["surname"]) if "surname" in given else NOTHING
    if "full_name" in given:
        whole = read_full_name(given["full_name"])
        one_word_beside_a_surname = "surname" in given and not split_full_name(given["full_name"])[1]
        forename = whole[0] if "forename" not in given and not one_word_beside_a_surname else forename
        surname = whole[1] if "surname" not in given else surname
    middle = names.read_middle_names(given["middle_names"]) if "middle_names" in given else NOTHING
    called = names.read_forename(given["known_as"]) if "known_as" in given else NOTHING
    former = names.read_surname(given["former_surname"]) if "former_surname" in given else NOTHING
    known_as = called.name or forename.aside
    former_surname = former.name or surname.aside
    middle_names = " ".join(name for name in (forename.more, middle.name) if name)
    own_order = read_birth_order(given["birth_order"])[0] if "birth_order" in given else None
    marks = {mark for name in (forename.name, known_as) if name for mark in variants.forename_marks(name)}
    return {
        "forename": forename.name,
        "middle_names": middle_names,
        "known_as": known_as,
        "surname": surname.name,
        "former_surname": former_surname,
        "full_name": address.read_text(given["full_name"]) if "full_name" in given else None,
        "birth_order": own_order or forename.birth_order or called.birth_order,
        "given_names": _given_names(forename, middle, called, known_as, middle_names),
        "surname_parts": _sorted({*surname.parts, *former.parts, former_surname}),
        "forename_variants": _sorted(marks),
        "surname_variants": variants.surname_marks(surname.name) if surname.name else None,
        "forename_sound": phonex(forename.name) if forename.name else None,
        "surname_sound": phonex(surname.name) if surname.name else None,
    }


def _given_names(
    forename: NameRead, middle: NameRead, called: NameRead, known_as: str | None, middle_names: str
) -> tuple[str, ...]:
    held = {*forename.parts, *middle.parts, *called.parts, known_as}
    if forename.name and middle_names:
        together = forename.name + middle_names.split()[0]
        if len(together) <= names.RUN_TOGETHER:
            held.add(together)
    return _sorted(held)


def _sorted(members: set[str] | set[str | None]) -> tuple[str, ...]:
    return tuple(sorted(member for member in members if member))


def _birth(given: dict[str, str], convention: Convention) -> dict[str, Any]:
    read = dates.read_date(given["date_of_birth"], convention.dates) if "date_of_birth" in given else dates.NOTHING
    sex = None
    if "sex" in given:
        sex = address.read_text(given["sex"]) if "sex" in convention.as_text else read_sex(given["sex"])[0]
    return {
        "date_of_birth": read.date,
        "birth_date_swapped": read.swapped,
        "birth_month": read.month,
        "birth_year": read.year,
        "sex": sex,
    }


def _places(given: dict[str, str], convention: Convention) -> dict[str, Any]:
    made: dict[str, Any] = {
        field: address.read_postcode(given[field], as_text=field in convention.as_text)[0]
        for field in POSTCODES
        if field in given
    }
    made["postcodes"] = _sorted(set(made.values()))
    present = made.get("postcode")
    if present and "postcode" not in convention.as_text:
        made["postcode_sector"] = postcode.sector(present)
        made["postcode_district"] = postcode.district(present)
    if "address" in given:
        made["address"] = address.read_address(given["address"])
    return made


def _numbers(given: dict[str, str], convention: Convention) -> dict[str, Any]:
    reads = {
        field: read_number(field, given[field], convention.distrusted(field)) for field in CHECKS if field in given
    }
    made: dict[str, Any] = {field: read.value for field, read in reads.items()}
    for other in TELLING:
        for read in reads.values():
            if read.belongs_to == other and not made.get(other):
                made[other] = read.moved
    held = [number for number in (made.get("upn"), made.get("former_upn")) if number]
    made["upns"] = _sorted({number for number in held if not upn.is_temporary(number)})
    if made.get("upn"):
        made["upn_kind"] = "temporary" if upn.is_temporary(made["upn"]) else "permanent"
    area = address.read_text(given["area"]) if "area" in given else None
    if area and made.get("la_child_id"):
        made["la_child_id"] = f"{area}:{made['la_child_id']}"
    return made


def _others(given: dict[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {
        field: address.read_text(given[field])
        for field in ("town", "birth_place", "occupation", "ethnicity", "area")
        if field in given
    }
    made |= {field: address.read_code(given[field]) for field in ("school", "gp_practice") if field in given}
    if "phone" in given:
        made["phone"] = address.read_phone(given["phone"])[0]
    if "email" in given:
        made["email"] = address.read_email(given["email"])[0]
    if "other_id" in given:
        made["other_id"] = read_other_id(given["other_id"])
    if "nhs_number_status" in given:
        made["nhs_number_status"] = read_status(given["nhs_number_status"])[0]
    return made
