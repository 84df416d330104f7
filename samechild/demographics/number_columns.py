"""The columns made from identifiers: the fast check for all values, the careful reading for those it refuses."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.demographics.address import read_texts
from samechild.demographics.columns import Coded, choose, fill, mapped, paired, recode
from samechild.demographics.numbers import (
    CHECKS,
    SILENT,
    TELLING,
    NumberRead,
    read_number,
    read_other_id,
    read_status,
)
from samechild.demographics.problems import Found
from samechild.demographics.sets import of_values, union
from samechild.demographics.sheet import Made, Sheet
from samechild.identifiers import nino, upn
from samechild.identifiers.kinds import CODE_OF_KIND

_SILENT_CODES = np.array([CODE_OF_KIND[kind] for kind in SILENT], dtype=np.int8)


def identifier_columns(sheet: Sheet) -> Made:
    """Every column made from a number that names a child, or a home."""
    made: dict[str, Coded] = {}
    moved: dict[str, list[Coded]] = {}
    found: list[Found] = []
    for field in (name for name in CHECKS if name in sheet.given):
        made[field] = _number_column(sheet, field, moved, found)
    for field, columns in moved.items():
        for column in columns:
            settled = fill(made.get(field), column)
            if settled is not None:
                made[field] = settled
    _upns(made)
    if "la_child_id" in made and "area" in sheet.given:
        area = recode(sheet.given["area"], read_texts(sheet.given["area"].values))
        made["la_child_id"] = fill(paired(area, made["la_child_id"], ":"), made["la_child_id"]) or made["la_child_id"]
    if "other_id" in sheet.given:
        made["other_id"] = mapped(sheet.given["other_id"], read_other_id)
    if "nhs_number_status" in sheet.given:
        column = sheet.given["nhs_number_status"]
        answers = [read_status(value) for value in column.values.to_pylist()]
        made["nhs_number_status"] = recode(column, pa.array([value for value, _ in answers], pa.string()))
        found.append(Found("nhs_number_status", recode(column, pa.array([p for _, p in answers], pa.string()))))
    return made, found


def _number_column(sheet: Sheet, field: str, moved: dict[str, list[Coded]], found: list[Found]) -> Coded:
    """One identifier field; numbers of other registers met in it are put in ``moved``, problems in ``found``."""
    column = sheet.given[field]
    checked = CHECKS[field].check_many(column.values)
    values = nino.person_parts(checked.values) if field == "nino" else checked.values
    refused = ~np.asarray(values.is_valid()) & ~np.isin(checked.kinds, _SILENT_CODES)
    if not refused.any():
        return recode(column, values)
    slow = column.values.filter(pa.array(refused)).to_pylist()
    ways = list(dict.fromkeys(convention.distrusted(field) for convention in sheet.conventions))
    which = np.array([ways.index(c.distrusted(field)) for c in sheet.conventions], dtype=np.intp)[sheet.source.codes]
    reads = [[read_number(field, value, distrusted) for value in slow] for distrusted in ways]
    values = pc.replace_with_mask(values, pa.array(refused), pa.array([read.value for read in reads[0]], pa.string()))
    problems = [_spread(column, refused, [read.problem for read in read_so]) for read_so in reads]
    found.append(Found(field, choose(problems, which)))
    for other in TELLING:
        theirs = [_spread(column, refused, [_moved_to(read, other) for read in read_so]) for read_so in reads]
        if not all(column.is_empty() for column in theirs):
            moved.setdefault(other, []).append(choose(theirs, which))
    return recode(column, values)


def _moved_to(read: NumberRead, field: str) -> str | None:
    return read.moved if read.belongs_to == field else None


def _spread(column: Coded, where: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], made: list[str | None]) -> Coded:
    nothing = pa.nulls(len(column.values), pa.string())
    return recode(column, pc.replace_with_mask(nothing, pa.array(where), pa.array(made, pa.string())))


def _upns(made: dict[str, Coded]) -> None:
    """The permanent UPNs held, and whether the present one is permanent."""
    permanent = []
    for field in ("upn", "former_upn"):
        if field in made:
            column = made[field]
            temporary = pa.array(upn.temporary_many(column.values))
            lasting = pc.if_else(temporary, pa.scalar(None, pa.string()), column.values)
            permanent.append(of_values(recode(column, lasting)))
            if field == "upn":
                made["upn_kind"] = recode(column, pc.if_else(temporary, "temporary", "permanent"))
    if permanent:
        made["upns"] = union(permanent)
