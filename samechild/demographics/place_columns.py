"""The columns made from addresses, postcodes and the other ways to reach or place a child."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from samechild.demographics.address import (
    read_addresses,
    read_code,
    read_email,
    read_phone,
    read_postcode,
    read_text,
    read_texts,
)
from samechild.demographics.columns import MISSING, Coded, fill, mapped, recode, within
from samechild.demographics.conventions import POSTCODES
from samechild.demographics.problems import Found
from samechild.demographics.sets import of_values, union
from samechild.demographics.sheet import Made, Sheet
from samechild.identifiers import postcode


def place_columns(sheet: Sheet) -> Made:
    """Postcodes with their sector and district, and the address."""
    made: dict[str, Coded] = {}
    found: list[Found] = []
    read = {field: _postcode_column(sheet, field, found) for field in POSTCODES if field in sheet.given}
    for field, (right, plain) in read.items():
        made[field] = fill(right, plain) or right
    if read:
        made["postcodes"] = union([of_values(made[field]) for field in read])
    if "postcode" in read:
        right = read["postcode"][0]
        made["postcode_sector"] = recode(right, postcode.sectors(right.values))
        made["postcode_district"] = recode(right, postcode.districts(right.values))
    if "address" in sheet.given:
        made["address"] = recode(sheet.given["address"], read_addresses(sheet.given["address"].values))
    for field in ("town", "birth_place", "occupation", "ethnicity", "area"):
        if field in sheet.given:
            made[field] = recode(sheet.given[field], read_texts(sheet.given[field].values))
    return made, found


def _postcode_column(sheet: Sheet, field: str, found: list[Found]) -> tuple[Coded, Coded]:
    """UK postcodes, and the plain text of sources that hold something else there."""
    column = sheet.given[field]
    as_text = np.array([field in c.as_text for c in sheet.conventions], dtype=np.bool_)[sheet.source.codes]
    usual = within(column, ~as_text)
    checked = postcode.check_many(column.values)
    problems: list[str | None] = [None] * len(column.values)
    for place in np.flatnonzero(checked.problems).tolist():
        value = column.values[place].as_py()
        problems[place] = read_postcode(value)[1]
    found.append(Found(field, recode(usual, pa.array(problems, pa.string()))))
    plain = Coded(np.full(len(column.codes), MISSING, dtype=np.int32), pa.array([], pa.string()))
    if as_text.any():
        plain = mapped(within(column, as_text), read_text)
        told = Coded(np.where(plain.codes >= 0, 0, -1).astype(np.int32), pa.array(["postcode-kept-as-text"]))
        found.append(Found(field, told, whole_column=True))
    return recode(usual, checked.values), plain


def contact_columns(sheet: Sheet) -> Made:
    """School, practice, telephone and email."""
    made: dict[str, Coded] = {}
    found: list[Found] = []
    for field in ("school", "gp_practice"):
        if field in sheet.given:
            made[field] = mapped(sheet.given[field], read_code)
    readers: dict[str, Callable[[str], tuple[str | None, str | None]]] = {"phone": read_phone, "email": read_email}
    for field, read in readers.items():
        if field in sheet.given:
            answers = [read(value) for value in sheet.given[field].values.to_pylist()]
            made[field] = recode(sheet.given[field], pa.array([value for value, _ in answers], pa.string()))
            found.append(Found(field, recode(sheet.given[field], pa.array([p for _, p in answers], pa.string()))))
    return made, found
