"""The columns made from names, dates of birth and sex."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.demographics import names, variants
from samechild.demographics.address import read_text, read_texts
from samechild.demographics.columns import Coded, Codes, choose, fill, join, lookup, mapped, paired, recode, within
from samechild.demographics.names import NameRead
from samechild.demographics.people import NamesRead, marks_of, read_dates, read_names, sound_of
from samechild.demographics.problems import Found
from samechild.demographics.sets import SetColumn, of_lists, of_values, union
from samechild.demographics.sex import read_sex
from samechild.demographics.sheet import Sheet

Made = tuple[dict[str, Coded], list[Found]]


def name_columns(sheet: Sheet) -> Made:
    """Every column made from the fields that hold names."""
    given, found = sheet.given, list[Found]()
    reads = {
        field: read_names(given[field].values, read)
        for field, read in (
            ("forename", names.read_forename), ("middle_names", names.read_middle_names),
            ("known_as", names.read_forename), ("surname", names.read_surname),
            ("former_surname", names.read_surname),
        )
        if field in given
    }  # fmt: skip
    for field, read in reads.items():
        found.append(Found(field, recode(given[field], read.problem)))
    whole = _full_names(sheet)
    found += [Found("full_name", whole.pop(f"{field}_problem")) for field in _NAMED if whole]
    made: dict[str, Coded | None] = {}
    made["forename"] = fill(_column(sheet, reads, "forename", "name"), whole.get("forename"))
    more = fill(_column(sheet, reads, "forename", "more"), whole.get("more"))
    made["middle_names"] = join(more, _column(sheet, reads, "middle_names", "name"), " ")
    asides = fill(_column(sheet, reads, "forename", "aside"), whole.get("known_as"))
    made["known_as"] = fill(_column(sheet, reads, "known_as", "name"), asides)
    made["surname"] = fill(_column(sheet, reads, "surname", "name"), whole.get("surname"))
    formers = fill(_column(sheet, reads, "surname", "aside"), whole.get("former_surname"))
    made["former_surname"] = fill(_column(sheet, reads, "former_surname", "name"), formers)
    if "full_name" in given:
        made["full_name"] = recode(given["full_name"], read_texts(given["full_name"].values))
    told = [_column(sheet, reads, field, "birth_order") for field in ("forename", "known_as")]
    order = fill(fill(told[0], told[1]), whole.get("birth_order"))
    if "birth_order" in given:
        answers = [names.read_birth_order(value) for value in given["birth_order"].values.to_pylist()]
        own = recode(given["birth_order"], pa.array([answer for answer, _ in answers], pa.string()))
        order = fill(own, order)
        found.append(Found("birth_order", recode(given["birth_order"], pa.array([p for _, p in answers], pa.string()))))
    made["birth_order"] = order
    kept = {name: column for name, column in made.items() if column is not None}
    if "birth_order" not in given and kept.get("birth_order") is not None and kept["birth_order"].is_empty():
        del kept["birth_order"]
    kept |= _sets(sheet, reads, kept, whole)
    return _worth_keeping(kept, given), found


def _worth_keeping(made: dict[str, Coded], given: dict[str, Coded]) -> dict[str, Coded]:
    """Leave out a field that was not given and of which nothing was found in another."""
    aside = ("middle_names", "known_as", "former_surname")
    return {name: c for name, c in made.items() if name not in aside or name in given or not c.is_empty()}


def _column(sheet: Sheet, reads: dict[str, NamesRead], field: str, what: str) -> Coded | None:
    return recode(sheet.given[field], getattr(reads[field], what)) if field in reads else None


def _sets(
    sheet: Sheet, reads: dict[str, NamesRead], made: dict[str, Coded], whole: dict[str, Coded]
) -> dict[str, Coded]:
    """Given names, surname parts, variant marks and sounds."""
    sets: dict[str, Coded] = {}
    given_names = [
        of_lists(sheet.given[f].codes, reads[f].parts) for f in ("forename", "middle_names", "known_as") if f in reads
    ]
    given_names += _parts_of_full_names(whole, "forename")
    given_names += [of_values(made["known_as"])] if "known_as" in made and not made["known_as"].is_empty() else []
    together = _run_together(made.get("forename"), made.get("middle_names"))
    given_names += [of_values(together)] if together is not None and not together.is_empty() else []
    if given_names:
        sets["given_names"] = union(given_names)
    surnames = [of_lists(sheet.given[f].codes, reads[f].parts) for f in ("surname", "former_surname") if f in reads]
    surnames += _parts_of_full_names(whole, "surname")
    surnames += (
        [of_values(made["former_surname"])]
        if "former_surname" in made and not made["former_surname"].is_empty()
        else []
    )
    if surnames:
        sets["surname_parts"] = union(surnames)
    called = [made[f] for f in ("forename", "known_as") if f in made]
    if called:
        sets["forename_variants"] = union([of_lists(c.codes, marks_of(c.values, variants.FORENAME)) for c in called])
    if "forename" in made:
        sets["forename_sound"] = sound_of(made["forename"])
    if "surname" in made:
        marks = marks_of(made["surname"].values, variants.SURNAME)
        sets["surname_variants"] = union([of_lists(made["surname"].codes, marks)])
        sets["surname_sound"] = sound_of(made["surname"])
    return sets


def _run_together(forename: Coded | None, middle: Coded | None) -> Coded | None:
    """Forename and first middle name as one, where that is short enough for people to write it so (LILYMAE)."""
    if forename is None or middle is None:
        return None
    first = recode(middle, pc.replace_substring_regex(middle.values, pattern=" .*", replacement=""))
    both = paired(forename, first, "")
    if both is None:
        return None
    short = pc.less_equal(pc.binary_length(both.values), names.RUN_TOGETHER)
    return recode(both, pc.if_else(short, both.values, pa.scalar(None, pa.string())))


def _full_names(sheet: Sheet) -> dict[str, Coded]:
    """What whole names say in the rows where the forename, or the surname, was not given."""
    if "full_name" not in sheet.given:
        return {}
    column = sheet.given["full_name"]
    lacking = {f: _lacks(sheet, f) for f in ("forename", "surname")}
    asked = np.unique(column.codes[(column.codes >= 0) & (lacking["forename"] | lacking["surname"])])
    reads = [names.read_full_name(value) for value in column.values.take(pa.array(asked)).to_pylist()]
    table = np.full(len(column.values), -1, dtype=np.int32)
    table[asked] = np.arange(len(asked))
    codes = lookup(table, column.codes)
    made: dict[str, Coded] = {}
    for place, field in enumerate(("forename", "surname")):
        mine = within(Coded(codes, pa.nulls(len(asked))), lacking[field])
        for name, what in _NAMED[field].items():
            made[name] = recode(mine, pa.array([getattr(read[place], what) for read in reads], pa.string()))
        made[f"{field}_problem"] = recode(mine, pa.array([read[place].problem for read in reads], pa.string()))
        made[f"{field}_parts"] = _lists(mine.codes, [read[place] for read in reads])
    return made


_NAMED = {
    "forename": {"forename": "name", "more": "more", "known_as": "aside", "birth_order": "birth_order"},
    "surname": {"surname": "name", "former_surname": "aside"},
}


def _lists(codes: Codes, reads: list[NameRead]) -> Coded:
    return Coded(codes, pa.array([read.parts for read in reads], pa.list_(pa.string())))


def _parts_of_full_names(whole: dict[str, Coded], field: str) -> list[SetColumn]:
    return [of_lists(whole[f"{field}_parts"].codes, whole[f"{field}_parts"].values)] if whole else []


def _lacks(sheet: Sheet, field: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    if field not in sheet.given:
        return np.ones(len(sheet.source.codes), dtype=np.bool_)
    return sheet.given[field].codes < 0


def birth_columns(sheet: Sheet) -> Made:
    """Every column made from the date of birth, and sex."""
    made: dict[str, Coded] = {}
    found: list[Found] = []
    if "date_of_birth" in sheet.given:
        column = sheet.given["date_of_birth"]
        readings = list(dict.fromkeys(convention.dates for convention in sheet.conventions))
        which = np.array([readings.index(c.dates) for c in sheet.conventions], dtype=np.intp)[sheet.source.codes]
        values = column.values.to_pylist()
        reads = [read_dates(values, reading) for reading in readings]
        for what, field in _DATE_FIELDS.items():
            made[field] = choose([recode(column, read[what]) for read in reads], which)
        found.append(Found("date_of_birth", made.pop("problem")))
    if "sex" in sheet.given:
        sex, problems = told_as_text(sheet, "sex", read_sex, "sex-kept-as-text")
        made["sex"] = sex
        found += problems
    return made, found


_DATE_FIELDS = {
    "date": "date_of_birth", "swapped": "birth_date_swapped", "month": "birth_month", "year": "birth_year",
    "problem": "problem",
}  # fmt: skip


def told_as_text(sheet: Sheet, field: str, read, rule: str) -> tuple[Coded, list[Found]]:  # type: ignore[no-untyped-def]
    """A column read by ``read``, or as plain text in the sources that keep it so, with the problems of both."""
    column = sheet.given[field]
    plain = np.array([field in c.as_text for c in sheet.conventions], dtype=np.bool_)[sheet.source.codes]
    answers = [read(value) for value in column.values.to_pylist()]
    usual = within(column, ~plain)
    made = recode(usual, pa.array([value for value, _ in answers], pa.string()))
    found = [Found(field, recode(usual, pa.array([problem for _, problem in answers], pa.string())))]
    if plain.any():
        kept = mapped(within(column, plain), read_text)
        made = fill(made, kept) or made
        one = np.where(kept.codes >= 0, 0, -1).astype(np.int32)
        found.append(Found(field, Coded(one, pa.array([rule])), whole_column=True))
    return made, found
