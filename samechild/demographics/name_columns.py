"""The columns made from names: each name in one form, and together every name and part of one that a record holds."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from samechild.demographics import names, variants
from samechild.demographics.address import read_texts
from samechild.demographics.columns import MISSING, Coded, distinct, fill, join, lookup, paired, recode
from samechild.demographics.full_names import split_full_name
from samechild.demographics.people import NamesRead, marks_of, read_names, sound_of
from samechild.demographics.placeholders import read_birth_order
from samechild.demographics.problems import Found
from samechild.demographics.sets import SetColumn, of_lists, of_values, union
from samechild.demographics.sheet import Made, Sheet

_READERS = {
    "forename": names.read_forename,
    "middle_names": names.read_middle_names,
    "known_as": names.read_forename,
    "surname": names.read_surname,
    "former_surname": names.read_surname,
}
_OFTEN_EMPTY = frozenset({"middle_names", "known_as", "former_surname", "birth_order"})


class _Held(msgspec.Struct, frozen=True):
    """A column that holds names of one kind, as read, and the field it was given in."""

    field: str
    column: Coded
    read: NamesRead
    given_in: str


def name_columns(sheet: Sheet) -> Made:
    """Every column made from the fields that hold names."""
    held = _names_held(sheet)
    found = [Found(one.given_in, recode(one.column, one.read.problem)) for one in held]
    birth_order, problems = _birth_order(sheet, held)
    made = {
        "forename": _told(held, "forename", "name"),
        "middle_names": join(_told(held, "forename", "more"), _told(held, "middle_names", "name"), " "),
        "known_as": fill(_told(held, "known_as", "name"), _told(held, "forename", "aside")),
        "surname": _told(held, "surname", "name"),
        "former_surname": fill(_told(held, "former_surname", "name"), _told(held, "surname", "aside")),
        "birth_order": birth_order,
    }
    kept = {
        field: column
        for field, column in made.items()
        if column is not None and (field in sheet.given or field not in _OFTEN_EMPTY or not column.is_empty())
    }
    if "full_name" in sheet.given:
        kept["full_name"] = recode(sheet.given["full_name"], read_texts(sheet.given["full_name"].values))
    return kept | _sets(held, kept), found + problems


def _names_held(sheet: Sheet) -> list[_Held]:
    """The given columns of names, then the two sides of whole names in the rows where that side was not given."""
    held = [
        _Held(field, sheet.given[field], read_names(sheet.given[field].values, read), field)
        for field, read in _READERS.items()
        if field in sheet.given
    ]
    if "full_name" in sheet.given:
        column = sheet.given["full_name"]
        lacking = {field: _lacks(sheet, field) for field in ("forename", "surname")}
        asked = np.unique(column.codes[(column.codes >= 0) & (lacking["forename"] | lacking["surname"])])
        table = np.full(len(column.values), MISSING, dtype=np.int32)
        table[asked] = np.arange(len(asked))
        split = [split_full_name(value) for value in column.values.take(pa.array(asked)).to_pylist()]
        for side, field in enumerate(("forename", "surname")):
            texts = pa.array([parts[side] or None for parts in split], pa.string())
            wanted = lacking[field]
            if field == "forename":  # one word alone is the forename only where there is no surname beside it
                one_word = np.array([not parts[1] for parts in split] + [False])
                wanted = wanted & (lacking["surname"] | ~one_word[lookup(table, column.codes)])
            codes = lookup(table, np.where(wanted, column.codes, MISSING).astype(np.int32))
            text = distinct(codes, texts)
            held.append(_Held(field, text, read_names(text.values, _READERS[field]), "full_name"))
    return held


def _lacks(sheet: Sheet, field: str) -> npt.NDArray[np.bool_]:
    if field not in sheet.given:
        return np.ones(len(sheet.source.codes), dtype=np.bool_)
    return sheet.given[field].codes < 0


def _told(held: list[_Held], field: str, what: str) -> Coded | None:
    """What the columns of a field tell, in order; None when there is no such column."""
    told: Coded | None = None
    for one in held:
        if one.field == field:
            told = fill(told, recode(one.column, getattr(one.read, what)))
    return told


def _birth_order(sheet: Sheet, held: list[_Held]) -> tuple[Coded | None, list[Found]]:
    """The place in a multiple birth: its own field, or what a placeholder for a name tells."""
    told = fill(_told(held, "forename", "birth_order"), _told(held, "known_as", "birth_order"))
    if "birth_order" not in sheet.given:
        return told, []
    column = sheet.given["birth_order"]
    answers = [read_birth_order(value) for value in column.values.to_pylist()]
    problems = recode(column, pa.array([problem for _, problem in answers], pa.string()))
    own = recode(column, pa.array([answer for answer, _ in answers], pa.string()))
    return fill(own, told), [Found("birth_order", problems)]


def _sets(held: list[_Held], made: dict[str, Coded]) -> dict[str, Coded]:
    """Given names, surname parts, variant marks and sounds."""
    sets: dict[str, Coded] = {}
    given_names = [_parts(one) for one in held if one.field in ("forename", "middle_names", "known_as")]
    given_names += _alone(made.get("known_as")) + _alone(_run_together(made.get("forename"), made.get("middle_names")))
    if given_names:
        sets["given_names"] = union(given_names)
    surnames = [_parts(one) for one in held if one.field in ("surname", "former_surname")]
    surnames += _alone(made.get("former_surname"))
    if surnames:
        sets["surname_parts"] = union(surnames)
    called = [made[field] for field in ("forename", "known_as") if field in made]
    if called:
        sets["forename_variants"] = union([of_lists(c.codes, marks_of(c.values, variants.FORENAME)) for c in called])
    if "forename" in made:
        sets["forename_sound"] = sound_of(made["forename"])
    if "surname" in made:
        marks = marks_of(made["surname"].values, variants.SURNAME)
        sets["surname_variants"] = union([of_lists(made["surname"].codes, marks)])
        sets["surname_sound"] = sound_of(made["surname"])
    return sets


def _parts(one: _Held) -> SetColumn:
    return of_lists(one.column.codes, one.read.parts)


def _alone(column: Coded | None) -> list[SetColumn]:
    return [] if column is None or column.is_empty() else [of_values(column)]


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
